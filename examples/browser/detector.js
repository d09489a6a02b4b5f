// Loads an exported model, and draws what it sees. All that it needs to know stands in the file.
/* global ort */

import { metadataOf } from './metadata.js'

const SCORE = 0.3
const COLOURS = ['#d1495b', '#3f7cac', '#66a182', '#edae49', '#8a5a83', '#00798c']

ort.env.wasm.wasmPaths = new URL('node_modules/onnxruntime-web/dist/', import.meta.url).href
ort.env.wasm.numThreads = 1 // more need headers that a plain file server does not send

const status = document.getElementById('status')
const canvas = document.getElementById('canvas')
let model, picture

async function loadModel (bytes) {
  const metadata = metadataOf(new Uint8Array(bytes))
  if (metadata?.task !== 'detection' || !metadata.outputs.num_detections) {
    throw new Error('This is no detector of effspine export with --decode.')
  }
  model = { metadata, session: await ort.InferenceSession.create(bytes) }
}

// Floats from 0 to 255, the long side as long as the input, padded with 0 at the bottom and the right.
function letterboxed (image, size) {
  const scale = size / Math.max(image.width, image.height)
  const surface = new OffscreenCanvas(size, size)
  const context = surface.getContext('2d')
  const [width, height] = [image.width, image.height].map(side => Math.round(side * scale))
  context.drawImage(image, 0, 0, width, height)
  const { data } = context.getImageData(0, 0, size, size)
  const pixels = new Float32Array(size * size * 3)
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = data[4 * i + c]
  }
  return { scale, images: new ort.Tensor('float32', pixels, [1, size, size, 3]) }
}

async function detect () {
  if (!model || !picture) return
  status.textContent = 'Looking ...'
  const { metadata, session } = model
  const { scale, images } = letterboxed(picture, metadata.image_size)
  const started = performance.now()
  const found = await session.run({ images })
  const taken = Math.round(performance.now() - started)
  canvas.width = picture.width
  canvas.height = picture.height
  const context = canvas.getContext('2d')
  context.drawImage(picture, 0, 0)
  context.lineWidth = Math.max(2, picture.width / 300)
  context.font = `${Math.max(12, picture.width / 40)}px sans-serif`
  const counts = {}
  found.confidence.data.forEach((score, i) => {
    if (score < SCORE) return
    const [left, top, right, bottom] = [...found.boxes.data.slice(4 * i, 4 * i + 4)].map(x => x / scale)
    const kind = found.classes.data[i]
    const name = metadata.class_names[kind]
    counts[name] = (counts[name] ?? 0) + 1
    context.strokeStyle = context.fillStyle = COLOURS[kind % COLOURS.length]
    context.strokeRect(left, top, right - left, bottom - top)
    context.fillText(`${name} ${score.toFixed(2)}`, left + 3, top - 4)
  })
  const said = Object.entries(counts).map(([name, count]) => `${count} ${name}`)
  status.textContent = `${said.join(', ') || 'Nothing'} found in ${taken} ms.`
}

async function guarded (work) {
  try {
    await work()
    await detect()
  } catch (error) {
    status.textContent = `Error: ${error.message ?? error}`
  }
}

document.getElementById('model').addEventListener('change', event =>
  guarded(async () => loadModel(await event.target.files[0].arrayBuffer())))
document.getElementById('picture').addEventListener('change', event =>
  guarded(async () => { picture = await createImageBitmap(event.target.files[0]) }))

// index.html?model=cells.onnx&picture=photo.jpg loads both from beside the page.
const given = new URLSearchParams(location.search)
if (given.has('model') && given.has('picture')) {
  guarded(async () => {
    const [bytes, blob] = await Promise.all([
      fetch(given.get('model')).then(answer => answer.arrayBuffer()),
      fetch(given.get('picture')).then(answer => answer.blob())
    ])
    await loadModel(bytes)
    picture = await createImageBitmap(blob)
  })
}

// The entry "keras_effspine.json" of an ONNX file, or undefined: onnxruntime-web does not show it.
// An ONNX file is a protocol buffer; its field 14 holds entries of a key (1) and a value (2).

const ENTRY = 'keras_effspine.json'
const LENGTH_DELIMITED = 2
const SIZES = { 1: 8, 5: 4 } // of the fields of fixed size, by their wire type

export function metadataOf (bytes) {
  for (const entry of fields(bytes, 14)) {
    const [key, value] = [1, 2].map(number => text(fields(entry, number)[0]))
    if (key === ENTRY) return JSON.parse(value)
  }
}

// The contents of all fields of a number that have a length.
function fields (bytes, wanted) {
  const found = []
  let at = 0
  const number = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
      if (byte === undefined) throw new Error('The model file is damaged.')
    }
  }
  while (at < bytes.length) {
    const tag = number()
    const kind = tag & 7
    if (kind === LENGTH_DELIMITED) {
      const length = number()
      if (Math.floor(tag / 8) === wanted) found.push(bytes.subarray(at, at + length))
      at += length
    } else if (kind === 0) {
      number()
    } else if (SIZES[kind]) {
      at += SIZES[kind]
    } else {
      throw new Error('This is no ONNX file.')
    }
  }
  return found
}

const text = bytes => new TextDecoder().decode(bytes)

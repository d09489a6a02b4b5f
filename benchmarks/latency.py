"""Inference beside public relatives', in the runtimes that models leave for.

    python benchmarks/latency.py prepare --files build/latency m2 mobile_spinenet_49 \
        --tf-models-python PYTHON
    python benchmarks/latency.py time --files build/latency --batch-size 1 --threads 1 \
        --reference mobile_spinenet_49:litert --out benchmarks/results/latency/litert.json \
        m2:litert mobile_spinenet_49:litert

`prepare` writes each model as a SavedModel whose weights are constants, with the network's own
outputs of 91 classes, random weights; `time` converts it for a runtime where that was not done yet,
and lets the candidates take turns, each in a process of its own. A model is

- a preset of this package, as `effspine export` writes it; with `_unfolded` behind its name as it
  is trained, with `_levels` with its outputs left as maps of each level, which is what
  tf-models-official's have;
- `mobile_spinenet_49`, `mobile_spinenet_49s`, `mobile_spinenet_49xs`: the RetinaNet of
  tf-models-official, built by the Python that `--tf-models-python` names;
- `keras_cv_mobilenet_v3_small`, `keras_cv_efficientnet_lite_b0`: `keras_cv.models.RetinaNet`;
- `keras_hub_retinanet_r50`: keras-hub's RetinaNet on ResNet-50, by the Python that `--hub-python`
  names;
- `ssdlite320`: torchvision's SSDLite320 with MobileNetV3-Large, without post-processing, for ONNX
  Runtime and OpenVINO, by the Python that `--torch-python` names.

A runtime is `tensorflow`, `xla`, `litert`, `onnx` or `openvino`, with `+float16` or `+int8` behind
`litert`. All run on this machine's CPU, TensorFlow with oneDNN. Given are medians by the clock and
of the seconds that all threads computed; on a machine that does other work compare the latter, at
one thread.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

CLASSES = 91
TF_MODELS = {f"mobile_spinenet_49{kind}": f"49{kind.upper()}" for kind in ("", "s", "xs")}
KERAS_HUB = "keras_hub_retinanet_r50"
CALIBRATED = 20


def prepare(name, size, folder):
    """Writes a model as a SavedModel, or torchvision's as ONNX; returns what is known of it."""
    if name == "ssdlite320":
        return torch_model(folder)
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    import tensorflow as tf

    from keras_effspine.exporting.frozen_graph import frozen_function

    if name in TF_MODELS:
        call, known = tf_models(TF_MODELS[name], size), {}
    elif name == KERAS_HUB:
        from bake_off_worker import KerasHub

        model = KerasHub(name, CLASSES, size).model
        call, known = lambda images: dict(model(images, training=False)), {}
    elif name.startswith("keras_cv_"):
        from peers import build

        model = build(name, CLASSES)
        call, known = lambda images: dict(model(images, training=False)), {}
    else:
        call, known = preset(name, size)
    # Any number of pictures would leave shapes open that a runtime could use.
    for batch_size in (1, 8):
        function = frozen_function(call, size, None, batch_size)
        module = tf.Module()
        module.serve = function
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        signatures = {"serving_default": function}
        tf.saved_model.save(module, f"{folder}/{batch_size}", signatures, options)
    return {**known, "tensorflow_of_its_graph": tf.__version__}


def preset(name, size):
    import keras

    import keras_effspine
    from keras_effspine.profiling import profile_model

    model = keras_effspine.RetinaNet.from_preset(
        name.removesuffix("_unfolded").removesuffix("_levels"),
        num_classes=CLASSES,
        bounding_box_format="xyxy",
        load_weights=False,
    )
    macs = profile_model(model, size).total.macs
    used = model if name.endswith("_unfolded") else model.fuse_for_inference((size, size, 3))
    if name.endswith("_levels"):
        rows = [x for x in used.layers if x.name.startswith(("box_p", "classification_p"))]
        used = keras.Model(used.inputs, {x.name: x.input for x in rows})
    return lambda images: dict(used(images, training=False)), {"multiply_adds": macs}


def tf_models(kind, size):
    import tensorflow as tf
    from official.vision.configs import retinanet
    from official.vision.tasks.retinanet import RetinaNetTask

    config = retinanet.retinanet_spinenet_mobile_coco()
    config.task.model.input_size = [size, size, 3]
    config.task.model.backbone.spinenet_mobile.model_id = kind
    model = RetinaNetTask(config.task).build_model()

    def call(images):
        outputs = model(images / 255.0, training=False)
        return {
            f"{name}_{level}": x
            for name in ("cls_outputs", "box_outputs")
            for level, x in outputs[name].items()
        }

    call(tf.zeros((1, size, size, 3)))
    return call


def torch_model(folder):
    import torch
    import torchvision

    model = torchvision.models.detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=CLASSES
    ).eval()

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model  # or its weights would be constants that have gradients

        def forward(self, images):
            features = self.model.backbone(images.permute(0, 3, 1, 2) / 255)
            found = self.model.head(list(features.values()))
            return found["cls_logits"], found["bbox_regression"]

    folder.mkdir(parents=True, exist_ok=True)
    for batch_size in (1, 8):
        torch.onnx.export(
            Network(),
            torch.zeros(batch_size, 320, 320, 3),
            folder / f"{batch_size}.onnx",
            input_names=["images"],
            dynamo=False,
        )
    return {"size": 320, "torchvision": torchvision.__version__}


def converted(folder, runtime, batch_size, size):
    """The file of a runtime, made where it is not there yet."""
    import numpy as np

    kind, _, precision = runtime.partition("+")
    source = folder / str(batch_size)
    if kind in ("tensorflow", "xla") or (folder / f"{batch_size}.onnx").exists():
        return source if kind in ("tensorflow", "xla") else folder / f"{batch_size}.onnx"
    suffix = {"litert": "tflite", "onnx": "onnx", "openvino": "xml"}[kind]
    file = folder / f"{batch_size}-{runtime}.{suffix}"
    if file.exists():
        return file
    if kind == "litert":
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
        if precision:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        elif precision == "int8":
            random = np.random.default_rng(0)
            converter.representative_dataset = lambda: (
                {"images": random.uniform(0, 255, (batch_size, size, size, 3)).astype("float32")}
                for _ in range(CALIBRATED)
            )
        file.write_bytes(converter.convert())
    elif kind == "onnx":
        command = ["-m", "tf2onnx.convert", "--saved-model", source, "--opset", "17"]
        subprocess.run([sys.executable, *command, "--output", file], check=True)
    else:
        import openvino

        model = openvino.convert_model(source)
        model.reshape([batch_size, size, size, 3])
        openvino.save_model(model, file, compress_to_fp16=False)
    return file


def runner(file, runtime, batch_size, size, threads):
    """A function that runs the network once."""
    import numpy as np

    images = np.random.default_rng(0).uniform(0, 255, (batch_size, size, size, 3))
    images = images.astype("float32")
    kind = runtime.partition("+")[0]
    if kind in ("tensorflow", "xla"):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads and 1)
        loaded = tf.saved_model.load(str(file))
        signature = loaded.signatures["serving_default"]
        function = tf.function(lambda x: signature(images=x), jit_compile=kind == "xla")
        given = tf.constant(images)
        return lambda: [x.numpy() for x in function(given).values()] and loaded
    if kind == "litert":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(file), num_threads=threads or os.cpu_count())
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
        return interpreter.invoke
    if kind == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        name = session.get_inputs()[0].name
        return lambda: session.run(None, {name: images})
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    request = openvino.Core().compile_model(str(file), "CPU", options).create_infer_request()
    return lambda: request.infer([images])


def work(file, runtime, batch_size, size, threads):
    """A candidate's process: runs as often as standard input asks for."""
    run = runner(pathlib.Path(file), runtime, batch_size, size, threads)
    run()
    print("REPORT 0", flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            clock, computing = time.perf_counter(), time.process_time()
            run()
            times.append((time.perf_counter() - clock, time.process_time() - computing))
        print(f"REPORT {json.dumps(times)}", flush=True)


class Candidate:
    """A candidate in its process."""

    def __init__(self, name, arguments):
        model, _, runtime = name.partition(":")
        folder = arguments.files / model
        self.known = json.loads((folder / "known.json").read_text())
        size = self.known["size"]
        file = converted(folder, runtime, arguments.batch_size, size)
        options = [file, runtime, arguments.batch_size, size, arguments.threads]
        self.process = subprocess.Popen(
            [sys.executable, __file__, "work", *map(str, options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if arguments.verbose else subprocess.DEVNULL,
            text=True,
        )
        self.times = []
        self.answer()

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("REPORT "):
                return json.loads(line.removeprefix("REPORT "))
        raise SystemExit(f"{self.process.args} ended with status {self.process.wait()}")

    def run(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        self.times += self.answer()

    def summary(self, batch_size):
        clock, computing = (statistics.median(t[i] for t in self.times) for i in (0, 1))
        found = {
            "milliseconds": round(1e3 * clock, 2),
            "lowest": round(1e3 * min(t[0] for t in self.times), 2),
            "computing_milliseconds": round(1e3 * computing, 2),
            "lowest_computing": round(1e3 * min(t[1] for t in self.times), 2),
            **self.known,
        }
        if "multiply_adds" in self.known:
            found["gmac_a_computing_second"] = round(
                self.known["multiply_adds"] * batch_size / computing / 1e9, 2
            )
        return found


def time_candidates(arguments):
    candidates = {name: Candidate(name, arguments) for name in arguments.candidates}
    for _ in range(arguments.rounds):
        for candidate in candidates.values():
            candidate.run(arguments.runs)
    found = {name: one.summary(arguments.batch_size) for name, one in candidates.items()}
    for one in candidates.values():
        one.process.stdin.close()
        one.process.wait()
    if arguments.reference:
        base = found[arguments.reference]
        for one in found.values():
            for key in ("milliseconds", "computing_milliseconds"):
                one[f"{key}_over_reference"] = round(one[key] / base[key], 3)
    result = {
        "command": " ".join(["python", *sys.argv]),
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "batch_size": arguments.batch_size,
        "threads": arguments.threads or "all",
        "candidates": found,
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


def prepare_models(arguments):
    for name in arguments.models:
        folder = arguments.files / name
        if (folder / "known.json").exists():
            continue
        python, environment = sys.executable, dict(os.environ)
        if name in TF_MODELS:
            python, environment["TF_USE_LEGACY_KERAS"] = arguments.tf_models_python, "1"
        elif name == "ssdlite320":
            python = arguments.torch_python
        elif name == KERAS_HUB:
            python = arguments.hub_python
        options = [name, str(arguments.size), str(folder)]
        subprocess.run([python, __file__, "write", *options], check=True, env=environment)
        print(f"{name}: {folder}")


def main():
    if sys.argv[1:2] == ["work"]:
        file, runtime, *numbers = sys.argv[2:]
        return work(file, runtime, *map(int, numbers))
    if sys.argv[1:2] == ["write"]:
        name, size, folder = sys.argv[2], int(sys.argv[3]), pathlib.Path(sys.argv[4])
        known = {"size": size, **prepare(name, size, folder)}
        (folder / "known.json").write_text(json.dumps(known))
        return None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    preparing = verbs.add_parser("prepare")
    preparing.add_argument("models", nargs="+")
    preparing.add_argument("--size", type=int, default=384)
    preparing.add_argument("--tf-models-python", default=sys.executable)
    preparing.add_argument("--torch-python", default=sys.executable)
    preparing.add_argument("--hub-python", default=sys.executable)
    preparing.set_defaults(run=prepare_models)
    timing = verbs.add_parser("time")
    timing.add_argument("candidates", nargs="+", metavar="MODEL:RUNTIME")
    timing.add_argument("--reference", help="the candidate that the others are compared with")
    timing.add_argument("--batch-size", type=int, choices=(1, 8), default=1)
    timing.add_argument("--threads", type=int, default=1, help="0 for all")
    timing.add_argument("--rounds", type=int, default=7)
    timing.add_argument("--runs", type=int, default=3, help="of a candidate in a round")
    timing.add_argument("--out", type=pathlib.Path)
    timing.add_argument("--verbose", action="store_true")
    timing.set_defaults(run=time_candidates)
    for one in (preparing, timing):
        one.add_argument("--files", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    main()

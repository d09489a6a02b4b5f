"""Converted checkpoints beside the code that wrote them: what both compute of the same pictures.

The published files cannot be had (models#13610), so models of Google's own code are built with
random weights and random statistics, saved as their trainers save them, converted, and compared.

    python -m venv models && models/bin/pip install tensorflow-cpu==2.20.0 tf_keras==2.20.1 \
        pyyaml gin-config tensorflow-datasets tensorflow-hub tensorflow-model-optimization \
        pycocotools opencv-python-headless matplotlib scipy pandas
    models/bin/pip install --no-deps tf-models-official==2.20.0
    models/bin/python benchmarks/google_checkpoints.py make checkpoints
    python benchmarks/google_checkpoints.py compare checkpoints

With `--tpu models/official/detection`, that folder of a checkout of github.com/tensorflow/tpu,
`make` also runs its graphs for TensorFlow 1. `--fixtures` makes what the tests read, and `pack` the
archives of it.
"""

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
import zipfile

import numpy as np

LEVELS = range(3, 8)
ROW_STEP = 97


@dataclasses.dataclass(frozen=True)
class Case:
    """A model of Google's code; its values are those of its configuration."""

    name: str
    model_id: str
    mobile: bool = False
    tf1: bool = False
    size: int = 128
    activation: str = "swish"
    epsilon: float = 1e-3
    anchor_size: float = 3.0
    aspect_ratios: tuple = (0.5, 1.0, 2.0)
    filters: int = 256
    layers: int = 4
    averages: bool = False
    scale: float | None = None
    """Of the widths, in place of the one that belongs to the model's id."""
    endpoints: int | None = None


CASES = (
    Case("spinenet_49s", "49S", filters=128, activation="relu"),
    Case("spinenet_49", "49", size=256),
    Case("spinenet_96", "96", epsilon=1e-4, aspect_ratios=(1.0, 2.0, 0.5)),
    Case("spinenet_143", "143", anchor_size=4.0),
    Case("spinenet_190", "190", filters=512, layers=7, anchor_size=4.0),
    Case("mobile_49", "49", True, filters=48, activation="hard_swish", averages=True, size=384),
    Case("mobile_49s", "49S", True, filters=40),
    Case("mobile_49xs", "49XS", True, filters=24, size=256),
)
TF1 = {"tf1": True, "epsilon": 1e-4, "aspect_ratios": (1.0, 2.0, 0.5)}
TF1_CASES = (
    Case("tf1_spinenet_49", "49", size=256, activation="relu", **TF1),
    # The published SpineNet-49S has endpoints of 256 (tensorflow/tpu#767).
    Case("tf1_spinenet_49s", "49S", filters=128, endpoints=256, averages=True, **TF1),
    Case("tf1_spinenet_190", "190", filters=512, layers=7, anchor_size=4.0, **TF1),
    Case("tf1_mobile_49", "49", True, filters=48, size=256, **TF1),
)
FIXTURES = (
    Case("tf2_spinenet", "49S", scale=0.05, filters=4, layers=1, endpoints=6, epsilon=1e-4),
    Case(
        *("tf2_mobile", "49", True),
        **{"scale": 0.15, "filters": 5, "layers": 2, "endpoints": 5, "averages": True},
        **{"activation": "hard_swish", "anchor_size": 4.0, "aspect_ratios": (1.0, 2.0, 0.5)},
    ),
)
TF1_FIXTURES = (
    Case("tf1_spinenet", "96", scale=0.05, filters=4, layers=1, endpoints=6, averages=True, **TF1),
    Case("tf1_mobile", "49", True, scale=0.3, filters=5, layers=2, endpoints=5, **TF1),
)


def make(folder: pathlib.Path, cases, tpu: str | None, coarse: bool) -> None:
    os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3")
    for case in cases:
        place = folder / case.name
        place.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(0)
        block = 4 if coarse else 1
        images = random.integers(0, 256, (2, case.size // block, case.size // block, 3))
        images = images.repeat(block, 1).repeat(block, 2).astype("float32")
        run = run_tf1 if case.tf1 else run_tf2
        arguments = (tpu,) if case.tf1 else ()
        outputs = run(case, place, images, random, coarse, *arguments)
        np.savez(place / "outputs.npz", images=images, **outputs)
        print(case.name, "made", flush=True)


def random_value(name: str, shape, random, coarse: bool, scale: float = 1.0) -> np.ndarray:
    """A variable's value: no scale, bias or statistic is trivial, and maps keep about their size.

    Few different values, for archives that are small, where it is coarse. `scale` is that of the
    kernels of predictions.
    """
    if "gamma" in name or "variance" in name:
        value = random.uniform(0.5, 1.5, shape)
    elif len(shape) < 2:
        value = random.normal(0, 0.2, shape)
    else:
        inputs = np.prod(shape[:2]) * (1 if "depthwise" in name else shape[2])
        value = random.normal(0, 1.2 / np.sqrt(inputs), shape)
    if coarse:
        step = 0.0625 if value.ndim < 2 else max(float(np.std(value)), 1e-3)
        value = np.round(value / step) * step
    is_prediction = any(part in name for part in ("boxes", "scores", "-predict"))
    if is_prediction and value.ndim > 1 and "depthwise" not in name:
        value = value * scale
    return value.astype("float32")


def scale_of(outputs: dict[str, np.ndarray]) -> float:
    """What brings predictions to values that are neither all small nor all clipped."""
    spread = max(np.std(outputs[f"{name}{level}"]) for name in ("class", "box") for level in LEVELS)
    return float(2.0 ** np.round(np.log2(1 / spread)))


def run_tf2(case: Case, place, images, random, coarse):
    import tensorflow as tf
    import tf_keras
    import yaml
    from official.core import exp_factory
    from official.modeling.optimization import ema_optimizer
    from official.vision.modeling.backbones import spinenet, spinenet_mobile
    from official.vision.ops import preprocess_ops
    from official.vision.tasks import retinanet

    kind = "spinenet_mobile" if case.mobile else "spinenet"
    scaling = (spinenet_mobile if case.mobile else spinenet).SCALING_MAP
    model_id = case.model_id
    if case.scale is not None:
        model_id = "narrow"
        scaling[model_id] = {
            **scaling[case.model_id],
            "filter_size_scale": case.scale,
            "endpoints_num_filters": case.endpoints,
        }
    experiment = "retinanet_mobile_coco" if case.mobile else "retinanet_spinenet_coco"
    config = exp_factory.get_exp_config(experiment)
    model_config = {
        "anchor": {"anchor_size": case.anchor_size, "aspect_ratios": list(case.aspect_ratios)},
        "backbone": {"type": kind, kind: {"model_id": model_id}},
        "head": {
            "num_convs": case.layers,
            "num_filters": case.filters,
            "use_separable_conv": case.mobile,
        },
        "input_size": [case.size, case.size, 3],
        "norm_activation": {"activation": case.activation, "norm_epsilon": case.epsilon},
        "detection_generator": {"apply_nms": False},
    }
    config.override({"task": {"model": model_config}}, is_strict=False)
    (place / "params.yaml").write_text(yaml.safe_dump(config.as_dict()))
    task = retinanet.RetinaNetTask(config.task)
    model = task.build_model()
    model(tf.zeros((1, case.size, case.size, 3)), training=True)
    normalized = preprocess_ops.normalize_image(
        images, preprocess_ops.MEAN_RGB, preprocess_ops.STDDEV_RGB
    )

    def outputs_of_model():
        found = model(
            normalized,
            image_shape=tf.constant([[case.size] * 2] * len(images)),
            output_intermediate_features=True,
            training=False,
        )
        outputs = {f"P{level}": found[f"backbone_{level}"] for level in LEVELS}
        outputs |= {f"class{level}": found["cls_outputs"][str(level)] for level in LEVELS}
        outputs |= {f"box{level}": found["box_outputs"][str(level)] for level in LEVELS}
        outputs["boxes"], outputs["scores"] = found["decoded_boxes"], found["decoded_box_scores"]
        return {name: np.asarray(value) for name, value in outputs.items()}

    def fill_model(scale, seed):
        values = np.random.default_rng(seed)
        for v in model.variables:
            v.assign(random_value(v.name, v.shape, values, coarse, scale))

    fill_model(1.0, 1)
    scale = scale_of(outputs_of_model())
    fill_model(scale, 1)
    optimizer = tf_keras.optimizers.legacy.SGD(0.1, momentum=0.9)
    if case.averages:
        optimizer = ema_optimizer.ExponentialMovingAverage(optimizer)
        optimizer.shadow_copy(model)
    optimizer._create_slots(model.trainable_variables)  # momentum, as after a first step
    for slot in [
        optimizer.get_slot(v, "average") for v in model.trainable_variables * case.averages
    ]:
        slot.assign(random_value(slot.name, slot.shape, random, coarse, scale))
    checkpoint = tf.train.Checkpoint(
        global_step=tf.Variable(1, dtype="int64"),
        model=model,
        optimizer=optimizer,
        **model.checkpoint_items,
    )
    checkpoint.write(str(place / "ckpt-1"))
    if case.averages:
        optimizer.assign_average_vars(model.trainable_variables)
    return outputs_of_model()


def run_tf1(case: Case, place, images, random, coarse, tpu):
    """As `run_tf2`, but for the decoding of boxes, which is not part of the graph."""
    sys.path.insert(0, tpu)
    import tensorflow.compat.v1 as tf
    import yaml

    parameters = {
        "anchor": {"anchor_size": case.anchor_size, "aspect_ratios": list(case.aspect_ratios)},
        "batch_norm_activation": {
            "activation": case.activation,
            "batch_norm_epsilon": case.epsilon,
            "batch_norm_momentum": 0.997,
        },
        "retinanet_parser": {"output_size": [case.size, case.size]},
    }
    (place / "params.yaml").write_text(yaml.safe_dump(parameters))
    with tf.Graph().as_default(), tf.Session() as session:
        wanted = tf1_detector(case, images)
        model, trainable = tf.global_variables(), tf.trainable_variables()
        slots = ["Momentum", *["ExponentialMovingAverage"] * case.averages]
        for slot in slots:  # under the names that optimizers give them
            for v in trainable:
                tf.get_variable(f"{v.op.name}/{slot}", v.shape)

        def fill_model(scale, seed):
            values = np.random.default_rng(seed)
            return fill(
                session,
                {
                    v.op.name: random_value(v.name, v.shape.as_list(), values, coarse, scale)
                    for v in model
                },
            )

        fill_model(1.0, 1)
        scale = scale_of(session.run(wanted))
        fill_model(scale, 1)
        averages = {
            v.op.name: random_value(v.name, v.shape.as_list(), random, coarse, scale)
            for v in trainable
        }
        fill(session, {f"{v.op.name}/Momentum": np.zeros(v.shape.as_list()) for v in trainable})
        fill(session, {f"{n}/ExponentialMovingAverage": x for n, x in averages.items()})
        tf.train.Saver().save(session, str(place / "model.ckpt"), write_meta_graph=False)
        if case.averages:
            fill(session, averages)
        return session.run(wanted)


def tf1_detector(case: Case, images):
    """The outputs of a detector of tensorflow/tpu in a graph of its own, by name."""
    import tensorflow.compat.v1 as tf
    from modeling.architecture import heads, nn_ops, spinenet, spinenet_mbconv

    normalization = nn_ops.BatchNormActivation(activation=case.activation, epsilon=case.epsilon)
    module = spinenet_mbconv if case.mobile else spinenet
    scaling = dict(module.SCALING_MAP[case.model_id])
    if case.scale is not None:
        scaling["filter_size_scale"] = case.scale
    if case.endpoints is not None:
        scaling["endpoints_num_filters"] = case.endpoints
    network = (module.SpineNetMBConv if case.mobile else module.SpineNet)(
        **scaling, activation=case.activation, batch_norm_activation=normalization
    )
    head = heads.RetinanetHead(
        3,
        7,
        91,
        9,
        num_convs=case.layers,
        num_filters=case.filters,
        use_separable_conv=case.mobile,
        batch_norm_activation=normalization,
    )
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    inputs = tf.constant((images / 255 - mean) / deviation, tf.float32)
    features = network(inputs, is_training=False)
    classes, boxes = head(features, is_training=False)
    return {
        f"{name}{level}": maps[level]
        for name, maps in (("P", features), ("class", classes), ("box", boxes))
        for level in LEVELS
    }


def fill(session, values: dict[str, np.ndarray]) -> None:
    """Gives variables their values by name, in one run: each change of the graph costs seconds."""
    import tensorflow.compat.v1 as tf

    variables = [v for v in tf.global_variables() if v.op.name in values]
    feeds = {v.initializer.inputs[1]: values[v.op.name] for v in variables}
    session.run([v.initializer for v in variables], feeds)


def compare(folder: pathlib.Path, cases) -> list[dict]:
    rows = []
    for case in cases:
        place = folder / case.name
        rows.append({"case": case.name, **errors_of(case, place)})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def errors_of(case: Case, place: pathlib.Path) -> dict[str, float]:
    """Relative errors: the largest difference over the largest value of Google's output."""
    from keras_effspine import RetinaNet
    from keras_effspine.checkpoints.conversion import convert_checkpoint

    convert_checkpoint(place, place / "preset")
    model = RetinaNet.from_preset(place / "preset")
    expected = dict(np.load(place / "outputs.npz"))
    found = {**model.backbone.pyramid().predict(expected["images"], verbose=0)}
    found |= detections_of(model, expected["images"])
    return {
        name: round(float(np.abs(found[name] - value).max() / np.abs(value).max()), 9)
        for name, value in rows_of(case, expected).items()
    }


def rows_of(case: Case, outputs) -> dict[str, np.ndarray]:
    """Google's outputs in the order and the classes that a converted model has."""
    from keras_effspine.topology.coco_classes import coco_classes

    order = [case.aspect_ratios.index(ratio) for ratio in (0.5, 1.0, 2.0)]

    def rows(values):  # (batch, places * 9, n), each place with its scales, each scale its ratios
        by_anchor = values.reshape(len(values), -1, 3, 3, values.shape[-1])[:, :, :, order]
        return by_anchor.reshape(len(values), -1, values.shape[-1])

    def joined(name, count):
        maps = (outputs[f"{name}{level}"] for level in LEVELS)
        return rows(np.concatenate([x.reshape(len(x), -1, count) for x in maps], axis=1))

    ids = [number for number, _ in coco_classes()]
    result = {f"P{level}": outputs[f"P{level}"] for level in LEVELS}
    result["class logits"] = joined("class", 91)[..., ids]
    result["box differences"] = joined("box", 4)
    if "boxes" in outputs:
        result["decoded boxes"] = rows(outputs["boxes"])
        result["scores"] = rows(outputs["scores"])[..., np.array(ids) - 1]
    return result


def detections_of(model, images) -> dict[str, np.ndarray]:
    """What a model predicts for every anchor."""
    import keras

    from keras_effspine.layers.boxes import VARIANCES, clip_boxes, convert_boxes, decode_boxes

    raw = keras.Model(model.input, model.output).predict(images, verbose=0)
    shape = images.shape[1:]
    anchors = keras.ops.concatenate(list(model.anchor_generator(image_shape=shape).values()))
    anchors = convert_boxes(anchors, "xyxy", "yxyx", shape)
    boxes = clip_boxes(decode_boxes(raw["box"], anchors), shape)
    return {
        "class logits": raw["classification"],
        "box differences": raw["box"] * np.array(VARIANCES),
        "decoded boxes": np.asarray(boxes),
        "scores": 1 / (1 + np.exp(-raw["classification"].astype("float64"))),
    }


def pack(folder: pathlib.Path, cases, out: pathlib.Path) -> None:
    """Archives of checkpoints with some of the outputs, small enough for the tests."""
    for case in cases:
        place = folder / case.name
        outputs = dict(np.load(place / "outputs.npz"))
        kept = {
            name: value[:1, ::ROW_STEP] if value.ndim == 3 else value[:1]
            for name, value in rows_of(case, outputs).items()
            if name != "scores"
        }
        images = outputs["images"][:1].astype("uint8")
        np.savez_compressed(place / "expected.npz", images=images, **kept)
        with zipfile.ZipFile(out / f"{case.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(place.iterdir()):
                if file.is_file() and file.name not in ("outputs.npz", "checkpoint"):
                    archive.write(file, file.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=("make", "compare", "pack"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tpu", help="models/official/detection of a checkout of tensorflow/tpu")
    parser.add_argument("--fixtures", action="store_true", help="the narrow models of the tests")
    parser.add_argument("--cases", nargs="*", help="names of cases; by default all")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file, or the folder of `pack`")
    arguments = parser.parse_args()
    cases = FIXTURES if arguments.fixtures else CASES
    if arguments.tpu:
        cases += TF1_FIXTURES if arguments.fixtures else TF1_CASES
    cases = [case for case in cases if arguments.cases is None or case.name in arguments.cases]
    if arguments.stage == "make":
        make(arguments.folder, cases, arguments.tpu, arguments.fixtures)
        return
    if arguments.stage == "pack":
        pack(arguments.folder, cases, arguments.out)
        return
    rows = compare(arguments.folder, cases)
    if arguments.out:
        packages = ("tensorflow", "keras", "numpy")
        result = {
            "command": "benchmarks/google_checkpoints.py, make and compare",
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "versions": {name: importlib.metadata.version(name) for name in packages},
            "written_by": "tf-models-official 2.20.0, tensorflow-cpu 2.20.0, tf_keras 2.20.1",
            "relative_errors": rows,
        }
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

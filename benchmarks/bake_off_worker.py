"""A candidate of `bake_off.py` in a process of its own, run by the Python of its own environment.

It is told by standard input what to do, and answers on standard output: a line of JSON that names
the arrays behind it, and their bytes. Training asks for a batch before each step. Candidates are

- a preset of this package, as `RetinaNet`;
- `torchvision_ssdlite320`, `torchvision_retinanet_r50` (torch, torchvision);
- `ultralytics_NAME`, a model of Ultralytics from its YAML, such as `ultralytics_yolo11n`;
- `keras_hub_retinanet_r50` (keras-hub, TensorFlow).

All start from random weights and train with AdamW, weight decay 1e-4 and gradients of a norm of at
most 10, each with the loss that its library trains it with.
"""

import importlib.metadata
import json
import math
import os
import pathlib
import resource
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np

WEIGHT_DECAY, CLIP_NORM, MOMENTUM = 1e-4, 10.0, 0.9
DETECTIONS, LOWEST_SCORE = 100, 0.01
PACKAGES = (
    *("tensorflow", "keras", "keras-cv", "keras-hub"),
    *("torch", "torchvision", "ultralytics"),
)


def send(stream, header, arrays=None):
    arrays = {name: np.ascontiguousarray(x) for name, x in (arrays or {}).items()}
    shapes = [(name, str(x.dtype), x.shape) for name, x in arrays.items()]
    stream.write(json.dumps({**header, "arrays": shapes}).encode() + b"\n")
    for x in arrays.values():
        stream.write(x.tobytes())
    stream.flush()


def receive(stream):
    """A header and its arrays; None at the end of the stream."""
    line = stream.readline()
    if not line:
        return None, {}
    header, arrays = json.loads(line), {}
    for name, dtype, shape in header.pop("arrays"):
        size = math.prod(shape) * np.dtype(dtype).itemsize
        arrays[name] = np.frombuffer(stream.read(size), dtype).reshape(shape)
    return header, arrays


def padded(found):
    """Detections of some pictures, a list of boxes, scores and classes each, as arrays."""
    rows = len(found)
    boxes = np.full((rows, DETECTIONS, 4), -1.0, "float32")
    confidence, classes = np.full((2, rows, DETECTIONS), -1.0, "float32")
    counts = np.zeros(rows, "int32")
    for row, (some, scores, labels) in enumerate(found):
        best = np.argsort(-np.asarray(scores), kind="stable")[:DETECTIONS]
        counts[row] = len(best)
        boxes[row, : len(best)] = np.asarray(some).reshape(-1, 4)[best]
        confidence[row, : len(best)] = np.asarray(scores)[best]
        classes[row, : len(best)] = np.asarray(labels)[best]
    return {
        "boxes": boxes,
        "confidence": confidence,
        "classes": classes,
        "num_detections": counts,
    }


class Preset:
    """A detector of this package."""

    def __init__(self, name, classes, size):
        sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
        import keras

        from keras_effspine.optimizers import AdamW
        from keras_effspine.profiling import profile_model
        from keras_effspine.tasks.detection import Detection, detection_losses
        from keras_effspine.training.preset_values import resolve_preset
        from keras_effspine.training.recipe import parse_recipe

        recipe, start = resolve_preset(
            parse_recipe({"preset": name, "image_size": size, "batch_norm_momentum": MOMENTUM})
        )
        names = tuple(f"class {i}" for i in range(classes))
        self.model = Detection().build_model(recipe, names, start)
        self.model.compile(
            optimizer=AdamW(1e-3, weight_decay=WEIGHT_DECAY, global_clipnorm=CLIP_NORM),
            **detection_losses("keras_cv"),
        )
        self.size, self.keras = size, keras
        self.parameters = self.model.count_params()
        self.multiply_adds = profile_model(self.model, size).total.macs

    @staticmethod
    def seed(value):
        import keras

        keras.utils.set_random_seed(value)

    def set_rate(self, rate):
        self.model.optimizer.learning_rate = rate

    def step(self, images, boxes, classes):
        labels = {"boxes": boxes, "classes": classes}
        return self.model.train_on_batch(images.astype("float32"), labels, return_dict=True)["loss"]

    def ready(self):
        self.fused = self.model.fuse_for_inference((self.size, self.size, 3))

    def predict(self, images):
        found = self.fused.predict_on_batch(images.astype("float32"))
        return {name: np.asarray(x) for name, x in found.items()}


class KerasHub(Preset):
    """keras-hub's RetinaNet on ResNet-50, with its configuration's own values."""

    def __init__(self, name, classes, size):
        import keras
        import keras_hub

        encoder = keras_hub.models.ResNetBackbone(
            input_conv_filters=[64],
            input_conv_kernel_sizes=[7],
            stackwise_num_filters=[64, 128, 256, 512],
            stackwise_num_blocks=[3, 4, 6, 3],
            stackwise_num_strides=[1, 2, 2, 2],
            block_type="bottleneck_block",
            image_shape=(size, size, 3),
        )
        backbone = keras_hub.models.RetinaNetBackbone(
            image_encoder=encoder,
            min_level=3,
            max_level=7,
            use_p5=False,
            image_shape=(size, size, 3),
        )
        self.model = keras_hub.models.RetinaNetObjectDetector(
            backbone=backbone,
            num_classes=classes,
            bounding_box_format="xyxy",
        )
        self.model.compile(
            optimizer=keras.optimizers.AdamW(
                1e-3, weight_decay=WEIGHT_DECAY, global_clipnorm=CLIP_NORM
            ),
            jit_compile=False,
        )
        for layer in self.model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = MOMENTUM
        self.of_keras = keras.Model
        self.parameters, self.multiply_adds = self.model.count_params(), None
        self.size = size

    def step(self, images, boxes, classes):
        labels = {"boxes": boxes, "labels": classes}
        # keras-hub's own method takes no dictionary of labels.
        told = self.of_keras.train_on_batch(
            self.model, _normalized(images), labels, return_dict=True
        )
        return told["loss"]

    def ready(self):
        import tensorflow as tf

        def detect(images):  # its own step wants labels as well
            return self.model.decode_predictions(self.model(images, training=False), (images, None))

        self.detect = tf.function(detect)

    def predict(self, images):
        found = self.detect(_normalized(images))
        rows = []
        for row in range(len(images)):
            known = np.asarray(found["labels"][row]) >= 0
            rows.append(
                tuple(
                    np.asarray(found[name][row])[known]
                    for name in ("boxes", "confidence", "labels")
                )
            )
        return padded(rows)


def _normalized(images):
    mean, std = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], "float32")
    return (images.astype("float32") / 255 - mean) / std


class Torch:
    """What torch's candidates have in common."""

    def prepare(self, size):
        import torch

        self.torch, self.size = torch, size
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, weight_decay=WEIGHT_DECAY
        )
        for module in self.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0 - MOMENTUM
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.multiply_adds = self.counted()
        self.model.train()

    def counted(self):
        from torch.utils.flop_counter import FlopCounterMode

        self.model.eval()
        with self.torch.no_grad(), FlopCounterMode(display=False) as counter:
            self.predict(np.zeros((1, self.size, self.size, 3), "uint8"))
        return counter.get_total_flops() // 2

    @staticmethod
    def seed(value):
        import torch

        torch.manual_seed(value)

    def set_rate(self, rate):
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def tensors(self, images):
        tensor = self.torch.from_numpy(images.astype("float32") / 255)
        return tensor.permute(0, 3, 1, 2).contiguous()

    def step(self, images, boxes, classes):
        loss = self.loss(self.tensors(images), boxes, classes)
        self.optimizer.zero_grad()
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self.optimizer.step()
        return loss.item()

    def ready(self):
        self.model.eval()


class TorchVision(Torch):
    def __init__(self, name, classes, size):
        from torchvision.models import detection

        common = {"weights": None, "weights_backbone": None, "num_classes": classes + 1}
        if name == "torchvision_ssdlite320":
            self.model = detection.ssdlite320_mobilenet_v3_large(
                **common, detections_per_img=DETECTIONS, score_thresh=LOWEST_SCORE
            )
        else:
            self.model = detection.retinanet_resnet50_fpn(
                **common,
                min_size=size,
                max_size=size,
                detections_per_img=DETECTIONS,
                score_thresh=LOWEST_SCORE,
            )
        self.prepare(size)

    def loss(self, images, boxes, classes):
        torch, targets = self.torch, []
        for some, labels in zip(boxes, classes, strict=True):
            known = labels >= 0  # class 0 is the background
            labels = torch.from_numpy(labels[known].astype("int64") + 1)
            targets.append({"boxes": torch.from_numpy(some[known].copy()), "labels": labels})
        return sum(self.model(list(images), targets).values())

    def predict(self, images):
        with self.torch.no_grad():
            found = self.model(list(self.tensors(images)))
        return padded(
            [
                (one["boxes"].numpy(), one["scores"].numpy(), one["labels"].numpy() - 1)
                for one in found
            ]
        )


class Ultralytics(Torch):
    def __init__(self, name, classes, size):
        from ultralytics.cfg import get_cfg
        from ultralytics.nn.tasks import DetectionModel

        yaml = f"{name.removeprefix('ultralytics_')}.yaml"
        self.model = DetectionModel(yaml, nc=classes, verbose=False)
        self.model.args = get_cfg()  # the weights of the losses
        self.model.nc = classes
        self.prepare(size)

    def loss(self, images, boxes, classes):
        torch = self.torch
        rows, columns = np.nonzero(classes >= 0)
        some = boxes[rows, columns] / self.size
        batch = {
            "img": images,
            "batch_idx": torch.from_numpy(rows.astype("float32")),
            "cls": torch.from_numpy(classes[rows, columns].astype("float32"))[:, None],
            "bboxes": torch.from_numpy(
                np.concatenate(
                    [(some[:, :2] + some[:, 2:]) / 2, some[:, 2:] - some[:, :2]], axis=1
                ).astype("float32")
            ),
        }
        loss, _ = self.model(batch)
        return loss.sum()

    def predict(self, images):
        try:
            from ultralytics.utils.nms import non_max_suppression
        except ImportError:
            from ultralytics.utils.ops import non_max_suppression

        with self.torch.no_grad():
            found = self.model(self.tensors(images))
            found = non_max_suppression(
                found, conf_thres=LOWEST_SCORE, iou_thres=0.5, max_det=DETECTIONS
            )
        return padded(
            [(x[:, :4].numpy(), x[:, 4].numpy(), x[:, 5].numpy()) for x in (y.cpu() for y in found)]
        )


def kind_of(name):
    for prefix, kind in (
        ("torchvision_", TorchVision),
        ("ultralytics_", Ultralytics),
        ("keras_hub_", KerasHub),
    ):
        if name.startswith(prefix):
            return kind
    return Preset


def train(candidate, given, answers, seconds, peak, most_steps):
    """Steps until the time is up; the rate rises for 5 % of it and falls as a cosine."""
    started, times, losses = time.monotonic(), [], []
    while True:
        share = (time.monotonic() - started) / seconds
        if share >= 1 or (most_steps and len(times) >= most_steps):
            break
        send(answers, {"wants": "batch"})
        _, batch = receive(given)
        cosine = 0.5 * (1 + math.cos(math.pi * share))
        candidate.set_rate(peak * min(1.0, share / 0.05 + 1e-3) * cosine)
        begun = time.monotonic()
        losses.append(float(candidate.step(**batch)))
        times.append(time.monotonic() - begun)
        if not math.isfinite(losses[-1]):
            break
    candidate.ready()
    return {
        "steps": len(times),
        "seconds_a_step": statistics.median(times),
        "first_loss": losses[0],
        "last_loss": losses[-1] if math.isfinite(losses[-1]) else None,
    }


def latency(candidate, size, runs=20):
    """Milliseconds of one picture, from pixels to suppressed boxes: the median."""
    image = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), "uint8")
    candidate.predict(image)
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        candidate.predict(image)
        times.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(times)


def main():
    given, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is none of the answers
    header, _ = receive(given)
    name, size = header["candidate"], header["size"]
    kind = kind_of(name)
    kind.seed(header["seed"])
    candidate = kind(name, header["classes"], size)
    found = [d.metadata["Name"] for d in importlib.metadata.distributions()]
    versions = {
        name: importlib.metadata.version(name) for name in PACKAGES if name in map(str, found)
    }
    send(
        answers,
        {
            "parameters": int(candidate.parameters),
            "multiply_adds": candidate.multiply_adds,
            "versions": versions,
        },
    )
    while True:
        header, arrays = receive(given)
        if header is None:
            return
        if header["do"] == "train":
            told = train(
                candidate, given, answers, header["seconds"], header["peak"], header["most_steps"]
            )
            send(answers, {"trained": told})
        elif header["do"] == "predict":
            send(answers, {}, candidate.predict(arrays["images"]))
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            send(answers, {"milliseconds": latency(candidate, size), "peak_memory_mb": peak})


if __name__ == "__main__":
    main()

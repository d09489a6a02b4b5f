"""A training step (forward, loss, backward, update) beside public relatives'.

    python benchmarks/train_step.py --out benchmarks/results/train_step/m2.json \
        --reference mobile_spinenet_49:onednn --tf-models-python PYTHON \
        m2:onednn mobile_spinenet_49:onednn keras_cv_mobilenet_v3_small:onednn

A candidate is a model and its setting: `onednn` or `plain`, with `+jit` to compile the whole step
with XLA. Each runs in a process of its own; the processes take turns, some steps each, so that what
else the machine does falls on all of them. All train on the same random pictures and boxes, 91
classes, with SGD with momentum and the losses of their own library's recipe:

- a preset of this package: its `RetinaNet` as the recipe `coco_retinanet` trains it.
- `mask_rcnn_PRESET`: this package's `MaskRCNN` with that preset's backbone, on full masks.
- `keras_cv_...`: `keras_cv.models.RetinaNet` with `"focal"` and `"smoothl1"`.
- `mobile_spinenet_49`: the RetinaNet of tf-models-official's `retinanet_spinenet_mobile_coco`, with
  the training step of its task, run by the Python of an environment that has it (tf-models-official
  2.20.0 and tensorflow-cpu 2.20.0, tf_keras). Its batch normalisation is not synchronised, for the
  fused kernel, and it has no stochastic depth, as ours. Anchors are labelled in its input
  pipeline, beside the step, as its own parser does; in the others the step labels them.
- `torchvision_mask_rcnn`: torchvision's `MaskRCNN` on MobileNetV3-Large with a feature pyramid, its
  defaults but for the size of the pictures, run by the Python of an environment that has it (torch
  and torchvision). It learns from the same 512 regions and 256 anchors a picture.

With `--kernels` each candidate is profiled too, after the rounds: how long each kind of kernel ran
in a step, summed over the threads that start kernels, each of which may use all cores.
"""

import argparse
import collections
import glob
import importlib.metadata
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

CLASSES, BOXES, DECAY = 91, 20, 3e-5
PROFILED_STEPS = 3
TF_MODELS = "mobile_spinenet_49"
TORCHVISION = "torchvision_mask_rcnn"


def batch(size, batch_size):
    """Pictures, boxes xyxy of 16 px to two fifths of the picture, and classes."""
    import numpy as np

    random = np.random.default_rng(0)
    corner = random.uniform(0, 0.6 * size, (batch_size, BOXES, 2))
    extent = random.uniform(16, 0.4 * size, (batch_size, BOXES, 2))
    return (
        random.uniform(0, 255, (batch_size, size, size, 3)).astype("float32"),
        np.concatenate([corner, corner + extent], axis=-1).astype("float32"),
        random.integers(0, CLASSES, (batch_size, BOXES)).astype("float32"),
    )


def keras_candidate(name, size, batch_size, jit):
    """A function that runs one step, and the multiply-adds of a picture."""
    import keras
    import numpy as np
    import tensorflow as tf

    from keras_effspine.optimizers import SGD
    from keras_effspine.profiling import profile_model

    if name.startswith("keras_cv_"):
        from peers import build

        model, macs = build(name, CLASSES), None
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=DECAY)
        losses = {"classification_loss": "focal", "box_loss": "smoothl1"}
    else:
        import keras_effspine
        from keras_effspine.tasks.detection import detection_losses

        preset = name.removeprefix("mask_rcnn_")
        has_masks = preset != name
        task = keras_effspine.MaskRCNN if has_masks else keras_effspine.RetinaNet
        model = task.from_preset(preset, num_classes=CLASSES, bounding_box_format="xyxy")
        macs = profile_model(model, size).total.macs
        optimizer = SGD(0.01, momentum=0.9, l2=DECAY)
        losses = {} if has_masks else detection_losses("paper")
    model.compile(optimizer=optimizer, jit_compile=jit, **losses)
    images, boxes, classes = batch(size, batch_size)
    labels = {"boxes": boxes, "classes": classes}
    if name.startswith("mask_rcnn_"):
        labels["masks"] = np.ones((batch_size, BOXES, 112, 112), "uint8")
    data = (images, labels)
    iterator = iter(tf.data.Dataset.from_tensors(data).repeat().prefetch(2))
    model.make_train_function()
    return lambda: np.asarray(model.train_function(iterator)["loss"]), macs


def tf_models_candidate(name, size, batch_size, jit):
    import numpy as np
    import tensorflow as tf
    from official.vision.configs import retinanet
    from official.vision.ops import anchor
    from official.vision.tasks.retinanet import RetinaNetTask

    config = retinanet.retinanet_spinenet_mobile_coco()
    config.task.model.input_size = [size, size, 3]
    config.task.model.norm_activation.use_sync_bn = False
    config.task.model.backbone.spinenet_mobile.stochastic_depth_drop_rate = 0.0
    config.trainer.optimizer_config.warmup.type = None
    task = RetinaNetTask(config.task)
    model = task.build_model()
    optimizer = task.create_optimizer(config.trainer.optimizer_config)
    sizes = config.task.model.anchor
    anchors = anchor.build_anchor_generator(
        3, 7, sizes.num_scales, sizes.aspect_ratios, sizes.anchor_size
    )((size, size))
    labeler = anchor.AnchorLabeler(0.5, 0.5)

    def label(image, boxes, classes):
        boxes = tf.gather(boxes, [1, 0, 3, 2], axis=-1)  # to yxyx
        targets = labeler.label_anchors(anchors, boxes, tf.cast(classes, "int32")[:, None])
        names = ("cls_targets", "box_targets", "attribute_targets", "cls_weights", "box_weights")
        labels = dict(zip(names, targets, strict=True))
        del labels["attribute_targets"]
        return image / 255.0, labels

    dataset = tf.data.Dataset.from_tensor_slices(batch(size, batch_size)).repeat()
    dataset = dataset.map(label, num_parallel_calls=tf.data.AUTOTUNE)
    iterator = iter(dataset.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE))

    @tf.function(jit_compile=jit)
    def step(inputs):
        return task.train_step(inputs, model, optimizer)[task.loss]

    return lambda: np.asarray(step(next(iterator))), None


def torchvision_candidate(name, size, batch_size, jit):
    import torch
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.backbone_utils import mobilenet_backbone
    from torchvision.models.detection.rpn import AnchorGenerator

    torch.manual_seed(0)
    images, boxes, classes = batch(size, batch_size)
    rows = torch.arange(size)[:, None]
    targets = []
    for xyxy, of in zip(torch.tensor(boxes), torch.tensor(classes).long(), strict=True):
        left, top, right, bottom = xyxy[:, :, None, None].unbind(1)
        inside = (rows >= top) & (rows < bottom) & (rows.T >= left) & (rows.T < right)
        targets.append({"boxes": xyxy, "labels": of + 1, "masks": inside.to(torch.uint8)})
    # Two levels and a pooled one, as torchvision's own detector on this backbone has.
    backbone = mobilenet_backbone("mobilenet_v3_large", weights=None, fpn=True, trainable_layers=6)
    model = MaskRCNN(
        backbone,
        num_classes=CLASSES + 1,
        min_size=size,
        max_size=size,
        rpn_anchor_generator=AnchorGenerator(
            ((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3
        ),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=DECAY)
    pictures = list(torch.tensor(images / 255).permute(0, 3, 1, 2).contiguous())

    def step():
        loss = sum(model(pictures, targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach().numpy()

    return step, None


def work(name, setting, size, batch_size):
    """A candidate's process: steps as often as standard input asks for."""
    builders = {TF_MODELS: tf_models_candidate, TORCHVISION: torchvision_candidate}
    build = builders.get(name, keras_candidate)
    step, macs = build(name, size, batch_size, jit=setting.endswith("+jit"))
    started = time.perf_counter()
    losses = [float(step()) for _ in range(3)]
    packages = (
        *("tensorflow", "tensorflow-cpu", "keras", "keras-cv", "tf-models-official"),
        *("torch", "torchvision"),
    )
    report(
        first_steps=time.perf_counter() - started,
        macs=macs,
        losses=losses,
        versions={
            d.metadata["Name"]: d.version
            for d in importlib.metadata.distributions()
            if d.metadata["Name"] in packages
        },
    )
    for line in sys.stdin:
        if line.strip() == "kernels":
            report(kernels=(torch_kernels if name == TORCHVISION else kernels)(step))
            continue
        found = []
        for _ in range(int(line)):
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            found.append((time.perf_counter() - wall, time.process_time() - cpu))
        report(steps=found, peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def kernels(step):
    """Milliseconds of a step by kind of kernel."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(PROFILED_STEPS):
                step()
        (path,) = glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)
        space = xplane_pb2.XSpace.FromString(pathlib.Path(path).read_bytes())
    found = collections.Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                # Not those of the executor, `Class::method`, which hold others.
                if kind.isidentifier() and name and name != "end" and name[-1] != ":":
                    kind = kind.replace("_MklNative", "").replace("_Mkl", "")
                    found[kind] += event.duration_ps / 1e9 / PROFILED_STEPS
    return {kind: round(ms, 1) for kind, ms in found.most_common() if ms >= 1}


def torch_kernels(step):
    """As `kernels`, of torch's operators without those that they call."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for _ in range(PROFILED_STEPS):
            step()
    found = {e.key: e.self_cpu_time_total / 1e3 / PROFILED_STEPS for e in profile.key_averages()}
    order = sorted(found.items(), key=lambda item: -item[1])
    return {kind: round(ms, 1) for kind, ms in order if ms >= 1}


def report(**values):
    print(f"REPORT {json.dumps(values)}", flush=True)


class Worker:
    """A candidate in its process."""

    def __init__(self, candidate, arguments):
        name, _, self.setting = candidate.partition(":")
        pythons = {TF_MODELS: arguments.tf_models_python, TORCHVISION: arguments.torch_python}
        python = pythons.get(name, sys.executable)
        environment = {
            **os.environ,
            "TF_ENABLE_ONEDNN_OPTS": str(int(self.setting.startswith("onednn"))),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_USE_LEGACY_KERAS": str(int(name == TF_MODELS)),
        }
        options = [name, self.setting, str(arguments.size), str(arguments.batch_size)]
        self.process = subprocess.Popen(
            [python, __file__, "--worker", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if not arguments.verbose else None,
            text=True,
            env=environment,
        )
        self.times = []

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("REPORT "):
                return json.loads(line.removeprefix("REPORT "))
        raise SystemExit(f"{self.process.args} ended with status {self.process.wait()}")

    def ask(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self.answer()

    def run(self, steps):
        answer = self.ask(steps)
        self.times += answer["steps"]
        self.peak = answer["peak"]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def summary(worker, first, batch_size):
    seconds = [wall for wall, _ in worker.times]
    median = statistics.median(seconds)
    found = {
        "seconds": round(median, 4),
        "lowest": round(min(seconds), 4),
        "highest": round(max(seconds), 4),
        "processor_seconds": round(statistics.median(cpu for _, cpu in worker.times), 3),
        "pictures_a_second": round(batch_size / median, 2),
        "peak_memory_mb": round(worker.peak / 1024),
        "first_three_steps_s": round(first["first_steps"], 1),
        "losses_of_first_steps": [round(loss, 3) for loss in first["losses"]],
        "versions": first["versions"],
    }
    if first["macs"]:
        gflops = 2e-9 * first["macs"] * batch_size
        found["forward_gflops"] = round(gflops, 2)
        found["steps_a_second_per_forward_gflop"] = round(1 / median / gflops, 4)
    return found


def main():
    if sys.argv[1:2] == ["--worker"]:
        name, setting, size, batch_size = sys.argv[2:]
        return work(name, setting, int(size), int(batch_size))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("candidates", nargs="+", metavar="MODEL:SETTING")
    parser.add_argument("--reference", help="the candidate that the others are compared with")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="of each candidate in a round")
    parser.add_argument("--tf-models-python", help=f"Python that runs {TF_MODELS}")
    parser.add_argument("--torch-python", help=f"Python that runs {TORCHVISION}")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", action="store_true", help="profile as well")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    workers = {name: Worker(name, arguments) for name in arguments.candidates}
    first = {name: worker.answer() for name, worker in workers.items()}
    for _ in range(arguments.rounds):
        for worker in workers.values():
            worker.run(arguments.steps)
    kinds = {name: w.ask("kernels") if arguments.kernels else {} for name, w in workers.items()}
    for worker in workers.values():
        worker.end()
    found = {n: summary(w, first[n], arguments.batch_size) for n, w in workers.items()}
    if arguments.reference:
        for result in found.values():
            ratio = result["seconds"] / found[arguments.reference]["seconds"]
            result["over_reference"] = round(ratio, 3)
    for name, result in found.items():
        result.update(kinds[name])
        print(name, result)
    about = {
        "command": " ".join(["python", *sys.argv]),
        "image_size": arguments.size,
        "batch_size": arguments.batch_size,
        "machine": f"{len(os.sched_getaffinity(0))} cores, "
        f"{platform.processor() or platform.machine()}, load {load:.1f} before",
        "date": time.strftime("%Y-%m-%d"),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"results": found, **about}, indent=2) + "\n")


if __name__ == "__main__":
    main()

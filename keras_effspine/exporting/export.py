"""Exporting a trained model."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_effspine
from keras_effspine.atomic_file import whole_folder, write_file
from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.images.letterbox import read_letterboxed
from keras_effspine.data.record import RecordSet
from keras_effspine.data.shapes.drawing import draw_image
from keras_effspine.errors import EffSpineError, ExportError, ProfilingError
from keras_effspine.exporting.formats import FORMATS, PRECISIONS, Format
from keras_effspine.exporting.frozen_graph import frozen_function, operation_count
from keras_effspine.exporting.verification import (
    Comparison,
    Measured,
    compare_outputs,
    measure_both,
)
from keras_effspine.pretrained.find_trained import find_trained
from keras_effspine.profiling.profile_model import profile_model
from keras_effspine.runners.metadata import Metadata
from keras_effspine.runners.model_file import ModelFile
from keras_effspine.tasks.registry import find_task

_COMPARED = 4
_CALIBRATED = 100
"""Greatest numbers of pictures that outputs are compared on, and that int8 takes its ranges of."""


@dataclasses.dataclass(frozen=True)
class Exported:
    """What `export` wrote.

    Args:
        path: the file, or the folder of a SavedModel.
        metadata: what it says of itself.
        operations: of the model's graph and of the file's.
        multiply_adds: the same, for one picture; None where a layer's cost is not known.
        compared: the file's outputs beside the model's.
        measured: how good both are, or None where no data were named.
    """

    path: pathlib.Path
    metadata: Metadata
    operations: tuple[int, int]
    multiply_adds: tuple[int, int] | None
    compared: Comparison
    measured: Measured | None


def export(
    model: str | os.PathLike | keras.Model,
    out: str | os.PathLike,
    *,
    format: str = "litert",
    precision: str = "float32",
    decode: bool = False,
    frame_size: tuple[int, int] | None = None,
    batch_size: int | None = 1,
    last: bool = False,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    image_size: int | None = None,
    pictures: RecordSet | None = None,
    measured_on: RecordSet | None = None,
    allowed_loss: float = 0.01,
) -> Exported:
    """Writes a trained model for another runtime, and keeps the file if it is as good.

    The graph is rewritten first (`TaskModel.fuse_for_inference`), and its weights are constants.
    The file says all of itself: `ModelFile` and `effspine predict` need it alone.

    Args:
        model: a run, a preset with weights, or a model of the package.
        out: the file to write, `.tflite`, `.onnx` or `.xml`; of a SavedModel the folder.
        format: `"litert"`, `"onnx"`, `"openvino"` or `"saved_model"`.
        precision: `"float32"`; `"float16"`, of the weights; or `"int8"`, of the whole network.
        decode: whether the graph of a detector ends with boxes, decoded and suppressed. Otherwise
            it ends with the network's own outputs, and runners do the rest in NumPy. That of
            instance segmentation always ends with boxes.
        frame_size: height and width of the pictures that the file takes, as uint8, and letterboxes
            by itself; None for letterboxed ones in float32.
        batch_size: pictures at a time, or None for any number.
        last: whether to take a run's last model in place of its best.
        task, class_names, image_size: of a `keras.Model`; a run and a preset say them themselves.
        pictures: representative pictures for int8: up to 100 of them give the ranges of numbers.
        measured_on: pictures that model and file are measured on; None compares outputs alone.
        allowed_loss: of the task's first metric, such as AP; a file that loses more is not kept.

    Returns:
        `Exported`.

    Raises:
        ExportError: if the model cannot be exported so, or its file is not as good as it.
        ModelFileError: if a package that the format needs is missing; says which.
        RunFolderError, PresetError: as `find_trained`.
    """
    path = pathlib.Path(out)
    kind = _format(format, precision, path, pictures)
    if isinstance(model, keras.Model):
        if task is None or not class_names or not image_size:
            raise ExportError("Of a model, name the task, the class names and the image size too.")
        name, source, thresholds, tiles = model.name, model, dict[str, float](), None
    else:
        found = find_trained(model, last)
        name, task, class_names, image_size = (
            *(found.name, found.task, found.class_names, found.image_size),
        )
        source, thresholds, tiles = found.read_model(), found.score_thresholds, found.tiles
    assert task and class_names and image_size  # a trained model says them
    doing = find_task(task)
    fuse = getattr(source, "fuse_for_inference", lambda _: source)
    fused = fuse((image_size, image_size, 3))
    outputs = doing.exported(source, fused, decode, kind.has_kernel)
    reference = doing.exported(source, source, decode, kind.has_kernel).call
    function = frozen_function(outputs.call, image_size, frame_size, batch_size)
    metadata = Metadata(
        name=name,
        task=task,
        class_names=tuple(class_names),
        image_size=image_size,
        frame_size=frame_size,
        batch_size=batch_size,
        precision=precision,
        inputs={"images": _input_in_words(frame_size, image_size)},
        outputs=outputs.described,
        anchors=outputs.anchors,
        suppression=outputs.suppression,
        score_thresholds=thresholds,
        tiles=tiles,
        versions={"keras_effspine": keras_effspine.__version__, "tensorflow": tf.__version__},
    )
    shown = measured_on or pictures

    def save_and_verify(part: pathlib.Path) -> None:
        calibration = None if precision != "int8" else _calibration(pictures, metadata)
        try:
            kind.write(function, metadata, part, calibration)
        except EffSpineError:
            raise
        except Exception as error:  # each converter has kinds of its own
            reason = " ".join(str(error).split())[:300]
            raise ExportError(f"{name}: {kind.title} cannot hold this model ({reason}).") from error
        file = ModelFile(part)
        results["compared"] = compare_outputs(
            file, reference, _some_pictures(shown), outputs.are_raw
        )
        if measured_on is not None:
            results["measured"] = measure_both(doing, fused, file, measured_on, allowed_loss)
        kind.complete(part, path)

    results: dict[str, Any] = {"measured": None}
    if kind.suffix is None:
        with whole_folder(path.absolute()) as part:
            save_and_verify(part)
    else:
        write_file(path, save_and_verify)
    return Exported(
        path,
        metadata,
        (operation_count(reference, image_size), operation_count(outputs.call, image_size)),
        _multiply_adds(source, fused, image_size),
        results["compared"],
        results["measured"],
    )


def _format(name: str, precision: str, path: pathlib.Path, pictures: RecordSet | None) -> Format:
    if name not in FORMATS:
        raise ExportError(f"format: there are {', '.join(FORMATS)} (received: {name}).")
    kind = FORMATS[name]
    if precision not in PRECISIONS:
        raise ExportError(f"precision: there are {', '.join(PRECISIONS)} (received: {precision}).")
    if precision not in kind.precisions:
        raise ExportError(f"{kind.title} is written in {', '.join(kind.precisions)} alone.")
    if kind.suffix is not None and path.suffix.lower() != kind.suffix:
        raise ExportError(f"{path}: a file of {kind.title} ends in {kind.suffix}.")
    if kind.suffix is None and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ExportError(f"{path}: is there already; a SavedModel is written to a new folder.")
    if precision == "int8" and pictures is None:
        raise ExportError(
            "int8 needs representative pictures to find the ranges of numbers: name some with "
            "--data, or export a run, which has its own."
        )
    return kind


def _input_in_words(frame_size: tuple[int, int] | None, image_size: int) -> str:
    if frame_size is not None:
        return "(batch, height, width, 3), uint8, RGB from 0 to 255; the graph letterboxes it"
    return (
        f"(batch, {image_size}, {image_size}, 3), RGB from 0 to 255, its long side as long as "
        "this, padded with 0 at the bottom and the right; the graph normalises it"
    )


def _calibration(pictures: RecordSet | None, metadata: Metadata) -> Callable[[], Any]:
    """Function to batches of pictures as the file takes them."""
    assert pictures is not None  # `_format` has asked for them
    records = pictures.records
    some = records[:: -(-len(records) // _CALIBRATED)]
    size = metadata.input_size

    def batches() -> Any:
        for record in some:
            try:
                image = read_letterboxed(record, size).image
            except (OSError, ValueError):
                continue  # counted and named where it is measured
            image = image.round().astype("uint8") if metadata.frame_size else image
            yield np.repeat(image[None], metadata.batch_size or 1, axis=0)

    return batches


def _some_pictures(shown: RecordSet | None) -> list[np.ndarray]:
    """A few pictures spread over the data, or drawn ones where there are none."""
    if shown is None:
        return [draw_image(np.random.default_rng(seed))[0] for seed in range(_COMPARED)]
    found, records = [], shown.records
    for record in records[:: -(-len(records) // _COMPARED)]:
        try:
            found.append(read_image(record))
        except (OSError, ValueError):
            continue
    return found


def _multiply_adds(source: Any, fused: Any, image_size: int) -> tuple[int, int] | None:
    try:
        before, after = (profile_model(one, image_size).total.macs for one in (source, fused))
    except ProfilingError:
        return None
    return before, after

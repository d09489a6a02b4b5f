"""From a name to what predicts: `load_predictor`."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic

from keras_effspine.data.checks import LARGEST_FAILED_SHARE
from keras_effspine.data.failed_images import FailedImages
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import PresetError
from keras_effspine.runners.model_file import ModelFile, is_model_file
from keras_effspine.tasks.registry import find_task
from keras_effspine.validation import in_words
from keras_effspine.workflow.predictor import Predictor

if TYPE_CHECKING:
    from keras_effspine.tasks.heat_maps import HeatMaps

_BATCH = 8


def load_predictor(name: str | os.PathLike, last: bool = False) -> Predictor:
    """Finds what predicts; of an exported file neither Keras nor TensorFlow is loaded.

    Args:
        name: a run folder, a preset with weights, or a file of `effspine export`.
        last: whether to take the last model of a run in place of its best.

    Raises:
        ModelFileError, RunFolderError, PresetError: if it cannot be used.
    """
    name = os.fspath(name)
    return _of_file(name) if is_model_file(name) else _of_trained(name, last)


def _of_file(name: str) -> Predictor:
    model = ModelFile(name)
    metadata = model.metadata
    return Predictor(
        name=f"{name} ({metadata.precision}, of {metadata.name})",
        kind="an exported file",
        task=find_task(metadata.task),
        task_name=metadata.task,
        class_names=model.class_names,
        canvas=metadata.input_size,
        predict_batch=model.predict,
        place=model.place,
        batch_size=metadata.batch_size or _BATCH,
        is_framed=metadata.frame_size is not None,
        score_thresholds=metadata.score_thresholds,
        tiles=_tiles(metadata.tiles, name),
    )


def _of_trained(name: str, last: bool) -> Predictor:
    from keras_effspine.pretrained.find_trained import find_trained
    from keras_effspine.stream.decoding import ImageDecoder
    from keras_effspine.tasks.inference import predict_records

    trained = find_trained(name, last)
    assert trained.task and trained.class_names and trained.image_size
    task, image_size = find_task(trained.task), trained.image_size
    read_model = functools.cache(trained.read_for_inference)

    def read_heat_maps() -> HeatMaps:
        from keras_effspine.tasks.heat_maps import HeatMaps

        return HeatMaps(task, trained.read_model(), image_size)

    def predict_batch(images: np.ndarray) -> Any:
        # Of one size where there are several, so that the model is traced once.
        missing = 0 if len(images) == 1 else max(0, trained.batch_size - len(images))
        filled = np.concatenate([images, np.zeros((missing, *images.shape[1:]), images.dtype)])
        return task.predict(read_model(), filled)

    def stream(
        records: RecordSet,
        batch_size: int | None = None,
        upright: bool = False,
        most_failed: float = LARGEST_FAILED_SHARE,
        flip: bool = False,
        tiles: Tiles | None = None,
    ) -> tuple[Iterable[tuple[Record, Any]], FailedImages]:
        decoder = ImageDecoder(records, upright, most_failed)
        size = batch_size or trained.batch_size
        found = predict_records(task, read_model(), records, image_size, size, decoder, flip, tiles)
        return found, decoder

    return Predictor(
        name=trained.name,
        kind="a run" if trained.run else "a preset",
        task=task,
        task_name=trained.task,
        class_names=trained.class_names,
        canvas=(image_size, image_size),
        predict_batch=predict_batch,
        batch_size=trained.batch_size,
        run=trained.run,
        stream=stream,
        is_last=trained.is_last,
        score_thresholds=trained.score_thresholds,
        tiles=_tiles(trained.tiles, name),
        read_heat_maps=read_heat_maps,
    )


def _tiles(values: dict | None, name: str) -> Tiles | None:
    """What a run, a preset or a file says of its tiles."""
    try:
        return None if values is None else Tiles.model_validate(values)
    except pydantic.ValidationError as error:
        raise PresetError(f"{name}: its tiles make no sense: {in_words(error)}.") from error

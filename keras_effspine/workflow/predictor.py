"""What predicts, by whatever name: a run, a preset, or an exported file."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pydantic

from keras_effspine.data.checks import LARGEST_FAILED_SHARE
from keras_effspine.data.failed_images import FailedImages
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import DataError, ModelFileError, PresetError
from keras_effspine.runners.model_file import ModelFile, is_model_file
from keras_effspine.tasks.registry import find_task
from keras_effspine.tasks.task import Task
from keras_effspine.validation import in_words

if TYPE_CHECKING:
    from keras_effspine.tasks.heat_maps import HeatMaps


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A model by whatever name.

    Args:
        name: how it is called.
        kind: `"a run"`, `"a preset"` or `"an exported file"`.
        task: its `Task`.
        class_names: tuple of its classes.
        run: path of the run folder that it lies in, or None.
        predictions: function from a `RecordSet`, a batch size or None, `upright` and `most_failed`
            (see `stream.decoding.ImageDecoder`), `flip` (see `Task.fuse_mirrored`) and `tiles`
            (`Tiles`, or None for pictures as a whole) to pairs of a record and the task's output
            for it, and to the `FailedImages` among them.
        is_last: whether it is the last model of a run, and not the best.
        score_thresholds: dictionary from the name of a class to the score from which its
            detections are worth showing; empty where none was measured.
        tiles: `Tiles` in which it was trained to look at pictures, or None.
        read_heat_maps: function that makes its `HeatMaps`, or None where there are none.
    """

    name: str
    kind: str
    task: Task
    class_names: tuple[str, ...]
    run: pathlib.Path | None
    predictions: Callable[..., tuple[Iterable[tuple[Record, Any]], FailedImages]]
    is_last: bool = False
    score_thresholds: dict[str, float] = dataclasses.field(default_factory=dict)
    tiles: Tiles | None = None
    read_heat_maps: Callable[[], HeatMaps] | None = None

    def heat_maps(self) -> HeatMaps:
        """What finds the places that made a detection, or the class of a picture.

        Raises:
            DataError: if nothing is known of what its scores are made of.
        """
        if self.read_heat_maps is None:
            raise DataError(
                f"{self.name}: {self.kind} does not say what its scores are made of; leave "
                "--heatmap out, or name the run that it is of."
            )
        try:
            return self.read_heat_maps()
        except ValueError as error:
            raise DataError(
                f"{self.name}: there are heat maps of detectors and classifiers alone; leave "
                "--heatmap out."
            ) from error


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


def tiles_for(predictor: Predictor, asked: Tiles | int | str | None) -> Tiles | None:
    """The tiles in which pictures are looked at, or None for pictures as a whole.

    Args:
        predictor: `Predictor`.
        asked: `Tiles`; the side of one in pixels; a text, see `Tiles.from_text`, or `"off"`; None
            takes what the model was trained with.

    Raises:
        RecipeError: if the text says something else, or a number is out of range.
        DataError: if the task does not take tiles.
    """
    if asked is None:
        return predictor.tiles
    if asked == "off":
        return None
    if not predictor.task.takes_tiles:
        raise DataError(
            f"{predictor.name}: looks at pictures as a whole; leave out --tiles, which is for "
            "boxes, masks and label maps."
        )
    return asked if isinstance(asked, Tiles) else Tiles.from_text(str(asked))


def _of_file(name: str) -> Predictor:
    from keras_effspine.tasks.picture_predictions import PicturePredictions
    from keras_effspine.tasks.tiled_predictions import TiledPredictions

    model = ModelFile(name)
    task = find_task(model.metadata.task)

    def predictions(
        records: RecordSet,
        batch_size: int | None = None,
        upright: bool = False,
        most_failed: float = LARGEST_FAILED_SHARE,
        flip: bool = False,
        tiles: Tiles | None = None,
    ) -> tuple[Iterable[tuple[Record, Any]], FailedImages]:
        if (flip or tiles) and model.metadata.frame_size:
            raise ModelFileError(
                f"{name}: letterboxes pictures by itself, so that they cannot be mirrored or cut "
                f"before; leave {'--flip' if flip else '--tiles'} out."
            )
        size = batch_size or model.metadata.batch_size or 8
        if tiles is not None:
            failed = FailedImages(records, most_failed)
            return TiledPredictions(
                *(task, model.predict, records, model.metadata.input_size, tiles, size, failed),
                upright=upright,
                flip=flip,
            ), failed
        found = PicturePredictions(
            task,
            model.predict,
            lambda record: model.read(record, upright),
            records,
            size,
            most_failed,
            flip,
        )
        return found, found

    title = f"{name} ({model.metadata.precision}, of {model.metadata.name})"
    return Predictor(
        name=title,
        kind="an exported file",
        task=task,
        class_names=model.class_names,
        run=None,
        score_thresholds=model.metadata.score_thresholds,
        tiles=_tiles(model.metadata.tiles, name),
        predictions=predictions,
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

    def predictions(
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
        class_names=trained.class_names,
        run=trained.run,
        is_last=trained.is_last,
        score_thresholds=trained.score_thresholds,
        tiles=_tiles(trained.tiles, name),
        read_heat_maps=read_heat_maps,
        predictions=predictions,
    )


def _tiles(values: dict | None, name: str) -> Tiles | None:
    """What a run, a preset or a file says of its tiles."""
    try:
        return None if values is None else Tiles.model_validate(values)
    except pydantic.ValidationError as error:
        raise PresetError(f"{name}: its tiles make no sense: {in_words(error)}.") from error

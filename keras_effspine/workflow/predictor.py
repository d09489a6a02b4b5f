"""What predicts, by whatever name: a run, a preset, or an exported file."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_effspine.data.checks import LARGEST_FAILED_SHARE
from keras_effspine.data.failed_images import FailedImages
from keras_effspine.data.images.letterbox import Letterboxed
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import DataError, ModelFileError
from keras_effspine.evaluation.score_thresholds import scores_by_class
from keras_effspine.results.picture import Picture, as_pictures
from keras_effspine.results.predictions import Predictions
from keras_effspine.tasks.picture_predictions import PicturePredictions
from keras_effspine.tasks.task import Task
from keras_effspine.tasks.tiled_predictions import TiledPredictions

if TYPE_CHECKING:
    from keras_effspine.tasks.heat_maps import HeatMaps


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A model by whatever name, which says what it sees in pictures; made by `load_predictor`.

    Args:
        name: how it is called.
        kind: `"a run"`, `"a preset"` or `"an exported file"`.
        task: its `Task`.
        task_name: name of the task.
        class_names: tuple of its classes.
        canvas: height and width in pixels of what the network is given.
        predict_batch: function from images `(batch, height, width, 3)` to what `Task.predict` says.
        place: function from a `Picture` to what the network sees of it; None letterboxes it.
        batch_size: pictures predicted at a time where nothing else is asked for.
        run: path of the run folder that it lies in, or None.
        stream: a faster way to do what `predictions` does, with its arguments, or None.
        is_framed: whether it letterboxes by itself, and so is shown pictures as they are alone.
        is_last: whether it is the last model of a run, and not the best.
        score_thresholds: dictionary from the name of a class to the score from which its
            detections are worth showing; empty where none was measured.
        tiles: `Tiles` in which it was trained to look at pictures, or None.
        read_heat_maps: function that makes its `HeatMaps`, or None where there are none.

    Example:

    ```python
    predictor = keras_effspine.load_predictor("m1_bccd")
    found = predictor.predict(np.zeros((480, 640, 3), "uint8"))
    found.names, found.boxes, found.scores  # boxes in the picture's pixels, xyxy
    ```
    """

    name: str
    kind: str
    task: Task
    task_name: str
    class_names: tuple[str, ...]
    canvas: tuple[int, int]
    predict_batch: Callable[[np.ndarray], Any]
    place: Callable[[Picture], Letterboxed] | None = None
    batch_size: int = 8
    run: pathlib.Path | None = None
    stream: Callable[..., tuple[Iterable[tuple[Record, Any]], FailedImages]] | None = None
    is_framed: bool = False
    is_last: bool = False
    score_thresholds: dict[str, float] = dataclasses.field(default_factory=dict)
    tiles: Tiles | None = None
    read_heat_maps: Callable[[], HeatMaps] | None = None

    def predict(
        self,
        source: Any,
        min_score: float | None = None,
        every_guess: bool = False,
        batch_size: int | None = None,
        flip: bool = False,
        tiles: Tiles | int | str | None = None,
        report: Callable[[str], None] = print,
    ) -> Any:
        """Says what pictures show.

        Args:
            source: path of a picture, a `PIL.Image.Image`, or an array `(height, width, 3)` of RGB
                from 0 to 255; a list of such, an array `(pictures, height, width, 3)`; or a folder
                or an archive.
            min_score: score that an object must reach; None takes the best of its class, as the
                run has measured it, or else 0.3.
            every_guess: whether objects are kept that lie on a better one of another class.
            batch_size: pictures, or tiles, predicted at a time; None takes the model's own.
            flip: whether each picture is looked at mirrored, too; see `Task.fuse_mirrored`.
            tiles: in which large pictures are looked at; see `tiles_for`.
            report: function that is given a line for each picture that is left out, since it
                cannot be read.

        Returns:
            `Detections`, `LabelMap` or `ClassProbabilities`, by the task; of more than one picture
            `Predictions`, a list of them.

        Raises:
            DataError: if no picture can be read.
            ValueError: if something is no picture.
        """
        pictures, is_single = as_pictures(source)
        # Numbered, since a list may name a picture twice.
        records = tuple(
            dataclasses.replace(picture.record, image_id=i) for i, picture in enumerate(pictures)
        )
        ids = tuple(range(len(self.class_names)))
        found, failed = self.look_through(
            RecordSet(records, self.class_names, ids, "what was given"),
            min(batch_size or self.batch_size, len(records)),
            upright=True,
            most_failed=1.0,
            flip=flip,
            tiles=tiles_for(self, tiles),
        )
        results = Predictions(
            self.result(output, pictures[int(record.image_id)], min_score, every_guess)
            for record, output in found
        )
        for line in failed.describe():
            report(f"skipped: {line}")
        return results[0] if is_single else results

    def see(
        self,
        pictures: Sequence[Picture],
        min_score: float | None = None,
        every_guess: bool = False,
        placed: Sequence[Letterboxed] | None = None,
    ) -> list[Any]:
        """What one batch of pictures shows, as a list of results; see `predict`.

        Args:
            pictures: list of `Picture`.
            min_score, every_guess: as in `predict`.
            placed: what the network is given of each, see `placed`; by default it is made here.
        """
        placed = [self.placed(picture) for picture in pictures] if placed is None else placed
        predictions = self.predict_batch(np.stack([one.image for one in placed]))
        scales = np.stack([one.scale for one in placed])
        outputs = self.task.outputs(predictions, scales, [one.record for one in pictures])
        return [
            self.result(output, picture, min_score, every_guess)
            for output, picture in zip(outputs, pictures, strict=True)
        ]

    def predictions(
        self, records: RecordSet, *arguments: Any, **options: Any
    ) -> tuple[Iterable[tuple[Record, Any]], FailedImages]:
        """As `look_through`, by the fastest way."""
        return (self.stream or self.look_through)(records, *arguments, **options)

    def look_through(
        self,
        records: RecordSet,
        batch_size: int | None = None,
        upright: bool = False,
        most_failed: float = LARGEST_FAILED_SHARE,
        flip: bool = False,
        tiles: Tiles | None = None,
    ) -> tuple[Iterable[tuple[Record, Any]], FailedImages]:
        """Predicts many pictures.

        Args:
            records: `RecordSet`.
            batch_size: pictures, or tiles, predicted at a time; None takes the model's own.
            upright, most_failed: as in `stream.decoding.ImageDecoder`.
            flip: whether each picture is looked at mirrored, too; see `Task.fuse_mirrored`.
            tiles: `Tiles` in which pictures are looked at; None for pictures as a whole.

        Returns:
            Pair of what gives pairs of a record and the task's output for it, and of the
            `FailedImages` among them, which is full when all pairs were given.
        """
        if (flip or tiles) and self.is_framed:
            raise ModelFileError(
                f"{self.name}: letterboxes pictures by itself, so that they cannot be mirrored or "
                f"cut before; leave {'--flip' if flip else '--tiles'} out."
            )
        size = batch_size or self.batch_size
        if tiles is not None:
            failed = FailedImages(records, most_failed)
            parts = (self.task, self.predict_batch, records, self.canvas, tiles, size, failed)
            return TiledPredictions(*parts, upright=upright, flip=flip), failed

        def read(record: Record) -> Letterboxed:
            return self.placed(Picture.of_record(record, upright))

        found = PicturePredictions(
            self.task, self.predict_batch, read, records, size, most_failed, flip
        )
        return found, found

    def placed(self, picture: Picture) -> Letterboxed:
        """A picture as the network is given it."""
        return picture.letterboxed(self.canvas) if self.place is None else self.place(picture)

    def result(
        self,
        output: Any,
        picture: Picture,
        min_score: float | None = None,
        every_guess: bool = False,
    ) -> Any:
        """A predicted output as an object: what is likely of it; see `predict`."""
        kept = self.likely(output, min_score, every_guess)
        return self.task.result(kept, picture, self.class_names)

    def likely(self, output: Any, min_score: float | None = None, every_guess: bool = False) -> Any:
        """What of an output is worth showing, as an output; see `predict`."""
        thresholds = self.score_thresholds
        if min_score is not None:
            thresholds = dict.fromkeys(self.class_names, min_score)
        kept = self.task.reaching(output, scores_by_class(thresholds, self.class_names))
        return kept if every_guess else self.task.best_guesses(kept)

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

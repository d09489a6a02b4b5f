"""`effspine predict` of pictures, or of a data set next to its truth."""

import collections
import concurrent.futures
import dataclasses
import functools
import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

import typer

from keras_effspine.cli.console import say
from keras_effspine.cli.drawing_places import drawing_places
from keras_effspine.errors import DataError
from keras_effspine.unpacking import is_archive

if TYPE_CHECKING:
    from keras_effspine.data.record import RecordSet
    from keras_effspine.workflow.predictor import Predictor

_DRAWN_AHEAD = 32
"""Greatest number of pictures that wait to be drawn."""


@dataclasses.dataclass(frozen=True)
class AskedPictures:
    """What of `effspine predict`'s options is about pictures; see there."""

    source: str | None = None
    data: str | None = None
    images: str | None = None
    split: str | None = None
    out: str | None = None
    min_score: float | None = None
    every_guess: bool = False
    batch_size: int | None = None
    flip: bool = False
    tiles: str | None = None
    as_format: str | None = None
    heatmap: bool = False
    jpeg: bool = False

    @property
    def is_single(self) -> bool:
        """Whether one picture was named."""
        source = self.source
        return source is not None and os.path.isfile(source) and not is_archive(source)


def predict_pictures(predictor: "Predictor", asked: AskedPictures) -> None:
    """Draws what a model sees in pictures, or writes it as annotations.

    Args:
        predictor: `Predictor`.
        asked: `AskedPictures`.

    Raises:
        DataError: if options do not go together, or there is nothing to look at.
        typer.Exit: with 1, if more than a tenth of the pictures could not be read.
    """
    from keras_effspine.atomic_file import write_file
    from keras_effspine.data.checks import LARGEST_FAILED_SHARE, describe_problems
    from keras_effspine.data.conversion import check_target
    from keras_effspine.evaluation.score_thresholds import describe_thresholds
    from keras_effspine.workflow.predictor import tiles_for

    tiles = tiles_for(predictor, asked.tiles)
    _refuse_what_contradicts(predictor, asked, tiles)
    heat_maps = predictor.heat_maps() if asked.heatmap else None
    records = _records(predictor, asked)
    for line in describe_problems(records):
        say(line)
    named = asked.source or asked.data or ""
    if asked.as_format is not None:
        default = f"{pathlib.Path(named).stem}-{asked.as_format}"
        target = check_target(asked.as_format, asked.out or default)
    else:
        target, files = drawing_places(records, named, asked.out, asked.is_single, asked.jpeg)
    if asked.min_score is None and predictor.score_thresholds:
        say(describe_thresholds(predictor.score_thresholds, predictor.class_names))
    if tiles is not None:
        say(f"Pictures are looked at {tiles.describe()}.")

    # What nobody annotated is seen as a viewer shows it.
    upright = asked.source is not None
    predictions, images_read = predictor.predictions(
        records,
        asked.batch_size or (1 if asked.is_single and tiles is None else None),
        upright,
        1.0 if upright else LARGEST_FAILED_SHARE,
        asked.flip,
        tiles,
    )
    if asked.as_format is not None:
        _annotate(predictor, asked, predictions, target)
        done = f"annotated: {target}"
    else:
        found = _draw(predictor, asked, records, predictions, files, heat_maps)
        if not asked.is_single:
            text = json.dumps(found) + "\n"
            write_file(target / "predictions.json", lambda path: path.write_text(text))
        done = f"drawn: {target}"
    _say_what_was_done(records, images_read, done)


def _refuse_what_contradicts(predictor, asked, tiles):
    if asked.heatmap and tiles is not None:
        raise DataError("--heatmap looks at pictures as a whole; leave --tiles out, or say off.")
    if asked.heatmap and asked.as_format is not None:
        raise DataError("--heatmap is drawn, and --as writes annotations; leave one of them out.")
    if asked.jpeg and asked.as_format is not None:
        raise DataError("--jpeg is drawn, and --as writes annotations; leave one of them out.")
    if asked.as_format is not None and predictor.task.labels == ("image",):
        raise DataError(
            f"--as is for boxes and masks; {predictor.name} tells whole pictures apart. Leave it "
            "out: predictions.json beside the drawings holds what it says."
        )


def _records(predictor, asked) -> "RecordSet":
    """The pictures that were named."""
    from keras_effspine.data.class_alignment import align_classes
    from keras_effspine.data.images.loose_images import load_images
    from keras_effspine.data.loading import describe_records, load_measured_records

    if asked.source is not None:
        return load_images(asked.source, predictor.class_names, but=asked.out)
    found = load_measured_records(asked.data, asked.images, asked.split, predictor.task.labels)
    records = align_classes(found, predictor.class_names)
    say(describe_records(records))
    return records


def _annotate(predictor, asked, predictions, target):
    """Writes predictions as a data set, for people to correct."""
    from keras_effspine.results.picture import Picture
    from keras_effspine.results.predictions import Predictions

    upright, shown = asked.source is not None, (asked.min_score, asked.every_guess)
    results = Predictions(
        predictor.result(output, Picture.of_record(record, upright), *shown)
        for record, output in predictions
    )
    for line in results.save(target, asked.as_format):
        say(f"left out, {asked.as_format} cannot hold it: {line}")


def _draw(predictor, asked, records, predictions, files, heat_maps):
    """Draws each picture while the network looks at the next ones; all predictions, for JSON."""
    from keras_effspine.atomic_file import write_file
    from keras_effspine.data.images.image_pixels import read_image
    from keras_effspine.drawing.heat import draw_heat
    from keras_effspine.drawing.picture_file import save_drawing
    from keras_effspine.tasks.showcase import truth_and_prediction

    task, class_names = predictor.task, predictor.class_names
    upright = asked.source is not None

    def chosen(output: Any) -> Any:
        return predictor.likely(output, asked.min_score, asked.every_guess)

    def draw(record: Any, output: Any, heat: Any) -> None:
        shown = chosen(output)
        if upright:
            drawn = task.draw(read_image(record, upright), shown, class_names)
        else:
            drawn = truth_and_prediction(task, [(record, shown)], class_names, 0.0)
        file = files[record.image_id]
        write_file(file, functools.partial(save_drawing, drawn))
        for ending, image in task.beside(output, class_names).items():
            write_file(file.with_name(f"{file.stem}{ending}.png"), image.save)
        if heat is not None:
            warm = draw_heat(read_image(record, upright), heat)
            beside = file.with_name(f"{file.stem}-heat{file.suffix}")
            warm = task.draw(warm, shown, class_names)
            write_file(beside, functools.partial(save_drawing, warm))

    evaluator = task.evaluator(records)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        drawing = collections.deque[concurrent.futures.Future[None]]()
        for record, output in predictions:
            evaluator.add(record, output)
            heat = None if heat_maps is None else heat_maps(record, upright, chosen).of_all()
            drawing.append(pool.submit(draw, record, output, heat))
            if len(drawing) > _DRAWN_AHEAD:
                drawing.popleft().result()
        for one in drawing:
            one.result()
    return evaluator.predictions()


def _say_what_was_done(records, images_read, done):
    """Says what was skipped, and ends with status 1 where that is more than a tenth."""
    from keras_effspine.data.checks import LARGEST_FAILED_SHARE

    for line in images_read.describe():
        say(f"skipped: {line}")
    say(f"{len(records.records) - len(images_read.failed)} {done}")
    skipped = sum(problem.action == "skipped" for problem in records.problems)
    named = len(records.records) + skipped
    if skipped + len(images_read.failed) > LARGEST_FAILED_SHARE * named:
        raise typer.Exit(1)

"""`effspine predict`."""

import collections
import concurrent.futures
import json
import os
import pathlib
from typing import Annotated, Any

import typer

from keras_effspine.cli.console import say
from keras_effspine.cli.drawing_places import drawing_places
from keras_effspine.cli.options import (
    BatchSize,
    Data,
    Flip,
    Images,
    Last,
    Split,
    TilesText,
    check_data_options,
)
from keras_effspine.cli.predict_video import predict_video
from keras_effspine.cli.predictor import find_predictor
from keras_effspine.errors import DataError
from keras_effspine.unpacking import is_archive

_DRAWN_AHEAD = 32
"""Greatest number of pictures that wait to be drawn."""


def predict(
    run: Annotated[
        str,
        typer.Argument(
            help="Run folder that `effspine train` wrote, of which the best model is used; a "
            "preset with weights; or a file of `effspine export`."
        ),
    ],
    source: Annotated[
        str | None,
        typer.Argument(
            help="A picture, a folder or an archive of pictures, a video, or a camera (camera:0)."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="PNG file to write for one picture, MP4 or JSON lines (.jsonl) for a video, "
            "otherwise a folder."
        ),
    ] = None,
    data: Data = None,
    images: Images = None,
    split: Split = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            help="Draw only boxes that are predicted with this score or more; by default with the "
            "best score of their class, as the run has measured it, or else 0.3.",
        ),
    ] = None,
    every_guess: Annotated[
        bool,
        typer.Option(
            "--every-guess", help="Draw also boxes that lie on a better one of another class."
        ),
    ] = False,
    batch_size: BatchSize = None,
    last: Last = False,
    flip: Flip = False,
    tiles: TilesText = None,
    track: Annotated[
        bool, typer.Option("--track", help="Follow objects through a video: each has a number.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Look at this much of a video or a camera.")
    ] = None,
    as_format: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Write annotations, for people to correct, in place of drawings: a folder with "
            "the pictures as coco, voc, yolo, cvat or label-studio.",
        ),
    ] = None,
    heatmap: Annotated[
        bool,
        typer.Option(
            "--heatmap",
            help="Write beside each drawing, as NAME-heat.png, which places made what is drawn "
            "(detectors and classifiers; some seconds a picture).",
        ),
    ] = False,
) -> None:
    """Draw what a trained model sees: in a picture, a folder, or a data set next to the truth.

    For a folder or a data set, predictions.json beside the drawn pictures holds every prediction,
    whatever its score; for boxes in COCO's results format. Segmentation writes the classes of the
    pixels as well, in a palette PNG beside each drawn picture, its name ending in -labels.
    A file of a folder that cannot be read is skipped, counted and named; the exit status is 1 where
    more than a tenth cannot.
    """
    from PIL import Image

    from keras_effspine.atomic_file import write_file
    from keras_effspine.data.checks import LARGEST_FAILED_SHARE, describe_problems
    from keras_effspine.data.class_alignment import align_classes
    from keras_effspine.data.conversion import check_target
    from keras_effspine.data.images.image_pixels import read_image
    from keras_effspine.data.images.loose_images import load_images
    from keras_effspine.data.loading import describe_records, load_measured_records
    from keras_effspine.drawing.heat import draw_heat
    from keras_effspine.evaluation.score_thresholds import describe_thresholds
    from keras_effspine.results.picture import Picture
    from keras_effspine.results.predictions import Predictions
    from keras_effspine.tasks.showcase import truth_and_prediction
    from keras_effspine.video.clip import is_video
    from keras_effspine.workflow.predictor import tiles_for

    if (source is None) == (data is None):
        raise DataError("Name either a picture or a folder of pictures, or a data set with --data.")
    check_data_options(data, images, split)
    is_clip = source is not None and is_video(source) and not os.path.isdir(source)
    if not is_clip and (track or seconds is not None):
        option = "--track" if track else "--seconds"
        raise DataError(f"{option} is for videos and cameras; leave it out.")
    predictor = find_predictor(run, last)
    if is_clip and source is not None:
        only_pictures = {
            "--as": as_format is not None,
            "--heatmap": heatmap,
            "--flip": flip,
            "--tiles": tiles not in (None, "off"),
        }
        shown = {"min_score": min_score, "every_guess": every_guess, "batch_size": batch_size}
        predict_video(predictor, source, out, seconds, only_pictures, track=track, **shown)
        return
    task, class_names = predictor.task, predictor.class_names
    seen_in = tiles_for(predictor, tiles)
    if heatmap and seen_in is not None:
        raise DataError("--heatmap looks at pictures as a whole; leave --tiles out, or say off.")
    if heatmap and as_format is not None:
        raise DataError("--heatmap is drawn, and --as writes annotations; leave one of them out.")
    if as_format is not None and task.labels == ("image",):
        raise DataError(
            f"--as is for boxes and masks; {predictor.name} tells whole pictures apart. Leave it "
            "out: predictions.json beside the drawings holds what it says."
        )
    heat_maps = predictor.heat_maps() if heatmap else None
    if source is not None:
        records = load_images(source, class_names, but=out)
    else:
        assert data is not None
        found = load_measured_records(data, images, split, task.labels)
        records = align_classes(found, class_names)
        say(describe_records(records))
    for line in describe_problems(records):
        say(line)
    single = source is not None and os.path.isfile(source) and not is_archive(source)
    if as_format is not None:
        named = pathlib.Path(source or data or "")
        annotations = check_target(as_format, out or f"{named.stem}-{as_format}")
    else:
        target, files = drawing_places(records, source or data, out, single)

    if min_score is None and predictor.score_thresholds:
        say(describe_thresholds(predictor.score_thresholds, class_names))
    if seen_in is not None:
        say(f"Pictures are looked at {seen_in.describe()}.")
    evaluator = task.evaluator(records)
    # What nobody annotated is seen as a viewer shows it.
    upright = source is not None
    predictions, images_read = predictor.predictions(
        records,
        batch_size or (1 if single and seen_in is None else None),
        upright,
        1.0 if upright else LARGEST_FAILED_SHARE,
        flip,
        seen_in,
    )

    if as_format is not None:
        results = Predictions(
            predictor.result(output, Picture.of_record(record, upright), min_score, every_guess)
            for record, output in predictions
        )
        for line in results.save(annotations, as_format):
            say(f"left out, {as_format} cannot hold it: {line}")
        _say_what_was_done(records, images_read, f"annotated: {annotations}")
        return

    def chosen(output: Any) -> Any:
        return predictor.likely(output, min_score, every_guess)

    def draw(record: Any, output: Any, heat: Any) -> None:
        shown = chosen(output)
        if source is None:
            drawn = truth_and_prediction(task, [(record, shown)], class_names, 0.0)
        else:
            drawn = task.draw(read_image(record, upright), shown, class_names)
        file = files[record.image_id]
        write_file(file, Image.fromarray(drawn).save)
        for ending, image in task.beside(output, class_names).items():
            write_file(file.with_name(file.stem + ending + file.suffix), image.save)
        if heat is not None:
            warm = draw_heat(read_image(record, upright), heat)
            beside = file.with_name(f"{file.stem}-heat{file.suffix}")
            write_file(beside, Image.fromarray(task.draw(warm, shown, class_names)).save)

    # Pictures are drawn while the network looks at the next ones.
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
    if not single:
        text = json.dumps(evaluator.predictions()) + "\n"
        write_file(target / "predictions.json", lambda path: path.write_text(text))
    _say_what_was_done(records, images_read, f"drawn: {target}")


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

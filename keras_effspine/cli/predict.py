"""`effspine predict`."""

import os
from typing import Annotated

import typer

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
from keras_effspine.cli.predict_pictures import AskedPictures, predict_pictures
from keras_effspine.cli.predict_video import predict_video
from keras_effspine.cli.predictor import find_predictor
from keras_effspine.errors import DataError


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
            help="PNG or JPEG file to write for one picture, MP4 or JSON lines (.jsonl) for a "
            "video, otherwise a folder."
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
    jpeg: Annotated[
        bool,
        typer.Option(
            "--jpeg",
            help="Draw JPEG files in place of PNG: they take a tenth of the time to write.",
        ),
    ] = False,
    heatmap: Annotated[
        bool,
        typer.Option(
            "--heatmap",
            help="Write beside each drawing, as NAME-heat, which places made what is drawn "
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
    from keras_effspine.video.clip import is_video

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
            "--jpeg": jpeg,
        }
        shown = {"min_score": min_score, "every_guess": every_guess, "batch_size": batch_size}
        predict_video(predictor, source, out, seconds, only_pictures, track=track, **shown)
        return
    asked = AskedPictures(
        source,
        data,
        images,
        split,
        out,
        min_score=min_score,
        every_guess=every_guess,
        batch_size=batch_size,
        flip=flip,
        tiles=tiles,
        as_format=as_format,
        heatmap=heatmap,
        jpeg=jpeg,
    )
    predict_pictures(predictor, asked)

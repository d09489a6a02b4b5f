"""The options that several verbs share."""

from typing import Annotated

import typer

from keras_effspine.errors import DataError

Data = Annotated[
    str | None,
    typer.Option(
        help="'shapes', the embedded data set; a COCO JSON file; a YOLO data.yaml; the folder of a "
        "COCO, Pascal VOC, YOLO, Labelme or VIA export, or a .zip or .tar of it; a folder of "
        "TFRecords of this package; "
        "tfds:NAME, such as tfds:voc/2012; for segmentation a folder with images and masks; for "
        "classification one folder a class."
    ),
]
Images = Annotated[
    str | None,
    typer.Option(help="Folder of the pictures of a COCO JSON file, or of a folder of masks."),
]
Split = Annotated[
    str | None, typer.Option(help="Part of a data set that has parts, such as train or val.")
]
ValData = Annotated[
    str | None,
    typer.Option(help="Validation data; by default the part of --data that is meant for it."),
]
ValImages = Annotated[str | None, typer.Option(help="Folder of its pictures; --images by default.")]
ValSplit = Annotated[str | None, typer.Option(help="Part of the validation data; val by default.")]
Last = Annotated[
    bool,
    typer.Option("--last", help="Of a run take the last model in place of the best."),
]
Flip = Annotated[
    bool,
    typer.Option("--flip", help="Look at each picture mirrored, too: twice the time (detection)."),
]
TilesText = Annotated[
    str | None,
    typer.Option(
        "--tiles",
        help="Look at large pictures in tiles of this side in pixels, and maybe this overlap: 640, "
        "or 640:0.25; by default as the model was trained; off for whole pictures.",
    ),
]
BatchSize = Annotated[int | None, typer.Option(help="Pictures a step.", min=1)]


def check_data_options(data: str | None, images: str | None, split: str | None) -> None:
    """Raises DataError where --images or --split would say nothing, rather than ignoring them."""
    if data is None and (images is not None or split is not None):
        raise DataError("--images and --split tell more of --data; name the data as well.")
    if split is not None and data is not None and data.lower().endswith(".json"):
        raise DataError(f"{data}: an annotation file has no parts; leave --split out.")

"""The options that several verbs share."""

from typing import Annotated

import typer

Data = Annotated[
    str | None,
    typer.Option(help="'shapes', the embedded data set, or a COCO JSON annotation file."),
]
Images = Annotated[str | None, typer.Option(help="Folder of the pictures that --data names.")]
Split = Annotated[str | None, typer.Option(help="Part of a data set that has parts: train or val.")]
BatchSize = Annotated[int | None, typer.Option(help="Pictures a step.", min=1)]

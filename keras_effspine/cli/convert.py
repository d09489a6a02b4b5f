"""`effspine convert`."""

from typing import Annotated

import typer

from keras_effspine.cli.console import say
from keras_effspine.cli.quiet_start import load_tensorflow


def convert(
    checkpoint: Annotated[
        str, typer.Argument(help="Prefix of the checkpoint's files, or a folder that holds one.")
    ],
    out: Annotated[str, typer.Option(help="Preset folder to write; its name is the preset's.")],
    config: Annotated[
        str | None,
        typer.Option(help="Its params.yaml; by default the one beside the checkpoint."),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="relu, swish or hard_swish, where no file says it.")
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option(help="Of batch normalisation, where no file says it.")
    ] = None,
    anchor_size: Annotated[
        float | None, typer.Option(help="Side of the smallest anchor over the stride, likewise.")
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Height and width of the input in pixels, likewise.", min=1)
    ] = None,
) -> None:
    """Make a preset of a checkpoint of Google's SpineNet or Mobile SpineNet RetinaNet.

    Local checkpoints of tf-models-official (TensorFlow 2) and of tensorflow/tpu's
    models/official/detection (TensorFlow 1), trained on COCO. Nothing is downloaded.
    """
    load_tensorflow()

    from keras_effspine.checkpoints.conversion import convert_checkpoint

    found = convert_checkpoint(
        checkpoint,
        out,
        config=config,
        activation=activation,
        epsilon=epsilon,
        anchor_size=anchor_size,
        image_size=image_size,
    )
    settings, saved = found.settings, found.saved
    code = "TensorFlow 1 (tensorflow/tpu)" if saved.variant else "TensorFlow 2 (tf-models-official)"
    say(f"{saved.file.name}: {found.title}, {code}.")
    source = f"from {found.parameters}" if found.parameters else "as given, or as published"
    say(
        f"activation {settings.activation}, epsilon {settings.epsilon:g}, anchors of "
        f"{settings.anchor_size:g} strides, {settings.image_size} px ({source})."
    )
    if saved.averaged:
        say(f"averages taken of {saved.averaged} variables.")
    say(f"Preset written to {out}: {found.model.count_params():,} parameters, COCO's 80 classes.")

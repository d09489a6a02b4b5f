"""`effspine presets`."""

import json
from typing import Annotated

import typer
from rich.table import Column, Table

from keras_effspine.cli.console import OUTPUT, say
from keras_effspine.cli.options import Last

app = typer.Typer(help="List the presets, or make one.", rich_markup_mode="markdown")


@app.callback(invoke_without_command=True)
def presets(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything that is known of them as JSON.")
    ] = False,
) -> None:
    """List the presets, or make one: of a run with `save`, of a smaller one with `grow`."""
    if context.invoked_subcommand is not None:
        return
    from keras_effspine.pretrained.shipped import list_presets

    listed = list_presets().values()
    if as_json:
        print(json.dumps([_as_json(preset) for preset in listed], indent=2))
        return
    # Names are there to be copied, so they are not cut where the terminal is narrow.
    names = [Column(name, no_wrap=True) for name in ("name", "model")]
    numbers = [Column(name, no_wrap=True, justify="right") for name in ("size, M", "px")]
    sources = "; ".join(sorted({preset.source for preset in listed}))
    table = Table(*names, *numbers, caption=sources)
    for family in dict.fromkeys(preset.family for preset in listed):
        table.add_section()
        table.add_row(f"[bold]{family}[/bold]")
        for preset in listed:
            if preset.family == family:
                size, count = str(preset.input_size), f"{(preset.parameters or 0) / 1e6:.3f}"
                table.add_row(preset.name, preset.title, count, size)
    OUTPUT.print(table)
    say("All start from random weights but these:")
    for preset in listed:
        if preset.weights:
            say(f"{preset.name}: {_weights(preset)}.")


def _weights(preset):
    """What the weights were trained on, the most telling number that came of it, and their mark."""
    trained = preset.trained or {}
    said = [f"trained on {trained.get('data', 'what is not said')}"]
    for name, value in list(trained.get("measured", {}).items())[:1]:
        said.append(f"{name} {value:.3f} on {trained.get('measured_on')}")
    said.append(f"licence {trained.get('licence', 'not said')}")
    said.append(f"sha256 {preset.weights_sha256 or 'not said'}")
    return "; ".join(said)


def _as_json(preset):
    values = {name: getattr(preset, name) for name in preset.__dataclass_fields__}
    return {**values, "folder": str(preset.folder)}


@app.command()
def save(
    run: Annotated[str, typer.Argument(help="Run folder that `effspine train` wrote.")],
    out: Annotated[str, typer.Option(help="Preset folder to write; its name is the preset's.")],
    backbone: Annotated[
        bool, typer.Option("--backbone", help="Save the backbone alone, for other tasks.")
    ] = False,
    half_precision: Annotated[
        bool,
        typer.Option(
            "--half-precision", help="Store float16, and measure again what is left after it."
        ),
    ] = False,
    data_name: Annotated[
        str | None,
        typer.Option(
            help="What to call the training data; by default the name of their file or folder."
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the weights and of what they were made from.")
    ] = None,
    last: Last = False,
) -> None:
    """Make a preset folder of a run's best model, to be shared and to start other runs from.

    It holds the configuration, the weights without the optimizer's state, metadata with the
    measurement of the run, and a model card.
    """
    from keras_effspine.cli.quiet_start import load_tensorflow

    load_tensorflow()

    from keras_effspine.training.run_preset import save_run_as_preset

    preset = save_run_as_preset(run, out, backbone, half_precision, data_name, licence, say, last)
    say(f"Preset written to {preset.folder}: {_weights(preset)}.")


@app.command()
def pack(
    folders: Annotated[list[str], typer.Argument(help="Preset folders.")],
    out: Annotated[str, typer.Option(help="ZIP archive to write.")],
) -> None:
    """Pack preset folders into one archive, and print the SHA-256 by which it is fetched."""
    from keras_effspine.pretrained.shipped_archive import pack_presets

    say(f"{out}#sha256={pack_presets(folders, out)}")


@app.command()
def grow(
    small: Annotated[
        str, typer.Argument(help="Preset with weights or run folder of the smaller network.")
    ],
    large: Annotated[str, typer.Argument(help="Architecture to grow into, such as m1.")],
    out: Annotated[str, typer.Option(help="Preset folder to write; its name is the preset's.")],
    noise: Annotated[
        float, typer.Option(help="How unequally copies of a channel share its weight.", min=0)
    ] = 0.5,
    seed: Annotated[int, typer.Option(help="Seed of the shares.", min=0)] = 0,
    half_precision: Annotated[
        bool, typer.Option("--half-precision", help="Store float16, which rounds the weights.")
    ] = False,
) -> None:
    """Make a larger network that computes what a trained smaller one computes (Net2Net).

    Train on from it: `effspine train --preset FOLDER`. From m2 to d0 one residual sum is lost.
    """
    from keras_effspine.cli.quiet_start import load_tensorflow

    load_tensorflow()

    from keras_effspine.models.grown_preset import grow_preset

    growth = grow_preset(small, large, out, noise, seed, half_precision)
    say(f"{small} grown into {large}: {growth}.")
    say(f"Preset written to {out}.")

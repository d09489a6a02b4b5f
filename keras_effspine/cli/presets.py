"""`effspine presets`."""

from rich.table import Column, Table

from keras_effspine.cli.console import OUTPUT


def presets():
    """List the presets."""
    from keras_effspine.presets.registry import list_presets

    # Names are there to be copied, so they are not cut where the terminal is narrow.
    names = (Column(name, no_wrap=True) for name in ("name", "model"))
    table = Table(*names, "input", "trained on", Column("source", overflow="fold"))
    for preset in list_presets().values():
        table.add_row(
            preset.name,
            preset.title,
            f"{preset.input_size} px",
            _training(preset),
            preset.source,
        )
    OUTPUT.print(table)


def _training(preset):
    """What the weights were trained on, and the most telling number that came of it."""
    if preset.trained is None:
        return "nothing"
    name, value = next(iter(preset.trained["measured"].items()))
    return f"{preset.trained['data']}: {name} {value:.3f} on {preset.trained['measured_on']}"

"""`effspine presets`."""

from rich.table import Column, Table

from keras_effspine.cli.console import OUTPUT


def presets():
    """List the presets."""
    from keras_effspine.presets.registry import list_presets

    presets = list_presets().values()
    # Names are there to be copied, so they are not cut where the terminal is narrow.
    names = (Column(name, no_wrap=True) for name in ("name", "model", "input"))
    table = Table(*names, "trained on", caption="; ".join(sorted({p.source for p in presets})))
    for preset in presets:
        size = f"{preset.input_size} px"
        table.add_row(preset.name, preset.title, size, _training(preset))
    OUTPUT.print(table)


def _training(preset):
    """What the weights were trained on, and the most telling number that came of it."""
    if preset.trained is None:
        return "nothing"
    name, value = next(iter(preset.trained["measured"].items()))
    return f"{preset.trained['data']}: {name} {value:.3f} on {preset.trained['measured_on']}"

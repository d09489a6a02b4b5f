"""`effspine presets`."""

from rich.table import Column, Table

from keras_effspine.cli.console import OUTPUT


def presets():
    """List the presets."""
    from keras_effspine.presets.registry import list_presets

    # Names are there to be copied, so they are not cut where the terminal is narrow.
    names = (Column(name, no_wrap=True) for name in ("name", "model"))
    table = Table(*names, "input", "weights", Column("source", overflow="fold"))
    for preset in list_presets().values():
        table.add_row(
            preset.name,
            preset.title,
            f"{preset.input_size} px",
            preset.weights or "none",
            preset.source,
        )
    OUTPUT.print(table)

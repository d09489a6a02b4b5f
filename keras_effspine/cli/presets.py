"""`effspine presets`."""

from rich.table import Table

from keras_effspine.cli.console import OUTPUT


def presets():
    """List the presets."""
    from keras_effspine.presets.registry import list_presets

    table = Table("name", "model", "input", "weights", "source")
    for preset in list_presets().values():
        table.add_row(
            preset.name,
            preset.title,
            f"{preset.input_size} px",
            preset.weights or "none",
            preset.source,
        )
    OUTPUT.print(table)

"""The paper's figures from the package's own data, into a folder."""

import functools
import os
import pathlib
from collections.abc import Iterator

from keras_effspine.atomic_file import write_file
from keras_effspine.errors import ProfilingError
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.topology.published import published_rows

FORMATS = ("svg", "png")


def draw_figures(folder: str | os.PathLike, image_format: str = "svg") -> Iterator[pathlib.Path]:
    """Draws the graph, and Figures 1, 3 and 4.

    Args:
        folder: path of the folder, made if it does not exist.
        image_format: `"svg"` or `"png"`.

    Yields:
        Path of each file, as it is written.

    Raises:
        ProfilingError: if the format is unknown, matplotlib is not installed, or the folder cannot
            be made.
    """
    if image_format not in FORMATS:
        raise ProfilingError(f"--format {image_format}: there are {', '.join(FORMATS)}.")
    try:
        import matplotlib
    except ImportError as error:
        raise ProfilingError(
            "Figures are drawn with matplotlib, which is not installed: pip install "
            "'keras-effspine[figures]'."
        ) from error
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProfilingError(f"{folder}: the folder cannot be made ({error}).") from error
    # Without a date and with fixed ids, the same data gives the same file.
    metadata = {"Date": None} if image_format == "svg" else {"Software": None}
    for name, figure in _figures().items():
        path = folder / f"{name}.{image_format}"
        save = functools.partial(figure.savefig, format=image_format, dpi=150, metadata=metadata)
        with matplotlib.rc_context({"svg.hashsalt": "keras_effspine", "svg.fonttype": "none"}):
            write_file(path, save)
        yield path


def _figures():
    from keras_effspine.profiling.distribution_figure import distribution_figure
    from keras_effspine.profiling.graph_figure import graph_figure
    from keras_effspine.profiling.trade_off_figure import trade_off_figure

    detectors = [row for row in published_rows() if row.table in (3, 7)]
    light = [row for row in detectors if row.multiply_adds.value < 20]
    return {
        "graph": graph_figure(SPEC.table, SPEC.widths(), "Eff-SpineNet-D0"),
        "figure_1": trade_off_figure(
            light, "multiply_adds", "multiply-adds, B", "COCO AP against FLOPs"
        ),
        "figure_3": distribution_figure(
            SPEC.table,
            {"SP-EfficientNet-B0": SPEC.table.widths, "Eff-SpineNet-D0": SPEC.widths()},
        ),
        "figure_4": trade_off_figure(light, "parameters", "parameters, M", "COCO AP against size"),
    }

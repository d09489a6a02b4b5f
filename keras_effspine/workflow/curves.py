"""The curves of a run, drawn: `draw_curves`."""

import io

from PIL import Image

from keras_effspine.errors import RunFolderError
from keras_effspine.extras import needs_extra
from keras_effspine.training.curve_file import read_curves
from keras_effspine.training.run_folder import RunFolder

_MOST_METRICS = 3
_INCHES, _DOTS = (11, 3.6), 96


def draw_curves(folder: RunFolder) -> Image.Image:
    """Losses, and the first metrics as far as they have been measured, over the steps.

    Args:
        folder: `RunFolder`.

    Raises:
        MissingPackageError: if matplotlib is not installed.
        RunFolderError: if the run has not trained yet.
    """
    with needs_extra("figures"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    curves = read_curves(folder.tensorboard / "training")
    losses = {name: curve for name, curve in curves.items() if "loss" in name}
    if not losses:
        raise RunFolderError(f"{folder.path}: has no curves to draw yet; let the run go on first.")
    # Without pyplot, which would choose a window for it.
    figure = Figure(figsize=_INCHES, dpi=_DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for name, curve in losses.items():
        left.plot(*zip(*curve, strict=True), label=name)
    left.set(title="Training", xlabel="step", ylabel="loss", yscale="log")
    left.legend()
    measured = folder.metrics
    history = [] if measured is None else measured.history
    names = [name for name in (history[0] if history else ()) if name != "step"]
    for name in names[:_MOST_METRICS]:
        known = [(one["step"], one[name]) for one in history if one.get(name) is not None]
        if known:
            right.plot(*zip(*known, strict=True), marker="o", label=name)
    where = "" if measured is None else f", {measured.measured_on} pictures"
    right.set(title=f"Measured{where}", xlabel="step")
    right.set_ylim(bottom=0)
    if right.lines:
        right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return Image.open(picture)

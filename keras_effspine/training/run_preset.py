"""A preset folder of what a run has trained."""

import datetime
import os
from collections.abc import Callable
from typing import Any, cast

from keras_effspine.data.sources import is_name
from keras_effspine.errors import RunFolderError
from keras_effspine.pretrained.find_trained import find_trained
from keras_effspine.pretrained.preset import Preset, read_preset
from keras_effspine.pretrained.preset_saving import round_to_half_precision
from keras_effspine.pretrained.saved_model import load_model
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.recipe import Data
from keras_effspine.training.run_data import load_data
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.steps_taken import steps_taken


def save_run_as_preset(
    run: str | os.PathLike,
    out: str | os.PathLike,
    backbone: bool = False,
    half_precision: bool = False,
    data_name: str | None = None,
    licence: str | None = None,
    report: Callable[[str], None] = print,
    last: bool = False,
) -> Preset:
    """Writes the best model of a run, or its backbone, as a preset folder.

    The metadata say what the run measured for that model. Half precision changes the weights: the
    model is then measured again, on the validation data of the run, and that is what is said.

    Args:
        run: path of the run folder.
        out: path of the preset folder.
        backbone: whether to write the backbone alone.
        half_precision: whether to store weights as float16.
        data_name: what to call the training data; None takes the name of their file or folder.
        licence: licence of the weights, or None.
        report: function that is given each line of text for the user.
        last: whether to write the run's last model in place of its best.

    Returns:
        The `Preset`.

    Raises:
        RunFolderError: if it is no run, or the run has not measured its model yet.
        EffSpineError: if the run, its data or the preset folder cannot be used.
    """
    found = find_trained(run, last)
    if found.run is None:
        raise RunFolderError(f"{run}: a preset already; a run folder of that name is ./{run}.")
    folder = RunFolder.open(found.run)
    recipe = folder.recipe
    measured, measured_on = _measured(folder, last)
    thresholds = found.score_thresholds
    steps = measured.pop("step")
    report(f"Model: {found.name}, of step {steps}.")
    model = found.read_model()
    if half_precision:
        round_to_half_precision(model)
        report("Measuring the model with rounded weights.")
        _, records, _ = load_data(recipe, report)
        task = find_task(recipe.task)
        evaluator = evaluate(
            *(task, model, records, cast(int, recipe.image_size), recipe.batch_size),
            tiles=recipe.tiles,
        )
        result = evaluator.result()
        measured, thresholds = result.metrics, getattr(result, "score_thresholds", {})
    trained = {
        "task": recipe.task,
        "class_names": list(folder.class_names),
        "data": (data_name or data_in_words(recipe.data)) + _start_in_words(recipe.preset),
        "measured_on": f"its {measured_on} pictures",
        "measured": {name: value for name, value in measured.items() if value is not None},
        **({"score_thresholds": thresholds} if thresholds else {}),
        "steps": steps,
        # Without the places of files on this machine, which are nobody else's business.
        "recipe": {
            **recipe.model_dump(mode="json", exclude={"data"}),
            "preset": os.path.basename(recipe.preset),
        },
        "date": datetime.date.today().isoformat(),
        **({} if licence is None else {"licence": licence}),
    }
    kind = type(model.backbone)
    base = list_presets(kind.__name__).get(recipe.preset)
    title = base.title if base else getattr(kind, "title", kind.__name__)
    saved = model.backbone if backbone else model
    saved.save_to_preset(
        out,
        input_size=recipe.image_size,
        title=title if backbone else f"{title} {type(model).__name__}",
        source=base.source if base else getattr(kind, "source", ""),
        trained=trained,
        half_precision=half_precision,
        family=base.family if base else "",
    )
    return read_preset(out)


def _measured(run: RunFolder, last: bool) -> tuple[dict[str, Any], str]:
    """What the run measured of its best model, or of its last, and on which pictures."""
    metrics = run.metrics
    if metrics is None:
        raise RunFolderError(f"{run.path}: the run has not been measured yet; let it go on first.")
    if not last:
        return dict(metrics.best), metrics.measured_on
    step = steps_taken(load_model(run.model_file))
    for measured in metrics.history:
        if measured["step"] == step:
            return dict(measured), metrics.measured_on
    raise RunFolderError(
        f"{run.path}: the last model, of step {step}, has not been measured yet; let the run go on "
        "first, or leave out --last."
    )


def _start_in_words(preset: str) -> str:
    """What else the weights have seen: that of the weights that training started from."""
    known = list_presets()
    if preset in known and known[preset].weights is None:
        return ""
    return f", starting from {os.path.basename(preset)}"


def data_in_words(data: Data) -> str:
    """What a preset calls the data that it was trained on: without the place of its files."""
    name = data.data if is_name(data.data) else os.path.basename(data.data)
    return name if data.split is None else f"{name}, {data.split}"

"""A preset folder of what a run has trained."""

import datetime
import os

from keras_effspine.data.sources import is_name
from keras_effspine.errors import RunFolderError
from keras_effspine.models.preset_saving import round_to_half_precision
from keras_effspine.presets.registry import list_presets, read_preset
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.registry import find_task
from keras_effspine.tasks.starting_point import find_starting_point
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.train import load_data


def save_run_as_preset(
    run, out, backbone=False, half_precision=False, data_name=None, licence=None, report=print
):
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

    Returns:
        The `Preset`.

    Raises:
        RunFolderError: if the run has not measured its model yet.
        EffSpineError: if the run, its data or the preset folder cannot be used.
    """
    folder = RunFolder.open(run)
    recipe, class_names = folder.recipe, folder.class_names
    metrics = folder.path / "metrics.json"
    if not metrics.is_file():
        raise RunFolderError(f"{run}: the run has not been measured yet; let it go on first.")
    metrics = folder.read_json(metrics.name)
    model = find_starting_point(str(run)).read_model()
    best = dict(metrics["best"])
    steps = best.pop("step")
    if half_precision:
        round_to_half_precision(model)
        report("Measuring the model with rounded weights.")
        _, records, _ = load_data(recipe, report)
        task = find_task(recipe.task)
        evaluator = evaluate(task, model, records, recipe.image_size, recipe.batch_size)
        best = evaluator.result().metrics
    trained = {
        "task": recipe.task,
        "class_names": list(class_names),
        "data": (data_name or _data_in_words(recipe.data)) + _start_in_words(recipe.preset),
        "measured_on": f"its {metrics['measured_on']} pictures",
        "measured": {name: value for name, value in best.items() if value is not None},
        "steps": steps,
        # Without the places of files on this machine, which are nobody else's business.
        "recipe": {
            **recipe.model_dump(mode="json", exclude={"data"}),
            "preset": os.path.basename(recipe.preset),
        },
        "date": datetime.date.today().isoformat(),
        **({} if licence is None else {"licence": licence}),
    }
    base = list_presets("EffSpineNetBackbone").get(recipe.preset)
    title = base.title if base else "Eff-SpineNet"
    saved = model.backbone if backbone else model
    saved.save_to_preset(
        out,
        input_size=recipe.image_size,
        title=title if backbone else f"{title} {type(model).__name__}",
        source=base.source if base else "arXiv:2010.11426",
        trained=trained,
        half_precision=half_precision,
    )
    return read_preset(out)


def _start_in_words(preset):
    """What else the weights have seen: that of the weights that training started from."""
    known = list_presets()
    if preset in known and known[preset].weights is None:
        return ""
    return f", starting from {os.path.basename(preset)}"


def _data_in_words(data):
    name = data.data if is_name(data.data) else os.path.basename(data.data)
    return name if data.split is None else f"{name}, {data.split}"

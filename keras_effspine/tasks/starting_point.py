"""What a model starts from: a preset, with weights or without, or the model of a run."""

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Callable

import keras
import keras_cv

from keras_effspine.errors import PresetError
from keras_effspine.models.preset_files import PresetFiles
from keras_effspine.models.transfer import some_of, transfer_weights
from keras_effspine.presets.registry import list_presets, read_json


@dataclasses.dataclass(frozen=True)
class StartingPoint:
    """An architecture, and where it has been trained also its weights.

    Args:
        name: how it was named.
        config: the model, a backbone or a task's, as Keras serialises it.
        image_size: height and width in pixels that it is meant for or was trained at, or None.
        class_names: tuple of the classes that it predicts, or None where they are not known.
        read_model: function that loads the model with its weights, not compiled; None where there
            are no weights.
        image_sizes: dictionary from a task to its image size, where it is another.
    """

    name: str
    config: dict
    image_size: int | None
    class_names: tuple | None
    read_model: Callable | None
    image_sizes: dict = dataclasses.field(default_factory=dict)

    def image_size_for(self, task):
        """Height and width in pixels for a task, or None."""
        return self.image_sizes.get(task, self.image_size)

    @property
    def backbone_class(self):
        """Class of its backbone, which may be the model itself.

        Raises:
            PresetError: if there is none.
        """
        return self._backbone()[0]

    @property
    def backbone_config(self):
        """Constructor arguments of its backbone.

        Raises:
            PresetError: if there is none.
        """
        return self._backbone()[1]

    def _backbone(self):
        for config in (self.config, self.config["config"].get("backbone")):
            if isinstance(config, dict) and isinstance(config.get("config"), dict):
                found = keras.saving.get_registered_object(config.get("registered_name") or "")
                if isinstance(found, type) and issubclass(found, keras_cv.models.Backbone):
                    return found, config["config"]
        raise PresetError(
            f"{self.name}: holds a {self.config.get('class_name')}, which has no backbone to start "
            "from."
        )

    def arguments_of(self, cls):
        """Constructor arguments, where it is a model of this class; otherwise empty."""
        same = self.config.get("class_name") == cls.__name__
        return self.config["config"] if same else {}

    def hand_over(self, model, class_names):
        """Brings its weights to a model, as far as they fit.

        Where the classes are others, the layers that predict them start anew: those that the
        model's attribute `class_prediction_layers` names.

        Args:
            model: built `keras.Model` of any task.
            class_names: tuple of the classes that the model is to learn.

        Returns:
            `Transfer`, or None where there are no weights.

        Raises:
            PresetError: if the weights cannot be loaded.
        """
        if self.read_model is None:
            return None
        others = self.class_names is not None and self.class_names != tuple(class_names)
        anew = {}
        if others:
            reason = f"its classes are {some_of(self.class_names, 5)}, in this order"
            anew = dict.fromkeys(getattr(model, "class_prediction_layers", ()), reason)
        try:
            source = self.read_model()
        except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
            reason = str(error).partition("\n")[0]
            raise PresetError(f"{self.name}: the weights cannot be loaded ({reason}).") from error
        return transfer_weights(source, model, anew)


def find_starting_point(name):
    """Finds what a recipe's `preset` names.

    Args:
        name: path of a run folder, of which the best model is taken if it kept one, or what
            `from_preset` may be given.

    Raises:
        PresetError: if it is none of these, or cannot be read.
    """
    folder = pathlib.Path(name)
    if name not in list_presets() and (folder / "run.json").is_file():
        return _of_run(name, folder)
    files = PresetFiles.open(name)
    class_names = (files.preset.trained or {}).get("class_names")
    return StartingPoint(
        name=name,
        config=files.config,
        image_size=files.preset.input_size,
        class_names=class_names and tuple(class_names),
        read_model=files.load_model if files.weights else None,
        image_sizes=files.preset.input_sizes,
    )


def _of_run(name, folder):
    file = next((folder / f for f in ("best.keras", "model.keras") if (folder / f).is_file()), None)
    if file is None:
        raise PresetError(f"{name}: the run holds no model yet; its training has kept no state.")

    def read_model():
        from keras_effspine.models.load_model import load_model

        return load_model(file, compile=False)

    run = read_json(folder / "run.json")
    try:
        with zipfile.ZipFile(file) as archive:
            config = json.loads(archive.read("config.json"))
        return StartingPoint(
            name=f"{name} ({file.name})",
            config=config,
            image_size=run["recipe"]["image_size"],
            class_names=tuple(run["class_names"]),
            read_model=read_model,
        )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise PresetError(f"{file}: cannot be read as the model of a run ({error}).") from error

"""What a name stands for: an architecture, and where it has been trained also its weights."""

import dataclasses
import pathlib
import re
import zipfile
from typing import Any

import keras
import keras_cv

from keras_effspine.errors import PresetError
from keras_effspine.pretrained.checksum import sha256_of
from keras_effspine.pretrained.classes import class_of
from keras_effspine.pretrained.saved_model import name_classes
from keras_effspine.pretrained.transfer import Transfer, some_of, transfer_weights


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """A model that is there, of which nothing is executed; made by `find_pretrained`.

    Args:
        name: how it was named; of a run also which of its models it is.
        config: the model, a backbone or a task's, as Keras serialises it.
        weights: path of the file with its weights, or None.
        weights_sha256: SHA-256 that the file must have, or None.
        task: name of the task that it was trained for, or None.
        class_names: tuple of the classes that it predicts, or None where they are not known.
        image_size: height and width in pixels that it is meant for or was trained at, or None.
        image_sizes: dictionary from a task to its image size, where it is another.
        run: path of the run folder that it lies in, or None.
        batch_size: pictures to predict at a time.
        is_last: whether it is the last model of a run, and not the best.
        score_thresholds: dictionary from the name of a class to the score from which its
            detections are shown, where one was measured.
        tiles: the tiles in which it was trained to look at pictures, as `data.tiles.Tiles` has
            them, or None.
        model_arguments: of a backbone, how models on it were published: a dictionary from the name
            of a class to constructor arguments.
    """

    name: str
    config: dict[str, Any]
    weights: pathlib.Path | None = None
    weights_sha256: str | None = None
    task: str | None = None
    class_names: tuple[str, ...] | None = None
    image_size: int | None = None
    image_sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    run: pathlib.Path | None = None
    batch_size: int = 8
    is_last: bool = False
    score_thresholds: dict[str, float] = dataclasses.field(default_factory=dict)
    tiles: dict[str, Any] | None = None
    model_arguments: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    @property
    def model_class(self) -> type:
        """The class of the model."""
        return class_of(self.config)

    @property
    def is_backbone(self) -> bool:
        """Whether it is a backbone alone."""
        return issubclass(self.model_class, keras_cv.models.Backbone)

    @property
    def predicts(self) -> bool:
        """Whether it is a whole model with weights, and says what it predicts."""
        said = self.weights and self.task and self.class_names and self.image_size
        return bool(said) and not self.is_backbone

    def image_size_for(self, task: str) -> int | None:
        """Height and width in pixels for a task, or None."""
        return self.image_sizes.get(task, self.image_size)

    def arguments_of(self, cls: type) -> dict[str, Any]:
        """Constructor arguments of a model of this class: its own, where it is one; of a backbone
        those that its preset names; otherwise empty."""
        if issubclass(self.model_class, cls):
            return self.config["config"]
        return self.model_arguments.get(cls.__name__, {})

    def backbone(self, cls: type = keras_cv.models.Backbone) -> tuple[type, dict[str, Any]]:
        """Class of its backbone, and the backbone as Keras serialises it: itself, or a task's.

        Args:
            cls: what the class must be, or derive from.

        Raises:
            PresetError: if it is another model.
        """
        for config in (self.config, self.config["config"].get("backbone")):
            if isinstance(config, dict) and isinstance(config.get("config"), dict):
                found = class_of(config)
                if issubclass(found, cls):
                    return found, config
        name = "backbone" if cls is keras_cv.models.Backbone else cls.__name__
        raise PresetError(
            f"{self.name}: holds a {self.config['class_name']}, which has no {name} to start from."
        )

    def build(self, config: dict[str, Any]) -> Any:
        """Makes an object of the model's configuration, with random weights.

        Args:
            config: `config`, a part of it, or one of them with other arguments.

        Raises:
            PresetError: if this version of the package cannot make it.
        """
        try:
            return keras.saving.deserialize_keras_object(config, safe_mode=True)
        except (TypeError, ValueError, KeyError, AttributeError, ImportError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise PresetError(
                f"{self.name}: config.json does not describe a {config.get('class_name')} that "
                f"this version of the package can make ({reason})."
            ) from error

    def read_model(self) -> keras.Model:
        """The model with its weights, not compiled.

        Raises:
            PresetError: if it cannot be made, or the weights cannot be loaded.
        """
        model = self.build(self.config)
        self.load_weights(model)
        name_classes(model, self.class_names, self.image_size)
        model.score_thresholds = self.score_thresholds
        return model

    def read_for_inference(self) -> keras.Model:
        """The model as it is needed to predict: see `TaskModel.fuse_for_inference`.

        Folding takes less time than is saved when the first batch is traced. A model of another
        class, which cannot be folded, is returned as `read_model` does.

        Raises:
            PresetError: as `read_model`.
        """
        model = self.read_model()
        fuse = getattr(model, "fuse_for_inference", None)
        return model if fuse is None else fuse()

    def load_weights(self, model: keras.Model) -> None:
        """Loads the weights into a model of the same configuration.

        Raises:
            PresetError: if it has none, or the file is not the one that the metadata name, is
                broken, or does not fit; names a layer and both shapes.
        """
        if self.weights is None:
            raise PresetError(f"{self.name}: brings no weights to load.")
        expected = self.weights_sha256
        if expected is not None and sha256_of(self.weights) != expected:
            raise PresetError(
                f"{self.weights}: is not the file that the preset was written with; its SHA-256 is "
                f"{sha256_of(self.weights)}, not {expected}. Fetch the preset again."
            )
        try:
            model.load_weights(self.weights)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise PresetError(f"{self.weights}: cannot be loaded: {_misfit(error)}.") from error

    def hand_over(self, model: keras.Model, class_names: tuple[str, ...]) -> Transfer | None:
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
        if self.weights is None:
            return None
        anew = {}
        if self.class_names is not None and self.class_names != tuple(class_names):
            reason = f"its classes are {some_of(self.class_names, 5)}, in this order"
            anew = dict.fromkeys(getattr(model, "class_prediction_layers", ()), reason)
        return transfer_weights(self.read_model(), model, anew)


def _misfit(error: Exception) -> str:
    """What Keras says of weights that do not fit, without the numbers in them."""
    found = re.search(
        r"variable\.shape=(\(.*?\)), Received: value\.shape=(\(.*?\)).*?path=([^,>]+)",
        str(error),
        re.DOTALL,
    )
    if found:
        return (
            f"{found[3]} has the shape {found[2]} in the file and {found[1]} in the model that "
            "config.json describes"
        )
    return " ".join(str(error).split())[:300]

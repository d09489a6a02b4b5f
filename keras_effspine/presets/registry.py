"""What presets there are, read from their folders. Needs neither TensorFlow nor Keras."""

import dataclasses
import json
import pathlib

_ROOT = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset of this package.

    Args:
        name: the name under which `from_preset` knows it.
        folder: absolute path of its folder.
        class_name: name of the class that it makes.
        title: the model's name in its paper.
        input_size: recommended height and width of the input in pixels.
        source: where the architecture is published.
        weights: name of the file with trained weights in the folder, or None.
        trained: of a preset with weights, how they came about: a dictionary with `"task"`,
            `"class_names"`, `"data"`, `"command"`, `"date"`, `"licence"`, `"measured_on"`, and
            `"measured"`, a dictionary of numbers.
        input_sizes: dictionary from a task to the input size that is recommended for it, where it
            is another.
    """

    name: str
    folder: pathlib.Path
    class_name: str
    title: str
    input_size: int
    source: str
    weights: str | None
    trained: dict | None = None
    input_sizes: dict = dataclasses.field(default_factory=dict)

    def input_size_for(self, task):
        """Recommended height and width of the input in pixels for a task."""
        return self.input_sizes.get(task, self.input_size)


def list_presets(class_name=None):
    """All presets of the package by rising input size, optionally those of one class.

    Args:
        class_name: name of a public class, such as `"EffSpineNetBackbone"`, or None.

    Returns:
        Dictionary from name to `Preset`.
    """
    presets = []
    for path in _ROOT.glob("*/config.json"):
        config = json.loads(path.read_text())
        metadata = json.loads((path.parent / "metadata.json").read_text())
        presets.append(
            Preset(
                name=path.parent.name,
                folder=path.parent,
                class_name=config["class_name"],
                weights=config["weights"],
                **metadata,
            )
        )
    presets.sort(key=lambda preset: (preset.input_size, preset.name))
    return {p.name: p for p in presets if class_name in (None, p.class_name)}


def keras_cv_presets(class_name, with_weights=False, task="detection"):
    """The presets of one class as keras-cv's `from_preset` reads them; if asked, the trained ones.

    Their `input_size` is that for the task.

    keras-cv's loader accepts the absolute path of a folder where it expects a Kaggle handle.
    """
    return {
        name: {
            "metadata": {
                "description": f"{p.title} ({p.source}).",
                "input_size": p.input_size_for(task),
            },
            "kaggle_handle": str(p.folder),
        }
        for name, p in list_presets(class_name).items()
        if p.weights or not with_weights
    }

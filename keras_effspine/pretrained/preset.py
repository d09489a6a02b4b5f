"""What a preset folder says of itself. Needs neither TensorFlow nor Keras."""

import dataclasses
import os
import pathlib
from typing import Any

from keras_effspine import validation
from keras_effspine.errors import PresetError

FORMAT = 1
"""Version of the layout of preset folders; see `Preset`."""


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset folder: `config.json`, and where it is one of this package, `metadata.json`.

    Args:
        name: the name under which `from_preset` knows it, or the folder's.
        folder: absolute path of the folder.
        class_name: name of the class that it makes.
        weights: name of the file with trained weights in the folder, or None.
        title: the model's name.
        family: the name of the models that it is one of, or empty.
        input_size: recommended height and width of the input in pixels, or None.
        input_sizes: dictionary from a task to the input size that is recommended for it, where it
            is another.
        source: where the architecture is published.
        parameters: number of parameters of the model that it makes, with statistics, or None.
        weights_sha256: SHA-256 of the file with weights in hexadecimal digits, or None.
        trained: of a preset with weights, how they came about, as far as it is known: a dictionary
            with `"task"`, `"class_names"`, `"data"`, `"command"`, `"date"`, `"licence"`,
            `"measured_on"`, and `"measured"`, a dictionary of numbers, the most telling one first.
        preprocessing: what pictures must look like: a dictionary of sentences.
        format: version of the folder's layout.
        versions: dictionary of the versions that it was written with.
        model_arguments: of a backbone, how models on it were published: a dictionary from a class
            to constructor arguments, which go before the class' own defaults.
    """

    name: str
    folder: pathlib.Path
    class_name: str
    weights: str | None
    title: str = ""
    family: str = ""
    input_size: int | None = None
    source: str = ""
    parameters: int | None = None
    weights_sha256: str | None = None
    trained: dict | None = None
    preprocessing: dict | None = None
    format: int = 0
    versions: dict | None = None
    input_sizes: dict = dataclasses.field(default_factory=dict)
    model_arguments: dict = dataclasses.field(default_factory=dict)


_OF_METADATA = tuple(field.name for field in dataclasses.fields(Preset))[4:]


def read_preset(folder: str | os.PathLike) -> Preset:
    """Reads what a preset folder says of itself.

    Args:
        folder: path of the folder, whose name becomes the preset's.

    Raises:
        PresetError: if a file is missing or broken, or of a later version of the package.
    """
    folder = pathlib.Path(folder).absolute()
    config = read_json(folder / "config.json")
    file = folder / "metadata.json"
    metadata = read_json(file) if file.is_file() else {}
    written = metadata.get("format", 0)
    if not isinstance(written, int) or written > FORMAT:
        raise PresetError(
            f"{file}: the preset has format {written}, written by {metadata.get('versions')}; this "
            f"version of keras_effspine reads up to {FORMAT}. Install a newer one."
        )
    try:
        return Preset(
            name=folder.name,
            folder=folder,
            class_name=config["class_name"],
            weights=config.get("weights"),
            **{key: metadata[key] for key in _OF_METADATA if key in metadata},
        )
    except KeyError as error:
        raise PresetError(
            f"{folder / 'config.json'}: is no preset's; it has no {error}."
        ) from error


def read_json(file: pathlib.Path) -> dict[str, Any]:
    """The dictionary that a JSON file holds.

    Raises:
        PresetError: if it cannot be read, or holds something else.
    """
    content = validation.read_json(file, PresetError)
    if not isinstance(content, dict):
        raise PresetError(f"{file}: holds no JSON object.")
    return content

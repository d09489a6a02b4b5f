"""What an exported model says of itself, in its own file."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from keras_effspine.errors import ModelFileError

ENTRY = "keras_effspine.json"
"""Name of the entry in a file that holds the metadata as JSON."""

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Anchors:
    """The boxes from which a detector's raw outputs differ; see `runners.detections.anchor_boxes`.

    Args:
        strides, sizes: of each level, in pixels.
        scales, aspect_ratios: of each place; a ratio is width over height.
        clip: whether anchors end at the picture's edge.
        variances: factors of the differences in y, x, height, width.
        largest_log_size: limit of the logarithm of a box' size relative to its anchor's.
    """

    strides: tuple[int, ...]
    sizes: tuple[float, ...]
    scales: tuple[float, ...]
    aspect_ratios: tuple[float, ...]
    clip: bool
    variances: tuple[float, ...]
    largest_log_size: float


@dataclasses.dataclass(frozen=True)
class Suppression:
    """How detections are chosen.

    Args:
        score_threshold: score above which a box is a candidate.
        iou_threshold: overlap above which the lesser box of a class goes.
        max_detections, max_detections_per_class: most of a picture.
    """

    score_threshold: float
    iou_threshold: float
    max_detections: int
    max_detections_per_class: int


@dataclasses.dataclass(frozen=True)
class Metadata:
    """All that a runner needs to know of a model.

    Args:
        name: what it was exported from.
        task: name of the task.
        class_names: tuple of its classes.
        image_size: height and width in pixels at which the network sees a picture, letterboxed.
        frame_size: height and width of the pictures that the file takes and letterboxes by itself,
            or None where it takes letterboxed ones.
        batch_size: pictures at a time, or None for any number.
        precision: `"float32"`, `"float16"` (weights) or `"int8"`.
        inputs: dictionary from the input's name to what it is, in words.
        outputs: dictionary from each output's name to what it is, in words.
        anchors, suppression: of a detector whose outputs are raw, else None.
        score_thresholds: dictionary from the name of a class to the score from which its
            detections are shown.
        tiles: the tiles in which it was trained to look at pictures, as `data.tiles.Tiles` has
            them, or None.
        versions: dictionary of the versions that wrote the file.
    """

    name: str
    task: str
    class_names: tuple[str, ...]
    image_size: int
    frame_size: tuple[int, int] | None
    batch_size: int | None
    precision: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    anchors: Anchors | None = None
    suppression: Suppression | None = None
    score_thresholds: dict[str, float] = dataclasses.field(default_factory=dict)
    tiles: dict[str, Any] | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the pictures that the file takes."""
        return self.frame_size or (self.image_size, self.image_size)

    def as_text(self) -> str:
        """As JSON, which `from_text` reads."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=1)

    @classmethod
    def from_text(cls, text: str | bytes | None, file: object) -> "Metadata":
        """Reads what `as_text` wrote.

        Args:
            text: JSON, or None where a file has no such entry.
            file: what the errors name.

        Raises:
            ModelFileError: if there is none, or it is not what this version writes.
        """
        if text is None:
            raise ModelFileError(
                f"{file}: does not say what it predicts; it was not written by `effspine export`, "
                "or is damaged."
            )
        try:
            values = json.loads(text)
            if values.pop("format") != FORMAT:
                raise ModelFileError(f"{file}: was written by another version of keras_effspine.")
            for name, kind in (("anchors", Anchors), ("suppression", Suppression)):
                if values[name] is not None:
                    values[name] = kind(**_as_tuples(values[name]))
            return cls(**_as_tuples(values))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(
                f"{file}: its metadata cannot be read, it is damaged ({error})."
            ) from error


def _as_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}

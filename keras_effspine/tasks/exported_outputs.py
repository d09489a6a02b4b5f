"""What an exported model computes."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras_effspine.runners.metadata import Anchors, Suppression


@dataclasses.dataclass(frozen=True)
class ExportedOutputs:
    """The outputs of an exported file.

    Args:
        call: function from images `(batch, size, size, 3)` to a dictionary of tensors by name.
        described: dictionary from each name to what it is, in words.
        are_raw: whether they are the network's own numbers, which may be compared one by one.
        anchors, suppression: what a runner makes detections with, of raw outputs of a detector.
    """

    call: Callable[[Any], dict[str, Any]]
    described: dict[str, str]
    are_raw: bool = True
    anchors: Anchors | None = None
    suppression: Suppression | None = None


def nothing_to_decode(task: str) -> str:
    """The message where `--decode` says nothing."""
    return f"{task}: has no boxes to decode in the graph; leave --decode out."


DETECTIONS = {
    "boxes": "(batch, n, 4), left, top, right, bottom in pixels of the network's input; -1 is none",
    "confidence": "(batch, n), scores from 0 to 1, best first; -1 is none",
    "classes": "(batch, n), classes from 0; -1 is none",
    "num_detections": "(batch,), how many there are",
}

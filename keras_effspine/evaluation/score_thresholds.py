"""From which score on a detection is shown."""

from collections.abc import Mapping, Sequence

import numpy as np

DEFAULT_SCORE = 0.3
"""Of classes for which no better score is known."""

_NAMED = 8


def scores_by_class(thresholds: Mapping[str, float], class_names: Sequence[str]) -> np.ndarray:
    """The least score that is shown of each class.

    Args:
        thresholds: dictionary from a class' name to its score; others get `DEFAULT_SCORE`.
        class_names: the names of all classes.

    Returns:
        float64 `(classes,)`.
    """
    return np.array([thresholds.get(name, DEFAULT_SCORE) for name in class_names], "float64")


def describe_thresholds(thresholds: Mapping[str, float], class_names: Sequence[str]) -> str:
    """A line that says from which scores on detections are drawn."""
    scores = scores_by_class(thresholds, class_names)
    named = [f"{name} {score:.2f}" for name, score in zip(class_names, scores, strict=True)]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return (
        f"Drawn from these scores on, the best by F1: {', '.join(named[:_NAMED])}{more} "
        "(--min-score sets one for all)."
    )

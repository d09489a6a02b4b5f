"""Errors of a detector by kind, and the AP that each kind costs (TIDE, arXiv:2008.08115)."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from keras_effspine.evaluation.class_curves import ClassCurve
from keras_effspine.evaluation.matches import Matches

FOREGROUND, BACKGROUND = 0.5, 0.1
"""Overlaps from which a place is an object's, and up to which it is the background's."""

CLASS, LOCALISATION, BOTH, DUPLICATE, NOTHING, MISSED = KINDS = (
    *("class", "localisation", "both", "duplicate", "background", "missed"),
)
ALL_WRONG, ALL_MISSED = "all wrong detections", "all objects not found"


@dataclasses.dataclass(frozen=True)
class ErrorKinds:
    """What TIDE says of a measurement.

    Args:
        AP50: average precision at IoU 0.50, the mean over the classes that have objects.
        counts: dictionary from a kind to the number of its errors: detections, or, of `"missed"`,
            objects.
        gains: dictionary from a kind to the AP50 that would be gained without its errors; also from
            `ALL_WRONG` and `ALL_MISSED`.
    """

    AP50: float
    counts: dict[str, int]
    gains: dict[str, float]


def error_kinds(
    matches: Matches, pictures: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> ErrorKinds:
    """Sorts errors as section 2.2 does it, in the order of the authors' code.

    A detection that has found no object is a localisation error where it overlaps an object of its
    class by 0.1 to 0.5; otherwise a class error where it overlaps one of another class by 0.5 or
    more; a duplicate where it overlaps one of its class that another has found; background where it
    overlaps none by more than 0.1; otherwise both. An object is missed where nothing has found it,
    and no localisation or class error is at its place.

    Without a kind of errors, the surest localisation or class error at an object that was not found
    would find it, and every other error would not be there; a missed object would not be asked for.

    Args:
        matches: `Matches` at IoU 0.50.
        pictures: of each picture the indices of its detections, of its objects, and how far they
            overlap, `(detections, objects)`.
    """
    kinds = np.full(len(matches.scores), "", dtype=object)
    targets = np.full(len(matches.scores), -1)
    for detections, objects, overlaps in pictures:
        real = ~matches.is_crowd[objects]
        wrong = matches.is_counted[detections] & ~matches.is_right[detections]
        part = overlaps[wrong][:, real]
        found, target = _sort(matches, detections[wrong], objects[real], part)
        kinds[detections[wrong]], targets[detections[wrong]] = found, target
    aimed = np.flatnonzero(targets >= 0)
    # Of an object that was found there is no more to win.
    targets[aimed[matches.is_found[targets[aimed]]]] = -1
    winners = _surest(matches, targets)
    at_object = np.zeros(len(matches.is_crowd), bool)
    at_object[targets[targets >= 0]] = True
    is_missed = ~matches.is_crowd & ~matches.is_found & ~at_object
    before = _mean_ap(matches)
    gains = {}
    for kind in (CLASS, LOCALISATION):
        mended = winners & (kinds == kind)
        gains[kind] = _mean_ap(matches, mended, targets, gone=(kinds == kind) & ~mended)
    for kind in (BOTH, DUPLICATE, NOTHING):
        gains[kind] = _mean_ap(matches, gone=kinds == kind)
    gains[MISSED] = _mean_ap(matches, unasked=is_missed)
    gains[ALL_WRONG] = _mean_ap(matches, gone=kinds != "")
    gains[ALL_MISSED] = _mean_ap(matches, unasked=~matches.is_crowd & ~matches.is_found)
    counts = {kind: int(np.sum(kinds == kind)) for kind in KINDS}
    return ErrorKinds(
        AP50=before,
        counts={**counts, MISSED: int(is_missed.sum())},
        # A gain below zero comes of the 101 recalls at which precision is read.
        gains={kind: max(0.0, gains[kind] - before) for kind in (*KINDS, ALL_WRONG, ALL_MISSED)},
    )


def _sort(matches, detections, objects, overlaps):
    """Kinds and targets of the wrong detections of one picture."""
    count = len(detections)
    if not len(objects):
        return np.full(count, NOTHING, dtype=object), np.full(count, -1)
    is_same = matches.classes[detections][:, None] == matches.object_classes[objects]
    same, other = (np.where(mask, overlaps, 0.0) for mask in (is_same, ~is_same))
    taken = np.where(matches.is_found[objects], same, 0.0)
    near = same.max(axis=1)
    is_kind = {
        LOCALISATION: (near >= BACKGROUND) & (near <= FOREGROUND),
        CLASS: other.max(axis=1) >= FOREGROUND,
        DUPLICATE: taken.max(axis=1) >= FOREGROUND,
        NOTHING: overlaps.max(axis=1) <= BACKGROUND,
    }
    kinds = np.select(list(is_kind.values()), list(is_kind), BOTH).astype(object)
    target = np.where(kinds == LOCALISATION, same.argmax(axis=1), other.argmax(axis=1))
    return kinds, np.where(np.isin(kinds, (LOCALISATION, CLASS)), objects[target], -1)


def _surest(matches, targets):
    """Bool `(D,)`: whether a detection is the first by score of those that aim at its object."""
    first = np.zeros(len(targets), bool)
    aiming = matches.order[targets[matches.order] >= 0]
    _, places = np.unique(targets[aiming], return_index=True)
    first[aiming[places]] = True
    return first


def _mean_ap(matches, mended=None, targets=None, gone=None, unasked=None):
    """AP50 with some detections mended or gone, and some objects not asked for."""
    classes, is_right, is_kept = matches.classes.copy(), matches.is_right, matches.is_counted
    if mended is not None:
        is_right = is_right | mended
        classes[mended] = matches.object_classes[targets[mended]]
    if gone is not None:
        is_kept = is_kept & ~gone
    asked = ~matches.is_crowd if unasked is None else ~matches.is_crowd & ~unasked
    values = []
    for index in np.unique(matches.object_classes[~matches.is_crowd]):
        order = matches.order[(is_kept & (classes == index))[matches.order]]
        objects = int(np.sum(asked & (matches.object_classes == index)))
        if not objects and not len(order):
            continue  # nothing is left to find, and nothing is said
        curve = ClassCurve(matches.scores[order], is_right[order], objects)
        values.append(curve.average_precision or 0.0)
    return float(np.mean(values)) if values else 0.0

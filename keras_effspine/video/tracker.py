"""Objects followed from frame to frame: `Tracker`."""

import dataclasses
import warnings

import numpy as np

from keras_effspine.extras import needs_extra
from keras_effspine.results.detections import Detections

SEEN_BADLY = 0.5
"""Share of its class' score that an object must have that goes on with one that is followed."""

_REMEMBERED = 1.0
"""Seconds for which an object that is not seen keeps its id."""


class Tracker:
    """Gives the objects of a clip ids that stay theirs; by ByteTrack (Zhang et al., 2022).

    Objects of different classes are followed apart, so that a box never changes its class.

    Args:
        min_scores: float `(classes,)`, the score of each class from which on an object is followed;
            one of lower score goes on with what is followed already.

    Raises:
        MissingPackageError: if the package trackers is not installed.
    """

    def __init__(self, min_scores: np.ndarray) -> None:
        with needs_extra("video"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what else could be installed
            import trackers
        self._made = trackers.ByteTrackTracker
        self._min_scores = min_scores
        self._by_class: dict[int, object] = {}
        self._ids: dict[tuple[int, int], int] = {}

    def update(self, found: Detections, time: float) -> Detections:
        """The objects of the next frame with `track_ids`, -1 for those that are not followed yet.

        Args:
            found: all objects of the frame, those of low score as well, which are left out where
                they go on with nothing.
            time: of the frame, in seconds.
        """
        found = found[found.scores >= SEEN_BADLY * self._min_scores[found.class_ids]]
        ids = np.full(len(found), -1, "int64")
        kinds = found.class_ids.tolist()
        for kind in sorted({*kinds, *self._by_class}):
            rows = np.flatnonzero(found.class_ids == kind)
            followed = self._followed(kind, found[rows], time)
            ids[rows] = [self._numbered(kind, one) for one in followed]
        followed = dataclasses.replace(found, track_ids=ids)
        return followed[(ids >= 0) | (found.scores >= self._min_scores[found.class_ids])]

    def _followed(self, kind, found, time):
        """The ids that the class's own tracker gives, in the order of the objects."""
        import supervision

        tracker = self._by_class.get(kind)
        if tracker is None:
            tracker = self._by_class[kind] = self._made(
                lost_track_buffer=round(30 * _REMEMBERED),  # it counts in thirtieths of a second
                track_activation_threshold=float(self._min_scores[kind]),
                high_conf_det_threshold=float(self._min_scores[kind]),
            )
        given = supervision.Detections(
            xyxy=found.boxes.astype("float32").reshape(-1, 4),
            confidence=found.scores.astype("float32"),
            class_id=found.class_ids.astype(int),
            data={"row": np.arange(len(found))},
        )
        answer = tracker.update(given, timestamp=time)
        ids = np.full(len(found), -1, "int64")
        if len(answer):
            ids[np.asarray(answer.data["row"], int)] = answer.tracker_id
        return ids.tolist()

    def _numbered(self, kind, tracked):
        """One numbering for all classes, from 1."""
        return -1 if tracked < 0 else self._ids.setdefault((kind, tracked), len(self._ids) + 1)

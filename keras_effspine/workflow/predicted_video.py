"""What a model sees in a clip, frame by frame: `predict_video`."""

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any

from keras_effspine.errors import DataError
from keras_effspine.evaluation.score_thresholds import scores_by_class
from keras_effspine.results.picture import Picture
from keras_effspine.video.clip import Clip, Frame
from keras_effspine.video.read_ahead import read_ahead
from keras_effspine.video.tracker import SEEN_BADLY, Tracker
from keras_effspine.workflow.predictor import Predictor

_BATCHES_AHEAD = 2


@dataclasses.dataclass(frozen=True)
class SeenFrame:
    """A frame, and what a model says of it.

    Args:
        frame: the `Frame`: its number, time in seconds and pixels.
        result: `Detections`, `LabelMap` or `ClassProbabilities`, by the task.
    """

    frame: Frame
    result: Any


def predict_video(
    predictor: Predictor,
    clip: Clip | str | os.PathLike,
    *,
    min_score: float | None = None,
    every_guess: bool = False,
    track: bool = False,
    batch_size: int | None = None,
) -> Iterator[SeenFrame]:
    """Says what each frame shows, while the next ones are read.

    No more than a few batches of frames are in memory.

    Args:
        predictor: `Predictor`, see `load_predictor`.
        clip: path of a video file, `camera:0`, or a `Clip`.
        min_score, every_guess: as in `Predictor.predict`.
        track: whether objects are followed: `result.track_ids`.
        batch_size: frames predicted at a time; None takes the model's own.

    Raises:
        DataError: if a clip has no frame, or objects are to be followed where there are none.
        MissingPackageError: if a package is not installed that follows objects.

    Example:

    ```python
    predictor = keras_effspine.load_predictor("m1_bccd")
    for seen in keras_effspine.predict_video(predictor, "street.mp4", track=True):
        print(seen.frame.time, seen.result.names, seen.result.track_ids)
    ```
    """
    if not isinstance(clip, Clip):
        with Clip(clip) as opened:
            options: dict[str, Any] = {"min_score": min_score, "every_guess": every_guess}
            yield from predict_video(
                predictor, opened, **options, track=track, batch_size=batch_size
            )
        return
    tracker, lowest = None, min_score
    if track:
        if not {"objects", "instances"} & set(predictor.task.labels):
            raise DataError(
                f"{predictor.name}: finds no objects that could be followed; leave --track out."
            )
        thresholds = predictor.score_thresholds
        if min_score is not None:
            thresholds = dict.fromkeys(predictor.class_names, min_score)
        scores = scores_by_class(thresholds, predictor.class_names)
        tracker, lowest = Tracker(scores), float(scores.min()) * SEEN_BADLY
    size = batch_size or predictor.batch_size
    seen_any = False
    for batch in read_ahead(_batches(predictor, clip, size), _BATCHES_AHEAD):
        frames, pictures, placed = zip(*batch, strict=True)
        results = predictor.see(pictures, lowest, every_guess, placed)
        for frame, result in zip(frames, results, strict=True):
            seen_any = True
            yield SeenFrame(frame, tracker.update(result, frame.time) if tracker else result)
    if not seen_any:
        raise DataError(f"{clip.name}: not a readable video ({clip.broken}).")


def _batches(predictor: Predictor, frames: Iterable[Frame], size: int) -> Iterator[list]:
    """Frames, as pictures and as the network is given them, some at a time."""
    read = iter(frames)
    while batch := list(itertools.islice(read, size)):
        pictures = [Picture.of(frame.pixels, f"frame {frame.number}") for frame in batch]
        placed = [predictor.placed(picture) for picture in pictures]
        yield list(zip(batch, pictures, placed, strict=True))

"""A clip, written with what a model sees in it: `annotate_video`."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from keras_effspine.atomic_file import write_file
from keras_effspine.errors import DataError
from keras_effspine.video.clip import Clip, is_camera
from keras_effspine.video.writers import FrameWriter, video_writer
from keras_effspine.workflow.predicted_video import predict_video
from keras_effspine.workflow.predictor import Predictor

_WAITING = 16
"""Frames that wait to be drawn and written."""


@dataclasses.dataclass(frozen=True)
class WrittenVideo:
    """What became of a clip.

    Args:
        frames: number of frames that were written.
        seconds: of the clip.
        broken: what ended the clip before its end, or None.
    """

    frames: int
    seconds: float
    broken: str | None


def check_video_out(source: str | os.PathLike, out: str | os.PathLike) -> pathlib.Path:
    """The file that `annotate_video` would write.

    Raises:
        DataError: if it is neither `.mp4` nor `.jsonl`, or the clip itself.
    """
    path = pathlib.Path(out)
    if path.suffix.lower() not in (".mp4", ".jsonl"):
        raise DataError(f"{path}: a video is written as .mp4, or as .jsonl, a line a frame.")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; name a file.")
    if not is_camera(source) and os.path.exists(source) and path.exists() and path.samefile(source):
        raise DataError(f"{path}: would replace the video that is read; name another file.")
    return path


def annotate_video(
    predictor: Predictor,
    source: str | os.PathLike,
    out: str | os.PathLike,
    *,
    seconds: float | None = None,
    progress: Callable[[int, int | None], None] = lambda done, frames: None,
    **options: Any,
) -> WrittenVideo:
    """Writes a clip with what a model sees drawn on it, or as lines of JSON.

    Frames are read, predicted, and drawn and written at the same time. The file appears whole or
    not at all. Where a clip breaks off, what was read is written. A camera is watched until
    `seconds` have passed, or Ctrl-C.

    Args:
        predictor: `Predictor`, see `load_predictor`.
        source: path of a video file, or `camera:0`.
        out: path of the file to write: `.mp4` for an annotated video, without sound; `.jsonl` for
            a line a frame, see `video.writers.JsonLines`.
        seconds: of the clip that are looked at; None for all.
        progress: function that is told how many frames are done, and of how many, if it is known.
        **options: as in `predict_video`.

    Raises:
        DataError: if the clip cannot be read, or the file is not to be written there.
        RunFolderError: if the file cannot be written.
        MissingPackageError: if a package is not installed.
    """
    path = check_video_out(source, out)
    if seconds is not None and not seconds > 0:
        raise DataError(f"{seconds} seconds of a video hold no frame; ask for more than 0.")
    written: list[WrittenVideo] = []

    def save(part: pathlib.Path) -> None:
        with Clip(source) as clip, _closing(video_writer(part, clip.rate)) as writer:
            count, time = 0, 0.0
            waiting = collections.deque[concurrent.futures.Future[None]]()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                try:
                    for seen in predict_video(predictor, clip, **options):
                        if seconds is not None and seen.frame.time >= seconds:
                            break
                        count, time = count + 1, seen.frame.time
                        waiting.append(pool.submit(writer.write, seen.frame, seen.result))
                        while len(waiting) > _WAITING:
                            waiting.popleft().result()
                        progress(count, clip.frames)
                except KeyboardInterrupt:
                    if not is_camera(source) or not count:
                        raise
                for one in waiting:
                    one.result()
            written.append(WrittenVideo(count, time + 1 / clip.rate, clip.broken))

    write_file(path, save)
    return written[0]


@contextlib.contextmanager
def _closing(writer: FrameWriter) -> Iterator[FrameWriter]:
    """The writer, which is closed after a failure as well: no system removes each open file."""
    try:
        yield writer
    except BaseException:
        with contextlib.suppress(Exception):  # what failed before is what is said
            writer.close()
        raise
    writer.close()

"""A video file or a camera as frames: `Clip`."""

import dataclasses
import os
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_effspine.errors import DataError
from keras_effspine.extras import needs_extra

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".ts", ".flv"),
)
_LEAST_MISSING = 0.2
"""Seconds before the end that a file states from which on it counts as one that breaks off."""

_CAMERA = re.compile(r"camera:(\d+)")
_CAMERA_INPUT = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}")}


def is_video(source: str | os.PathLike) -> bool:
    """Whether a name is that of a video file, or a camera's, `camera:0`."""
    name = os.fspath(source)
    return is_camera(name) or name.lower().endswith(VIDEO_SUFFIXES)


def is_camera(source: str | os.PathLike) -> bool:
    """Whether a name is a camera's, `camera:0`."""
    return _CAMERA.fullmatch(os.fspath(source)) is not None


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame.

    Args:
        number: from 0.
        time: in seconds from the first frame.
        pixels: uint8 `(height, width, 3)`, RGB, as a viewer shows it.
    """

    number: int
    time: float
    pixels: np.ndarray = dataclasses.field(repr=False)


class Clip:
    """The frames of a video file, or of a camera, one after the other. A context that closes it.

    Args:
        source: path of the file, or `camera:0`, `camera:1`, ...

    Attributes:
        rate: frames a second, on average.
        frames: number of frames as the file says it, or None.
        broken: what ended a file before its end, or None.

    Raises:
        DataError: if there is no such file or camera, or no video in it.
        MissingPackageError: if PyAV is not installed.
    """

    def __init__(self, source: str | os.PathLike) -> None:
        with needs_extra("video"):
            # PyAV, and not OpenCV: it tells each frame's own time and turn, and its wheels write
            # the H.264 that browsers play.
            import av
        self.name = os.fspath(source)
        self.broken: str | None = None
        camera = _CAMERA.fullmatch(self.name)
        if camera is None and not pathlib.Path(self.name).is_file():
            raise DataError(f"{self.name}: there is no such file.")
        try:
            if camera is None:
                self._container = av.open(self.name)
            else:
                kind, path = _CAMERA_INPUT.get(sys.platform, ("dshow", "video={}"))
                self._container = av.open(path.format(camera[1]), format=kind)
        except (OSError, ValueError) as error:  # FFmpegError is one of both
            what = "not a readable video" if camera is None else "this camera cannot be opened"
            raise DataError(f"{self.name}: {what} ({_reason(error)}).") from error
        if not self._container.streams.video:
            self._container.close()
            raise DataError(f"{self.name}: holds no pictures, only sound or text.")
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        self.rate = float(stream.average_rate or stream.guessed_rate or 25)
        self.frames: int | None = stream.frames or None

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *error: Any) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        """The frames; where a file breaks off they end, and `broken` says why."""
        first, number, end = None, 0, 0.0
        try:
            for frame in self._container.decode(video=0):
                time = float(frame.time) if frame.time is not None else number / self.rate
                first = time if first is None else first
                end = time + 1 / self.rate
                pixels = frame.to_ndarray(format="rgb24")
                # FFmpeg counts its turns counter-clockwise, and so does NumPy.
                turns = round(frame.rotation / 90) % 4
                yield Frame(number, time - first, np.ascontiguousarray(np.rot90(pixels, turns)))
                number += 1
        except (OSError, ValueError) as error:
            self.broken = f"after {number} frames ({_reason(error)})"
            return
        missing = self._stated_end() - end
        if number == 0:
            self.broken = "before its first frame"
        elif missing > max(_LEAST_MISSING, 3 / self.rate):
            self.broken = f"after {number} frames ({missing:.1f} s before the end that it states)"

    def _stated_end(self):
        """The time at which the frames end as the file says, in its own seconds; or 0."""
        stream = self._container.streams.video[0]
        if stream.duration is not None and stream.time_base:
            return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
        # The length of the whole file, which other streams may make longer than its pictures.
        if self._container.duration is None or len(self._container.streams) > 1:
            return 0.0
        return ((self._container.start_time or 0) + self._container.duration) / 1e6


def _reason(error):
    return getattr(error, "strerror", None) or str(error).strip().splitlines()[0]

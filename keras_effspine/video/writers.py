"""What becomes of the frames of a clip that a model has seen: `video_writer`."""

import abc
import fractions
import json
import pathlib
from typing import Any

import numpy as np

from keras_effspine.errors import DataError
from keras_effspine.extras import needs_extra
from keras_effspine.video.clip import Frame

_TICKS = 90_000
"""Parts of a second in which the times of frames are told; frame rates divide it."""


class FrameWriter(abc.ABC):
    """A file that gets one frame after the other."""

    @abc.abstractmethod
    def write(self, frame: Frame, result: Any) -> None:
        """Adds a frame and what a model says of it."""

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the file."""


class JsonLines(FrameWriter):
    """A line of JSON a frame: `frame` from 0, `time` in seconds, and what `Result.to_dict` says."""

    def __init__(self, path: pathlib.Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, frame: Frame, result: Any) -> None:
        said = {"frame": frame.number, "time": round(frame.time, 4), **result.to_dict()}
        self._file.write(json.dumps(said, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


class AnnotatedVideo(FrameWriter):
    """An MP4 file, H.264, of the frames with the result drawn on each, at their own times."""

    def __init__(self, path: pathlib.Path, rate: float) -> None:
        with needs_extra("video"):
            import av
        self._av = av
        self._rate = fractions.Fraction(rate).limit_denominator(1001)
        self._container = av.open(str(path), "w", format="mp4")
        self._stream: Any = None
        self._last = -1

    def write(self, frame: Frame, result: Any) -> None:
        drawn = np.asarray(result.plot())
        height, width, _ = drawn.shape
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=self._rate)
            # Colours at half size, which all players know, need even sides.
            self._stream.width, self._stream.height = width + width % 2, height + height % 2
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = fractions.Fraction(1, _TICKS)
            self._stream.options = {"preset": "veryfast", "crf": "20"}
        rows, columns = self._stream.height - height, self._stream.width - width
        if min(rows, columns) < 0 or max(rows, columns) > 1:
            raise DataError(
                f"Frame {frame.number} is {width} x {height} px, and those before it were "
                f"{self._stream.width} x {self._stream.height}; write JSON lines (.jsonl)."
            )
        drawn = np.pad(drawn, ((0, rows), (0, columns), (0, 0)), "edge")
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(drawn), format="rgb24")
        self._last = picture.pts = max(round(frame.time * _TICKS), self._last + 1)
        picture.time_base = fractions.Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()


def video_writer(path: pathlib.Path, rate: float) -> FrameWriter:
    """What writes a file, by its suffix.

    Args:
        path: path of the file, `.mp4` or `.jsonl`.
        rate: frames a second, for players; frames keep their own times.
    """
    return JsonLines(path) if path.suffix.lower() == ".jsonl" else AnnotatedVideo(path, rate)

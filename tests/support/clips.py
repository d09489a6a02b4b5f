"""Small videos, made for tests."""

import fractions

import av
import numpy as np


def moving_square(number, size=(48, 64), start=2, step=3):
    """A frame of a red square that moves to the right; uint8 `(height, width, 3)`."""
    pixels = np.full((*size, 3), 40, "uint8")
    left = start + step * number
    pixels[16:32, left : left + 16] = (220, 30, 30)
    return pixels


def write_clip(path, frames=10, rate=10, size=(48, 64), times=None, rotation=None, front=False):
    """Writes an H.264 clip of a moving square; `front` is how an MP4 file for the web begins."""
    options = {"movflags": "faststart"} if front and str(path).endswith(".mp4") else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"crf": "10"}
        stream.codec_context.time_base = fractions.Fraction(1, 1000 if times else rate)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(moving_square(number, size), format="rgb24")
            if times is not None:
                frame.pts = round(times[number] * 1000)
                frame.time_base = fractions.Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read_clip(path):
    """Frames as arrays, and their times in seconds."""
    with av.open(str(path)) as container:
        read = [
            (frame.to_ndarray(format="rgb24"), frame.time) for frame in container.decode(video=0)
        ]
    return [pixels for pixels, _ in read], [float(time) for _, time in read]

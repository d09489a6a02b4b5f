"""`effspine predict` of a video or a camera."""

import pathlib
import time
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import Progress

from keras_effspine.cli.console import ERRORS, say
from keras_effspine.errors import DataError

if TYPE_CHECKING:
    from keras_effspine.workflow.predictor import Predictor


def predict_video(
    predictor: "Predictor",
    source: str,
    out: str | None,
    seconds: float | None,
    refused: dict[str, bool],
    **options: Any,
) -> None:
    """Writes what a model sees in a clip, and says how fast that went.

    Args:
        predictor: `Predictor`.
        source: path of a video file, or `camera:0`.
        out: file to write, or None.
        seconds: of the clip that are looked at, or None.
        refused: dictionary from options that pictures alone take to whether they were given.
        **options: as in `workflow.predicted_video.predict_video`.
    """
    from keras_effspine.video.clip import is_camera
    from keras_effspine.workflow.annotated_video import annotate_video, check_video_out

    for option in (name for name, given in refused.items() if given):
        raise DataError(f"{source}: is a video; leave {option} out, which is for pictures.")
    if is_camera(source):
        options["batch_size"] = options["batch_size"] or 1  # what it sees now, and not soon
        stem = source.replace(":", "")
    else:
        stem = pathlib.Path(source).stem
    target = check_video_out(source, out or f"{stem}-predicted.mp4")
    if predictor.tiles is not None:
        say("Frames are looked at as a whole, although the model was trained on tiles.")
    began = time.monotonic()
    with Progress(console=ERRORS, disable=not ERRORS.is_terminal, transient=True) as bar:
        task = bar.add_task("frames", total=None)

        def progress(done: int, frames: int | None) -> None:
            bar.update(task, completed=done, total=frames)

        if is_camera(source) and seconds is None:
            ERRORS.print(f"{source}: is watched until Ctrl-C.", highlight=False)
        done = annotate_video(
            predictor, source, target, seconds=seconds, progress=progress, **options
        )
    rate = done.frames / max(time.monotonic() - began, 1e-9)
    say(f"{done.frames} frames, {done.seconds:.1f} s, {rate:.1f} frames a second: {target}")
    if done.broken:
        say(f"{source}: broke off {done.broken}; what was read is written.")
        raise typer.Exit(1)

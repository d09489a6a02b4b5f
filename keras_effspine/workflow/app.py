"""A page in the browser: pictures in, what a model sees in them out."""

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_effspine.data.images.image_bytes import shown_size
from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.record import Record, RecordSet, record_without_objects
from keras_effspine.extras import needs_extra
from keras_effspine.workflow.predictor import Predictor

Seen = list[tuple[Record, Any]]
"""Pictures with the task's outputs for them."""


def build_app(predictor: Predictor, min_score: float = 0.3) -> Any:
    """The page, a `gradio.Blocks`; `launch()` serves it.

    Pictures are looked at when they are dropped; moving the threshold draws them anew, and asks
    the model nothing.

    Args:
        predictor: what predicts.
        min_score: where the threshold stands at first.

    Raises:
        MissingPackageError: if gradio is not installed.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing leaves the machine
    with needs_extra("app"):
        import gradio
    see, draw = _seeing(predictor), _drawing(predictor)
    with gradio.Blocks(title=f"effspine: {predictor.name}", analytics_enabled=False) as page:
        gradio.Markdown(
            f"**{predictor.name}** tells {len(predictor.class_names)} classes apart: "
            f"{_some(predictor.class_names)}"
        )
        files = gradio.File(
            label="Pictures", file_count="multiple", file_types=["image"], elem_id="pictures"
        )
        threshold = gradio.Slider(
            0.0, 1.0, min_score, step=0.01, label="Least score", elem_id="threshold"
        )
        said = gradio.Markdown(elem_id="said")
        drawn = gradio.Gallery(label="Seen", columns=2, object_fit="contain", elem_id="drawn")
        seen = gradio.State([])
        files.change(see, files, [seen, said]).then(draw, [seen, threshold], drawn)
        threshold.release(draw, [seen, threshold], drawn)
    return page


def _seeing(predictor: Predictor) -> Callable[[Sequence[str] | None], tuple[Seen, str]]:
    """Function from files to what the model says of those that can be read, and to a line."""

    def see(files: Sequence[str] | None) -> tuple[Seen, str]:
        records, broken = [], []
        for number, file in enumerate(files or ()):
            path = pathlib.Path(file)
            try:
                width, height = shown_size(path)
            except OSError as error:
                broken.append(f"{path.name} is no picture that can be read ({error})")
                continue
            records.append(
                record_without_objects(
                    image_id=f"{number}: {path.name}", path=path, width=width, height=height
                )
            )
        if not records:
            return [], "; ".join(broken)
        ids = tuple(range(len(predictor.class_names)))
        record_set = RecordSet(tuple(records), predictor.class_names, ids, "the page", ())
        found, failed = predictor.predictions(record_set, None, upright=True, most_failed=1.0)
        seen = list(found)
        lines = [f"{len(seen)} looked at", *broken, *failed.describe()]
        return seen, "; ".join(lines)

    return see


def _drawing(predictor: Predictor) -> Callable[[Seen, float], list[tuple[np.ndarray, str]]]:
    """Function from what was seen and a threshold to pictures with captions."""
    task = predictor.task

    def draw(seen: Seen, min_score: float) -> list[tuple[np.ndarray, str]]:
        return [
            (
                task.draw(
                    read_image(record, upright=True),
                    task.best_guesses(output),
                    predictor.class_names,
                    min_score,
                ),
                record.path.name,
            )
            for record, output in seen
        ]

    return draw


def _some(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, ..."

"""An exported model, whatever its format."""

import importlib
import os
import pathlib
from typing import Any

import numpy as np

from keras_effspine.data.record import Record
from keras_effspine.errors import ModelFileError
from keras_effspine.runners.detections import anchor_boxes, detect
from keras_effspine.runners.letterbox import (
    Letterboxed,
    LetterboxPlan,
    letterbox,
    read_letterboxed,
    stride_of,
)
from keras_effspine.runners.metadata import Metadata
from keras_effspine.runners.session import Session

_SESSIONS = {
    ".tflite": ("keras_effspine.runners.litert", "LiteRTSession"),
    ".onnx": ("keras_effspine.runners.onnx", "OnnxSession"),
    ".xml": ("keras_effspine.runners.openvino", "OpenVinoSession"),
}
_SAVED_MODEL = ("keras_effspine.runners.saved_model", "SavedModelSession")


def is_model_file(path: str | os.PathLike) -> bool:
    """Whether a name is that of an exported model, by its suffix or by what the folder holds."""
    path = pathlib.Path(path)
    return path.suffix.lower() in _SESSIONS or (path / "saved_model.pb").is_file()


class ModelFile:
    """A model that `effspine export` wrote, in its format's own runtime.

    Neither TensorFlow nor Keras is loaded, but for a SavedModel.

    ```python
    model = ModelFile("cells.tflite")
    found = model(np.asarray(Image.open("photo.jpg").convert("RGB")))
    found["boxes"], found["scores"], [model.class_names[i] for i in found["classes"]]
    ```

    Args:
        path: a `.tflite`, `.onnx` or `.xml` file, or the folder of a SavedModel.
        threads: number of threads that the runtime may use; None leaves it to the runtime.

    Attributes:
        metadata: `Metadata`, what the file says of itself.

    Raises:
        ModelFileError: if there is no such file, it is damaged or not of `effspine export`, its
            runtime is not installed, or cannot run it.
    """

    def __init__(self, path: str | os.PathLike, threads: int | None = None) -> None:
        path = pathlib.Path(path)
        if not is_model_file(path):
            raise ModelFileError(
                f"{path}: is no exported model: those are {', '.join(_SESSIONS)} files and the "
                "folders of SavedModels."
            )
        if not path.exists():
            raise ModelFileError(f"{path}: there is no such file.")
        module, name = _SESSIONS.get(path.suffix.lower(), _SAVED_MODEL)
        make = getattr(importlib.import_module(module), name)
        self._session: Session = make(path, threads)
        self.path = path
        self.metadata: Metadata = self._session.metadata
        self._anchors = None
        if self.metadata.anchors is not None:
            size = self.metadata.image_size
            self._anchors = anchor_boxes(self.metadata.anchors, (size, size))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that the model predicts."""
        return self.metadata.class_names

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The file's own outputs by name.

        Args:
            images: `(batch, height, width, 3)`, RGB from 0 to 255, of the size that the file takes;
                any number of them. A last part batch is filled up where the file's is fixed.

        Raises:
            ModelFileError: if they have another size.
        """
        size = self.metadata.input_size
        if images.ndim != 4 or images.shape[1:] != (*size, 3) or not len(images):
            raise ModelFileError(
                f"{self.path}: takes pictures of the shape (any number, {size[0]}, {size[1]}, 3). "
                f"Received: {images.shape}."
            )
        images = images.astype("uint8" if self.metadata.frame_size else "float32")
        step = self.metadata.batch_size or len(images)
        parts = []
        for start in range(0, len(images), step):
            part = images[start : start + step]
            missing = step - len(part)
            filled = np.concatenate([part, np.zeros((missing, *part.shape[1:]), part.dtype)])
            found = self._session.run(filled if missing else part)
            parts.append({name: x[: len(part)] for name, x in found.items()})
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def predict(self, images: np.ndarray) -> Any:
        """What the model that was exported predicts: a dictionary, or an array where it has one.

        Args:
            images: as in `run`.

        Returns:
            Boxes in xyxy in pixels of the network's canvas, with `"confidence"`, `"classes"`,
            `"num_detections"` and, of instances, `"masks"` within their boxes; probabilities
            `(batch, classes)`; or logits `(batch, rows, columns, classes)`.
        """
        outputs = self.run(images)
        if self._anchors is not None:
            assert self.metadata.anchors and self.metadata.suppression
            return detect(
                outputs["box"],
                outputs["classification"],
                self._anchors,
                self.metadata.anchors,
                self.metadata.suppression,
            )
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def place(self, image: np.ndarray) -> Letterboxed:
        """A picture, uint8 `(height, width, 3)`, as the file takes it."""
        return self._framed(letterbox(image, self.metadata.input_size))

    def read(self, record: Record, upright: bool = False) -> Letterboxed:
        """A record's picture as the file takes it; see `runners.letterbox.read_letterboxed`."""
        return self._framed(read_letterboxed(record, self.metadata.input_size, upright))

    def _framed(self, placed: Letterboxed) -> Letterboxed:
        """With the scale of what the file does by itself."""
        frame, size = self.metadata.frame_size, self.metadata.image_size
        if frame is None:
            return placed
        again = LetterboxPlan.of(frame, (size, size)).scale
        return Letterboxed(np.round(placed.image), placed.scale * again)

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """What the model sees in one picture.

        Args:
            image: uint8 `(height, width, 3)`, RGB.

        Returns:
            Dictionary: of detectors `"boxes"` `(n, 4)`, xyxy in pixels of the picture, `"scores"`
            and `"classes"` `(n,)`, best first, and of instances `"masks"` `(n, 28, 28)`, the
            probability of each part of a box; of classifiers `"scores"` `(classes,)`; of
            segmentation `"classes"` `(rows, columns)`, the class of each square (of 8 pixels, or
            the network's stride) of the canvas that the picture covers.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ModelFileError(
                f"{self.path}: takes uint8 pictures (height, width, 3), RGB. Received: "
                f"{image.dtype} {image.shape}."
            )
        placed = self.place(image)
        found = self.predict(placed.image[None])
        if isinstance(found, np.ndarray):
            if found.ndim == 2:
                return {"scores": found[0]}
            stride = stride_of(self.metadata.image_size, found.shape[1])
            covered = np.ceil(np.array(image.shape[:2]) * placed.scale / stride).astype(int)
            return {"classes": found[0, : covered[0], : covered[1]].argmax(axis=-1)}
        count = int(found["num_detections"][0])
        limit = np.array(image.shape[1::-1] * 2, "float32")
        boxes = found["boxes"][0, :count] / np.tile(placed.scale[::-1], 2)
        shown = {
            "boxes": np.clip(boxes, 0, limit),
            "scores": found["confidence"][0, :count],
            "classes": found["classes"][0, :count].astype("int64"),
        }
        return {**shown, "masks": found["masks"][0, :count]} if "masks" in found else shown

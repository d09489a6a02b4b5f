"""An exported model, whatever its format."""

import importlib
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_effspine.data.images.letterbox import Letterboxed, LetterboxPlan, stride_of
from keras_effspine.errors import ModelFileError
from keras_effspine.results.boxes_in_picture import boxes_in_picture
from keras_effspine.results.class_probabilities import ClassProbabilities
from keras_effspine.results.detections import Detections
from keras_effspine.results.label_map import LabelMap
from keras_effspine.results.looking import look
from keras_effspine.results.picture import Picture
from keras_effspine.runners.detections import anchor_boxes, detect
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
    found = model.detect("photo.jpg")  # or classify, or segment
    found.boxes, found.scores, found.names
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

    def place(self, picture: Picture) -> Letterboxed:
        """A picture as the file takes it, with the scale of what the file does by itself."""
        placed = picture.letterboxed(self.metadata.input_size)
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
        placed = self.place(Picture.of(image))
        found = self.predict(placed.image[None])
        if isinstance(found, np.ndarray):
            if found.ndim == 2:
                return {"scores": found[0]}
            stride = stride_of(self.metadata.image_size, found.shape[1])
            covered = np.ceil(np.array(image.shape[:2]) * placed.scale / stride).astype(int)
            return {"classes": found[0, : covered[0], : covered[1]].argmax(axis=-1)}
        height, width, _ = image.shape
        here = boxes_in_picture(found, 0, placed.scale, width, height)
        shown = {"boxes": here.boxes, "scores": here.scores, "classes": here.classes}
        masks = {"masks": found["masks"][0, : len(here.boxes)]} if "masks" in found else {}
        return {**shown, **masks}

    def detect(self, source: Any, min_score: float | None = None, every_guess: bool = False) -> Any:
        """Finds objects in pictures, as `ObjectResults.detect` of the model that was exported.

        Args:
            source: path of a picture, a `PIL.Image.Image`, or an array `(height, width, 3)` of RGB
                from 0 to 255; a list of such, an array `(pictures, height, width, 3)`, or a folder.
            min_score: score that an object must reach; None takes the best of its class, as the
                model's run has measured it, or else 0.3.
            every_guess: whether objects are kept that lie on a better one of another class.

        Returns:
            `Detections`; of more than one picture `Predictions`, a list of them.

        Raises:
            ModelFileError: if the file is no detector's.
            DataError, ValueError: if a picture cannot be read, or something is none.
        """
        self._require("detection", "instance_segmentation")

        def result(predictions: Any, row: int, scale: np.ndarray, picture: Picture) -> Any:
            names = self.class_names
            found = Detections.of_predictions(predictions, row, scale, picture, names)
            least = self.metadata.score_thresholds if min_score is None else min_score
            return found.likely(least, every_guess)

        return self._look(source, result)

    def classify(self, source: Any) -> Any:
        """Says what pictures show: `ClassProbabilities`, or `Predictions`; as `detect`."""
        self._require("classification")
        return self._look(
            source,
            lambda scores, row, scale, picture: ClassProbabilities.of_scores(
                scores[row], picture, self.class_names
            ),
        )

    def segment(self, source: Any) -> Any:
        """Says of each pixel what it shows: `LabelMap`, or `Predictions`; as `detect`."""
        self._require("semantic_segmentation")
        return self._look(
            source,
            lambda logits, row, scale, picture: LabelMap.of_logits(
                logits[row], scale, picture, self.class_names
            ),
        )

    def _require(self, *tasks: str) -> None:
        task = self.metadata.task
        if task not in tasks:
            named = {"classification": "classify", "semantic_segmentation": "segment"}
            raise ModelFileError(
                f"{self.path}: is a model for {task.replace('_', ' ')}; call "
                f"{named.get(task, 'detect')}()."
            )

    def _look(self, source: Any, result_of: Callable) -> Any:
        return look(source, self.place, self.predict, result_of, self.metadata.batch_size or 8)

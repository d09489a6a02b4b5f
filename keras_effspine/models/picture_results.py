"""What the models of the tasks say of pictures, as objects."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from keras_effspine.layers.boxes import convert_boxes
from keras_effspine.results.class_probabilities import ClassProbabilities
from keras_effspine.results.detections import Detections
from keras_effspine.results.label_map import LabelMap
from keras_effspine.results.looking import look
from keras_effspine.results.picture import Picture


class PictureResults:
    """A model that knows what its classes are called, and at which size it sees pictures.

    All of it is set where the model comes from a run or a preset. Names and size are kept in its
    file; of a model of your own set them yourself.

    Attributes:
        class_names: tuple of the names of its classes, or None.
        image_size: height and width in pixels at which it sees pictures, or None.
        score_thresholds: dictionary from the name of a class to the score from which its objects
            are worth showing.
    """

    class_names: tuple[str, ...] | None = None
    image_size: int | None = None
    score_thresholds: Mapping[str, float] = {}

    def predict_on_pictures(self, images: np.ndarray) -> Any:
        """What the results are made of, for images `(batch, size, size, 3)`."""
        return self.predict_on_batch(images)  # type: ignore[attr-defined]

    def _look(
        self, source: Any, image_size: int | None, batch_size: int, result_of: Callable
    ) -> Any:
        fixed = self.inputs[0].shape[1:3]  # type: ignore[attr-defined]
        height, width = (image_size or side or self.image_size for side in fixed)
        if height is None or width is None:
            raise ValueError(
                "The model does not know at which size it sees pictures: give `image_size`, or set "
                f"it as an attribute. Received: image_size={image_size}"
            )
        place = functools.partial(Picture.letterboxed, canvas=(height, width))
        return look(source, place, self.predict_on_pictures, result_of, batch_size)


class ObjectResults(PictureResults):
    """Of detectors."""

    def predict_on_pictures(self, images: np.ndarray) -> Any:
        found = super().predict_on_pictures(images)
        form = self.bounding_box_format  # type: ignore[attr-defined]
        boxes = convert_boxes(found["boxes"], form, "xyxy", images.shape[1:])
        return {**found, "boxes": keras.ops.convert_to_numpy(boxes)}

    def detect(
        self,
        source: Any,
        min_score: float | None = None,
        image_size: int | None = None,
        batch_size: int = 8,
        every_guess: bool = False,
    ) -> Any:
        """Finds objects in pictures.

        Args:
            source: path of a picture, a `PIL.Image.Image`, or an array `(height, width, 3)` of RGB
                from 0 to 255; a list of such, an array `(pictures, height, width, 3)`, or a folder.
            min_score: score that an object must reach; None takes the best of its class, as the
                model's run has measured it, or else 0.3.
            image_size: height and width in pixels at which the model sees pictures, letterboxed;
                None takes that of its run or preset.
            batch_size: pictures predicted at a time.
            every_guess: whether objects are kept that lie on a better one of another class.

        Returns:
            `Detections`, with boxes in pixels of the picture, names and scores; of more than one
            picture `Predictions`, a list of them.

        Raises:
            DataError: if a picture cannot be read.
            ValueError: if something is no picture, or the size is not known.
        """

        def result(predictions: Any, row: int, scale: np.ndarray, picture: Picture) -> Detections:
            names = self.class_names
            found = Detections.of_predictions(predictions, row, scale, picture, names)
            least = self.score_thresholds if min_score is None else min_score
            return found.likely(least, every_guess)

        return self._look(source, image_size, batch_size, result)


class ClassResults(PictureResults):
    """Of classifiers."""

    def classify(self, source: Any, image_size: int | None = None, batch_size: int = 8) -> Any:
        """Says what pictures show.

        Args:
            source, image_size, batch_size: as in `ObjectResults.detect`.

        Returns:
            `ClassProbabilities`, the most probable class first; of more than one picture
            `Predictions`, a list of them.

        Raises:
            DataError, ValueError: as `ObjectResults.detect`.
        """

        def result(scores: Any, row: int, scale: np.ndarray, picture: Picture) -> Any:
            return ClassProbabilities.of_scores(scores[row], picture, self.class_names)

        return self._look(source, image_size, batch_size, result)


class LabelMapResults(PictureResults):
    """Of models for semantic segmentation."""

    _predict_coarse: Callable | None = None

    def predict_on_pictures(self, images: np.ndarray) -> Any:
        if self._predict_coarse is None:  # logits of all pixels and classes would take gigabytes
            outputs = self.coarse_logits  # type: ignore[attr-defined]
            coarse = keras.Model(self.inputs, outputs)  # type: ignore[attr-defined]
            # A function, so that Keras does not save the model as a part of this one.
            self._predict_coarse = coarse.predict_on_batch
        return self._predict_coarse(images)

    def segment(self, source: Any, image_size: int | None = None, batch_size: int = 8) -> Any:
        """Says of each pixel what it shows.

        Args:
            source, image_size, batch_size: as in `ObjectResults.detect`.

        Returns:
            `LabelMap`, of the size of the picture; of more than one picture `Predictions`, a list
            of them.

        Raises:
            DataError, ValueError: as `ObjectResults.detect`.
        """

        def result(logits: Any, row: int, scale: np.ndarray, picture: Picture) -> LabelMap:
            return LabelMap.of_logits(logits[row], scale, picture, self.class_names)

        return self._look(source, image_size, batch_size, result)

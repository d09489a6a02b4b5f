"""The class of a whole picture: `ClassProbabilities`."""

import csv
import dataclasses
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from keras_effspine.data.record import Record
from keras_effspine.results.picture import Picture
from keras_effspine.results.result import Result

_MOST_SHOWN = 5


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ClassProbabilities(Result):
    """How probable classes are for a picture, the most probable one first.

    Iterated over, it gives pairs of a name and a probability. A notebook shows the picture with the
    name of the first.

    Args:
        picture, class_names: as in `Result`.
        class_ids: int64 `(k,)`, class indices from 0.
        scores: float64 `(k,)`, their probabilities.
    """

    class_ids: np.ndarray
    scores: np.ndarray

    @classmethod
    def of_scores(
        cls, scores: np.ndarray, picture: Picture, class_names: tuple[str, ...] | None
    ) -> "ClassProbabilities":
        """What a classifier predicts for a picture: `scores` float `(classes,)`."""
        order = np.argsort(-scores, kind="stable")
        return cls(picture, class_names, order, scores[order].astype("float64"))

    @property
    def names(self) -> list[str]:
        """Names of the classes, the most probable one first."""
        names = self.names_for(self.class_ids)
        return [names[index] for index in self.class_ids]

    @property
    def name(self) -> str:
        """The most probable class."""
        return self.names[0]

    @property
    def score(self) -> float:
        """Its probability."""
        return float(self.scores[0])

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self.names, self.scores.tolist(), strict=True)

    def __len__(self) -> int:
        return len(self.class_ids)

    def plot(self, min_score: float = 0.0) -> Image.Image:
        """As in `Result`; the most probable class is the answer, so that it is shown always."""
        from keras_effspine.drawing.zoom import draw_class

        image, names = self.picture.pixels(), self.names_for(self.class_ids)
        return Image.fromarray(draw_class(image, int(self.class_ids[0]), names, self.score))

    def to_csv(self) -> str:
        """As in `Result`: picture, class and probability, one class a line."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(("picture", "class", "score"))
        for name, score in self:
            lines.writerow((self.picture.name, name, round(score, 5)))
        return text.getvalue()

    def to_dict(self) -> dict:
        """As in `Result`: the most probable classes, the first of all first."""
        likely = list(self)[:_MOST_SHOWN]
        return {"classes": {name: round(score, 5) for name, score in likely}}

    def to_record(self) -> Record:
        """As in `Result`: the most probable class is the picture's."""
        return self.record(image_label=int(self.class_ids[0]))

    def text(self) -> str:
        shown = [f"{name} {score:.3f}" for name, score in list(self)[:_MOST_SHOWN]]
        return ", ".join(shown + ["..."] * (len(self) > _MOST_SHOWN))

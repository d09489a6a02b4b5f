"""The class of each pixel of a picture: `LabelMap`."""

import csv
import dataclasses
import io

import numpy as np
from PIL import Image

from keras_effspine.data.record import Record
from keras_effspine.results.class_maps import map_in_picture
from keras_effspine.results.picture import Picture
from keras_effspine.results.result import Result
from keras_effspine.topology.labels import IGNORED


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class LabelMap(Result):
    """The class of each pixel. A notebook shows the classes tinted on the picture.

    Args:
        picture, class_names: as in `Result`.
        classes: uint8 `(height, width)` of the picture, class indices from 0.
    """

    classes: np.ndarray

    @classmethod
    def of_logits(
        cls,
        logits: np.ndarray,
        scale: np.ndarray,
        picture: Picture,
        class_names: tuple[str, ...] | None,
    ) -> "LabelMap":
        """What a segmentation model predicts for a picture.

        Args:
            logits: float `(rows, columns, classes)`, those of the whole canvas.
            scale: float `(2,)`, pixels of the canvas over pixels of the picture along y, x.
        """
        size = (picture.height, picture.width)
        return cls(picture, class_names, map_in_picture(logits, scale, size))

    @property
    def shares(self) -> dict[str, float]:
        """The share of the picture that each class covers, by name, the largest first."""
        ids, counts = np.unique(self.classes, return_counts=True)
        names = self._names
        return {
            names[index]: count / self.classes.size
            for count, index in sorted(zip(counts.tolist(), ids.tolist(), strict=True))[::-1]
            if index != IGNORED
        }

    def mask(self, name: str) -> np.ndarray:
        """bool `(height, width)`, the pixels of a class.

        Raises:
            ValueError: if there is no such class.
        """
        names = self._names
        if name not in names:
            raise ValueError(f"There is no such class; there are {names}. Received: {name!r}")
        return self.classes == names.index(name)

    def plot(self, min_score: float = 0.0) -> Image.Image:
        """As in `Result`; classes of pixels have no scores, so that all are shown."""
        from keras_effspine.drawing.label_maps import draw_label_map
        from keras_effspine.drawing.zoom import enlarged, zoom_of

        image = self.picture.pixels()
        zoom = zoom_of(image)
        classes = self.classes.repeat(zoom, axis=0).repeat(zoom, axis=1)
        return Image.fromarray(draw_label_map(enlarged(image), classes, self._names))

    def image(self) -> Image.Image:
        """The map as a palette picture: its values are class indices, the palette their colours."""
        from keras_effspine.drawing.label_maps import label_image

        return label_image(self.classes, self._names)

    def to_coco(self) -> dict:
        """COCO's annotation file, with a mask for each class but the background."""
        from keras_effspine.results.predictions import Predictions

        return Predictions([self]).to_coco()

    def to_csv(self) -> str:
        """As in `Result`: picture, class and the share of the picture, one class a line."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(("picture", "class", "share"))
        for name, share in self.shares.items():
            lines.writerow((self.picture.name, name, round(share, 5)))
        return text.getvalue()

    def to_dict(self) -> dict:
        """As in `Result`: the share of the picture that each class covers."""
        return {"shares": {name: round(share, 5) for name, share in self.shares.items()}}

    def to_record(self) -> Record:
        """As in `Result`, with each class but the background as one object with a mask."""
        import pycocotools.mask

        names = self._names
        ids = [i for i in np.unique(self.classes).tolist() if i != IGNORED]
        ids = [index for index in ids if names[index] != "background"]
        planes = [np.asfortranarray(self.classes == index, "uint8") for index in ids]
        masks = [pycocotools.mask.encode(plane) for plane in planes]
        boxes = np.array([pycocotools.mask.toBbox(mask) for mask in masks], "float64")
        return self.record(
            boxes=boxes.reshape(-1, 4),
            classes=np.array(ids, "int64"),
            areas=np.array([plane.sum() for plane in planes], "float64"),
            is_crowd=np.zeros(len(ids), bool),
            annotation_ids=tuple(range(1, len(ids) + 1)),
            masks=tuple({**mask, "counts": mask["counts"].decode("ascii")} for mask in masks),
        )

    @property
    def _names(self) -> tuple[str, ...]:
        return self.names_for(self.classes[self.classes != IGNORED])

    def text(self) -> str:
        return ", ".join(f"{name} {share:.1%}" for name, share in self.shares.items())

"""Objects that were detected in a picture: `Detections`."""

import collections
import csv
import dataclasses
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from PIL import Image

from keras_effspine.data.record import Record
from keras_effspine.evaluation.score_thresholds import scores_by_class
from keras_effspine.extras import needs_extra
from keras_effspine.results.boxes_in_picture import boxes_in_picture
from keras_effspine.results.picture import Picture
from keras_effspine.results.result import Result

_MOST_LINES = 20


@dataclasses.dataclass(frozen=True)
class Detection:
    """One object.

    Args:
        name: of its class.
        score: from 0 to 1.
        box: left, top, right, bottom in pixels of the picture.
        class_id: class index from 0.
        run_lengths: of an instance its mask, in COCO's notation; otherwise None.
        track_id: in a video, by which it is known in each frame; None where it is not followed.
    """

    name: str
    score: float
    box: tuple[float, float, float, float]
    class_id: int
    run_lengths: dict | None = dataclasses.field(default=None, repr=False)
    track_id: int | None = None

    @property
    def mask(self) -> np.ndarray | None:
        """bool `(height, width)` of the picture; None where there are no masks."""
        from keras_effspine.data.run_lengths import decoded

        return None if self.run_lengths is None else decoded(self.run_lengths)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Detections(Result):
    """Objects in one picture, best first, with their masks where the model predicts some.

    `len(found)`, `found[0]`, a `Detection`, `for one in found`; `found[:3]` and
    `found[found.scores > 0.5]` are `Detections` again. A notebook shows the drawn picture.

    Args:
        picture, class_names: as in `Result`.
        boxes: float64 `(n, 4)`, xyxy: left, top, right, bottom in pixels of the picture.
        scores: float64 `(n,)`, from 0 to 1.
        class_ids: int64 `(n,)`, class indices from 0.
        run_lengths: of instances their `n` masks, in COCO's compressed run lengths; None where the
            model predicts boxes alone.
        track_ids: int64 `(n,)`, in a video, by which each is known in all frames, -1 for objects
            that are not followed; None in a picture.

    Example:

    ```python
    model = keras_effspine.RetinaNet.from_preset("m1_bccd")
    found = model.detect(np.zeros((480, 640, 3), "uint8"), min_score=0.01)
    found = found[found.scores > 0.5]
    found.names, found.boxes, found.to_coco()["annotations"], found.plot().size
    ```
    """

    boxes: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray
    run_lengths: Sequence[dict] | None = None
    track_ids: np.ndarray | None = None

    @classmethod
    def of_predictions(
        cls,
        predictions: Mapping[str, np.ndarray],
        row: int,
        scale: np.ndarray,
        picture: Picture,
        class_names: tuple[str, ...] | None,
    ) -> "Detections":
        """What a detector predicts for a picture of a batch; see `boxes_in_picture`.

        Args:
            predictions: with `"masks"` `(batch, n, rows, columns)` of instances, probabilities of
                the object in equal parts of its box.
        """
        found = boxes_in_picture(predictions, row, scale, picture.width, picture.height)
        masks = None
        if "masks" in predictions:
            from keras_effspine.results.mask_pasting import paste_mask

            masks = tuple(
                paste_mask(mask, box, picture.width, picture.height)
                for mask, box in zip(predictions["masks"][row], found.whole, strict=False)
            )
        return cls(picture, class_names, found.boxes, found.scores, found.classes, masks)

    @classmethod
    def of_xywh(
        cls,
        picture: Picture,
        class_names: tuple[str, ...] | None,
        boxes: np.ndarray,
        scores: np.ndarray,
        class_ids: np.ndarray,
        run_lengths: Sequence[dict] | None = None,
    ) -> "Detections":
        """The same of boxes in xywh: left, top, width, height."""
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        return cls(picture, class_names, corners, scores, class_ids, run_lengths)

    @property
    def names(self) -> list[str]:
        """The name of each object's class."""
        names = self.names_for(self.class_ids)
        return [names[index] for index in self.class_ids]

    @property
    def masks(self) -> np.ndarray | None:
        """bool `(n, height, width)`, in pixels of the picture; None where there are no masks."""
        if self.run_lengths is None:
            return None
        from keras_effspine.data.run_lengths import decoded

        planes = [decoded(mask) for mask in self.run_lengths]
        empty = np.zeros((0, self.picture.height, self.picture.width), bool)
        return np.stack(planes) if planes else empty

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[Detection]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)):
            index = range(len(self))[key]
            left, top, right, bottom = self.boxes[index].tolist()
            track = -1 if self.track_ids is None else int(self.track_ids[index])
            return Detection(
                name=self.names[index],
                score=float(self.scores[index]),
                box=(left, top, right, bottom),
                class_id=int(self.class_ids[index]),
                run_lengths=None if self.run_lengths is None else self.run_lengths[index],
                track_id=None if track < 0 else track,
            )
        kept = np.arange(len(self))[key]
        masks = self.run_lengths
        return dataclasses.replace(
            self,
            boxes=self.boxes[kept],
            scores=self.scores[kept],
            class_ids=self.class_ids[kept],
            run_lengths=None if masks is None else tuple(masks[index] for index in kept),
            track_ids=None if self.track_ids is None else self.track_ids[kept],
        )

    def above(self, min_score: float) -> Self:
        """Those of at least this score."""
        return self[self.scores >= min_score]

    def of_classes(self, *names: str) -> "Detections":
        """Those of some classes, by their names."""
        return self[np.isin(self.names, names)]

    def likely(
        self, min_score: float | Mapping[str, float], every_guess: bool = False
    ) -> "Detections":
        """Those of at least this score, and, but for every guess, that lie on no better one.

        A detector suppresses within a class alone; see `drawing.places.best_of_each_place`.

        Args:
            min_score: of all classes; or a dictionary from a class' name to its score, where
                classes that it does not name have 0.3.
            every_guess: whether objects are kept that lie on a better one of another class.
        """
        if isinstance(min_score, Mapping):
            scores = scores_by_class(min_score, self.names_for(self.class_ids))
            found = self[self.scores >= scores[self.class_ids]]
        else:
            found = self.above(min_score)
        if every_guess:
            return found
        from keras_effspine.drawing.places import best_of_each_place

        return found[best_of_each_place(found._xywh, found.scores)]

    def plot(self, min_score: float = 0.0) -> Image.Image:
        """As in `Result`: boxes, names and scores, and masks where there are some.

        Objects that are followed in a video have a colour of their own, and their number.
        """
        from keras_effspine.drawing.instance_masks import draw_instances
        from keras_effspine.drawing.zoom import draw_enlarged

        shown, names = self.above(min_score), self.names_for(self.class_ids)
        if shown.track_ids is not None:
            shown, names = shown._as_tracks()
        image = self.picture.pixels()
        if shown.run_lengths is None:
            drawn = draw_enlarged(image, shown._xywh, shown.class_ids, names, shown.scores)
        else:
            masks = shown.run_lengths
            drawn = draw_instances(image, shown._xywh, shown.class_ids, masks, names, shown.scores)
        return Image.fromarray(drawn)

    def _as_tracks(self):
        """The followed objects as if each were a class of its own, and the names of these."""
        kept = self[self.track_ids >= 0]
        names = [""] * (int(kept.track_ids.max(initial=0)) + 1)
        for track, name in zip(kept.track_ids.tolist(), kept.names, strict=True):
            names[track] = f"{track} {name}"
        return dataclasses.replace(kept, class_ids=kept.track_ids), tuple(names)

    def crop(self) -> list[Image.Image]:
        """Each object cut out by its box, in whole pixels and with one of them at least."""
        image = Image.fromarray(self.picture.pixels())
        crops = []
        for left, top, right, bottom in self.boxes.tolist():
            left, top = min(int(left), image.width - 1), min(int(top), image.height - 1)
            ends = max(math.ceil(right), left + 1), max(math.ceil(bottom), top + 1)
            crops.append(image.crop((left, top, *ends)))
        return crops

    def to_coco(self) -> dict:
        """COCO's annotation file of this picture, as `json.dump` takes it.

        Boxes are `[left, top, width, height]`; masks are run lengths; the score is an attribute.
        Category ids are from 1.
        """
        from keras_effspine.results.predictions import Predictions

        return Predictions([self]).to_coco()

    def to_yolo(self) -> str:
        """YOLO's label file: class id, and middle and size of the box as shares of the picture."""
        from keras_effspine.data.formats.yolo import label_lines

        return label_lines(dataclasses.replace(self.to_record(), masks=(None,) * len(self)))

    def to_voc(self) -> str:
        """Pascal VOC's annotation file, in XML."""
        from keras_effspine.data.formats.voc_writing import voc_text

        name = self.picture.record.path.name
        return voc_text(self.to_record(), name, self.names_for(self.class_ids))

    def to_csv(self) -> str:
        """As in `Result`: picture, class, score and the box in pixels, one object a line."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(("picture", "class", "score", "left", "top", "right", "bottom"))
        for one in self:
            box = (round(side, 2) for side in one.box)
            lines.writerow((self.picture.name, one.name, round(one.score, 4), *box))
        return text.getvalue()

    def to_dict(self) -> dict:
        """As in `Result`: the objects, their boxes as left, top, right, bottom in pixels."""
        objects = []
        for one in self:
            said: dict[str, Any] = {"class": one.name, "score": round(one.score, 4)}
            said["box"] = [round(side, 2) for side in one.box]
            if self.track_ids is not None:
                said["track"] = one.track_id
            if one.run_lengths is not None:
                said["mask"] = dict(one.run_lengths)
            objects.append(said)
        return {"objects": objects}

    def to_supervision(self) -> Any:
        """`supervision.Detections` with masks, and the names as `data["class_name"]`.

        Raises:
            MissingPackageError: if supervision is not installed.
        """
        with needs_extra("supervision"):
            import supervision
        return supervision.Detections(
            xyxy=self.boxes.astype("float32"),
            mask=self.masks,
            confidence=self.scores.astype("float32"),
            class_id=self.class_ids.astype(int),
            tracker_id=None if self.track_ids is None else self.track_ids.astype(int),
            data={"class_name": np.array(self.names, dtype=str)},
        )

    def to_record(self) -> Record:
        boxes, masks = self._xywh, self.run_lengths
        areas = boxes[:, 2] * boxes[:, 3]
        if masks is not None:
            import pycocotools.mask

            areas = np.array([pycocotools.mask.area(mask) for mask in masks], "float64")
        return self.record(
            boxes=boxes,
            classes=self.class_ids,
            areas=areas,
            is_crowd=np.zeros(len(self), bool),
            annotation_ids=tuple(range(1, len(self) + 1)),
            masks=(None,) * len(self) if masks is None else tuple(masks),
            attributes=tuple({"score": round(score, 4)} for score in self.scores.tolist()),
        )

    def text(self) -> str:
        kind = "object" if self.run_lengths is None else "instance"
        lines = [f"{len(self)} {kind}{'s' * (len(self) != 1)}"]
        width = max((len(name) for name in self.names[:_MOST_LINES]), default=0)
        for one in self[:_MOST_LINES]:
            box = " ".join(f"{side:8.1f}" for side in one.box)
            lines.append(f"  {one.name:{width}} {one.score:.2f} {box}")
        if len(self):
            lines[0] += " (class, score, left, top, right, bottom in pixels)"
        if len(self) > _MOST_LINES:
            lines.append(f"  ... and {len(self) - _MOST_LINES} more")
        return "\n".join(lines)

    def summary(self) -> str:
        counts = collections.Counter(self.names).most_common()
        return ", ".join(f"{count} {name}" for name, count in counts) or "nothing"

    @property
    def _xywh(self) -> np.ndarray:
        return np.concatenate([self.boxes[:, :2], self.boxes[:, 2:] - self.boxes[:, :2]], axis=1)

"""The numbers of Tables 3 and 6 to 11 of the paper (arXiv:2010.11426), its peers included.

Behind them stand the detectors with SpineNet and SpineNet-MBConv (arXiv:1912.05027) as the authors'
list of models has them (MODEL_ZOO of tensorflow/tpu): trained for 350 epochs with ReLU,
SpineNet-190 for 400 and Mobile SpineNet-49 for 600 with swish. The published weights of
SpineNet-49S have endpoints of 256 channels (tensorflow/tpu#767), where the code and the preset have
128: so its published counts are higher.
"""

import csv
import dataclasses
import pathlib
from typing import Any

_FILE = pathlib.Path(__file__).with_name("published.csv")

_ABLATIONS = {
    "_no_fusion": {"weighted_fusion": False},
    "_no_s2d": {"use_space_to_depth": False},
}
"""What a suffix of a row's model changes in the network; see `NetworkSpec`."""


@dataclasses.dataclass(frozen=True)
class Published:
    """A published number with the digits that it is printed with.

    Args:
        value: the number.
        digits: number of digits after the point.
    """

    value: float
    digits: int

    @classmethod
    def parse(cls, text: str) -> "Published | None":
        """The number of a text such as `"0.67"`; None of an empty one."""
        if not text:
            return None
        return cls(float(text), len(text.partition(".")[2]))

    def holds(self, value: float) -> bool:
        """Whether a value rounds to this number; ties count as inside."""
        return abs(value - self.value) <= 0.5 * 10**-self.digits + 1e-9

    def __str__(self) -> str:
        return f"{self.value:.{self.digits}f}"


@dataclasses.dataclass(frozen=True)
class PublishedRow:
    """A row of one of the paper's tables, or of a predecessor.

    Args:
        table: number of the table; None of a predecessor.
        title: the model as the table names it.
        task: `"retinanet"` (EfficientDet and SSDLite, too), `"mask_rcnn"`, `"classification"` or
            `"segmentation"`.
        model: short name; of models that the package builds the preset, with a suffix for each
            ablation.
        input_size: height and width of the input in pixels.
        parameters: millions, or None.
        multiply_adds: billions, or None.
        accuracy: COCO box AP in percent; for classification top-1, for segmentation mean IoU.
        counting: `"convolutions"` where a peer's authors count the multiply-adds of convolutions
            and dense layers alone; empty where normalisation and activations are counted too.
        source: the table or list, and what `accuracy` is where it is no AP.
        note: why the built model's counts differ, as far as it is known; empty where they do not.
    """

    table: int | None
    title: str
    task: str
    model: str
    input_size: int
    parameters: Published | None
    multiply_adds: Published | None
    accuracy: Published | None
    counting: str
    source: str
    note: str = ""

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """The model without the suffixes of ablations, and what these change in its network."""
        name, changes = self.model, dict[str, Any]()
        for suffix, values in _ABLATIONS.items():
            if name.endswith(suffix):
                name, changes = name.removesuffix(suffix), {**changes, **values}
        return name, changes


def published_rows() -> tuple[PublishedRow, ...]:
    """All rows, in the order of the paper, the predecessors last."""
    with _FILE.open(newline="", encoding="utf-8") as file:
        return tuple(
            PublishedRow(
                table=int(row["table"]) if row["table"] else None,
                title=row["row"],
                task=row["task"],
                model=row["model"],
                input_size=int(row["input_size"]),
                parameters=Published.parse(row["params_M"]),
                multiply_adds=Published.parse(row["multiply_adds_B"]),
                accuracy=Published.parse(row["AP"]),
                counting=row["counting"],
                source=row["source"],
                note=row["note"],
            )
            for row in csv.DictReader(file)
        )

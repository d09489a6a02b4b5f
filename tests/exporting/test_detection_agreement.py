"""Lists of detections are compared in any order, and by all that they say."""

import pathlib
from types import SimpleNamespace

import numpy as np
import pytest

from keras_effspine.errors import ExportError
from keras_effspine.exporting.detection_agreement import Agreement, agreement
from keras_effspine.exporting.verification import compare_outputs

BOXES = np.array([[0, 0, 10, 10], [20, 20, 30, 40], [5, 5, 9, 9]], float)
SCORES, CLASSES = np.array([0.9, 0.8, 0.7]), np.array([0, 1, 2])


def listed(boxes=BOXES, scores=SCORES, classes=CLASSES, padding=2):
    def padded(x):
        rest = -np.ones((padding, *x.shape[1:]))
        return np.concatenate([x, rest])[None]

    return {
        "boxes": padded(boxes),
        "confidence": padded(scores),
        "classes": padded(classes),
        "num_detections": np.array([len(scores)]),
    }


def compared(**changes):
    return agreement(listed(**changes), listed(), 1e-3, 0.1)


def test_order_padding_and_rounding_do_not_count():
    order = [2, 0, 1]
    found = compared(
        boxes=BOXES[order] + 0.05,
        scores=SCORES[order] + 5e-4,
        classes=CLASSES[order],
        padding=7,
    )
    assert (found.alone, found.of) == (0, 6)
    assert found.difference == pytest.approx(5e-4)


@pytest.mark.parametrize(
    "changes",
    [{"boxes": BOXES + [[0, 0, 0, 0.2]]}, {"scores": SCORES - 2e-3}, {"classes": CLASSES + 1}],
)
def test_another_box_score_or_class_is_no_counterpart(changes):
    assert (compared(**changes).alone, compared(**changes).of) == (6, 6)


def test_what_one_list_alone_has_is_counted():
    found = compared(boxes=BOXES[:2], scores=SCORES[:2], classes=CLASSES[:2])
    assert (found.alone, found.of, found.difference) == (1, 5, 0.0)


def test_lists_without_detections_agree():
    nothing = {"boxes": BOXES[:0], "scores": SCORES[:0], "classes": CLASSES[:0]}
    assert agreement(listed(**nothing), listed(**nothing), 1e-3, 0.1) == Agreement(0, 0, 0.0)
    assert (compared(**nothing).alone, compared(**nothing).of) == (3, 3)


@pytest.mark.parametrize(
    "shift, is_kept", [(0.0, True), (0.01, True), (2.0, False)], ids=["same", "rounded", "moved"]
)
def test_a_file_that_decodes_to_other_boxes_is_not_kept(shift, is_kept):
    metadata = SimpleNamespace(image_size=64, precision="float32", frame_size=None)
    file = SimpleNamespace(
        metadata=metadata,
        path=pathlib.Path("cells.tflite"),
        place=lambda picture: SimpleNamespace(image=np.zeros((64, 64, 3), "uint8")),
        run=lambda images: listed(boxes=BOXES + shift),
    )

    def compare():
        pictures = [np.zeros((48, 64, 3), "uint8")] * 2
        return compare_outputs(file, lambda images: listed(), pictures, are_raw=False)

    if is_kept:
        assert compare().pictures == 2
    else:
        with pytest.raises(ExportError, match="cells.tflite: of 12 detections .* 12 have no"):
            compare()

"""COCO's panoptic files as objects with masks."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.loading import load_records
from keras_effspine.data.mask_crops import crop_masks
from keras_effspine.data.run_lengths import decoded
from keras_effspine.errors import DataError

CAR, OTHER_CAR, SKY, CROWD = 300, 70_300, 140_300, 9
BOXES = {CAR: (2, 3, 10, 8), OTHER_CAR: (20, 5, 12, 20), SKY: (0, 30, 64, 18), CROWD: (40, 2, 9, 9)}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "panoptic").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "pictures/7.png")
    ids = np.zeros((48, 64), int)
    for number, (left, top, width, height) in BOXES.items():
        ids[top : top + height, left : left + width] = number
    ids[3, 2] = 0  # no mask is its box
    coded = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1)
    Image.fromarray(coded.astype("uint8")).save(tmp_path / "panoptic/7.png")
    infos = [
        {
            "id": number,
            "category_id": 1 if number == SKY else 5,
            "bbox": list(box),
            "area": box[2] * box[3],
            "iscrowd": int(number == CROWD),
        }
        for number, box in BOXES.items()
    ]
    content = {
        "images": [{"id": 7, "file_name": "7.png", "width": 64, "height": 48}],
        "annotations": [{"image_id": 7, "file_name": "7.png", "segments_info": infos}],
        "categories": [
            {"id": 1, "name": "sky", "isthing": 0},
            {"id": 5, "name": "car", "isthing": 1},
        ],
    }
    (tmp_path / "panoptic.json").write_text(json.dumps(content))
    return tmp_path


def load(folder):
    return load_records(folder / "panoptic.json", folder / "pictures", labels=("instances",))


def test_things_are_objects_with_masks_and_stuff_is_left_out(folder):
    found = load(folder)
    assert (found.class_names, found.category_ids) == (("car",), (5,))
    (record,) = found.records
    assert record.annotation_ids == (CAR, OTHER_CAR, CROWD)
    assert record.is_crowd.tolist() == [False, False, True]
    assert record.classes.tolist() == [0, 0, 0]
    assert len(record.masks) == 3
    for number, mask in zip(record.annotation_ids, record.masks, strict=True):
        left, top, width, height = BOXES[number]
        expected = np.zeros((48, 64), bool)
        expected[top : top + height, left : left + width] = True
        expected[3, 2] = False
        np.testing.assert_array_equal(decoded(mask), expected)
    assert record.masks[1] == list(record.masks)[1]
    boxes = record.boxes + [0, 0, 1, 1] * np.tile(record.boxes[:, :2], 2)
    crops, errors = crop_masks(record, boxes)
    assert not errors and crops[1].all() and not crops[0].all()


def test_masks_that_cannot_be_read_are_not_known(folder):
    (record,) = load(folder).records
    (folder / "panoptic/7.png").write_bytes(b"no picture")
    assert list(record.masks) == [None] * 3
    Image.new("RGB", (48, 64), (44, 1, 0)).save(folder / "panoptic/7.png")
    assert list(record.masks) == [None] * 3


def test_a_segment_that_the_map_does_not_hold_has_no_mask(folder):
    (record,) = load(folder).records
    Image.new("RGB", (64, 48), (300 % 256, 1, 0)).save(folder / "panoptic/7.png")
    whole, *others = record.masks
    assert decoded(whole).all() and others == [None, None]


def test_categories_that_are_all_stuff_are_refused(folder):
    content = json.loads((folder / "panoptic.json").read_text())
    for category in content["categories"]:
        category["isthing"] = 0
    (folder / "panoptic.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="all of its categories are stuff"):
        load(folder)

"""Labels that are asked for by name; instance masks against full planes in NumPy."""

import dataclasses
import pathlib

import numpy as np
import pycocotools.mask
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_effspine.data.mask_crops import CROP_SIZE
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.label_reader import LABELS, LabelReader
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.stream.placement import random_placement

CANVAS = 64
NOTATIONS = ("polygons", "counts", "compressed")


def in_notation(plane, notation):
    """A mask in one of COCO's notations; a polygon is that of its bounds."""
    if notation == "polygons":
        x0, y0, x1, y1 = bounds(plane)
        return [[x0, y0, x1, y0, x1, y1, x0, y1]]
    if notation == "compressed":
        return pycocotools.mask.encode(np.asfortranarray(plane, "uint8"))
    flat = plane.ravel(order="F")
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flat, [not flat[-1]]])))
    return {"size": list(plane.shape), "counts": np.diff([0, *changes]).tolist()}


def bounds(plane):
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def ellipse(generator, height, width):
    y, x = np.mgrid[:height, :width] + 0.5
    middle = generator.uniform(0.2, 0.8, 2) * [height, width]
    radii = generator.uniform(0.15, 0.5, 2) * [height, width] + 1
    return ((y - middle[0]) / radii[0]) ** 2 + ((x - middle[1]) / radii[1]) ** 2 <= 1


def record_of(planes, masks, path=pathlib.Path("7.png"), crowds=()):
    boxes = np.array([bounds(plane) for plane in planes], "float64").reshape(-1, 4)
    boxes[:, 2:] -= boxes[:, :2]
    height, width = planes[0].shape
    count = len(planes)
    return Record(
        image_id=7,
        path=path,
        width=width,
        height=height,
        boxes=boxes,
        classes=np.arange(count),
        areas=np.array([plane.sum() for plane in planes], "float64"),
        is_crowd=np.isin(np.arange(count), crowds),
        annotation_ids=tuple(range(100, 100 + count)),
        masks=tuple(masks),
    )


def read(record, placement, names=("instances",)):
    record_set = RecordSet((record,) * 20, tuple("abcdefgh"), tuple(range(8)), "some.json")
    decoder = ImageDecoder(record_set)
    labels, is_read = LabelReader(record_set.records, decoder, names).read(
        tf.constant(0, "int64"), placement, (CANVAS, CANVAS)
    )
    return {key: value.numpy() for key, value in labels.items()}, bool(is_read), decoder


def cut_from_placed_plane(plane, box, placement):
    """The slow way: the plane is moved as a picture is, and cut out of the whole canvas.

    Returns the crop, and where it is sure: not beside an edge, where half pixels decide.
    """
    halvings, window, turn, size = (field.numpy() for field in placement)
    top, left, height, width = window * 2**halvings
    part = np.zeros((height, width), bool)
    covered = plane[top : top + height, left : left + width]
    part[: covered.shape[0], : covered.shape[1]] = covered
    part = part.T if turn[0] else part
    part = part[::-1] if turn[1] else part
    part = part[:, ::-1] if turn[2] else part
    # As fine as the plane itself, so that nothing thin is lost.
    fine = [max(1, -(-4 * length // side)) for length, side in zip(part.shape, size, strict=True)]
    rows, columns = (
        ((np.arange(side * step) + 0.5) * length / (side * step)).astype(int)
        for side, step, length in zip(size, fine, part.shape, strict=True)
    )
    placed = part[np.ix_(rows, columns)]
    steps = (np.arange(CROP_SIZE) + 0.5) / CROP_SIZE
    rows = ((box[1] + (box[3] - box[1]) * steps) * fine[0]).astype(int)
    columns = ((box[0] + (box[2] - box[0]) * steps) * fine[1]).astype(int)
    padded = np.pad(placed, 1, mode="edge")
    around = np.stack([padded[np.ix_(rows + i, columns + j)] for i in range(3) for j in range(3)])
    return around[4], (around == around[4]).all(axis=0)


augmentations = st.builds(
    Augmentation,
    scale_jitter=st.tuples(st.floats(0.1, 2.0), st.floats(0.1, 2.0)).map(
        lambda pair: tuple(sorted(pair))
    ),
    flip=st.booleans(),
    vertical_flip=st.booleans(),
    quarter_turns=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(6, 200),
    st.integers(6, 200),
    st.integers(0, 2**32 - 1).map(np.random.default_rng),
    augmentations,
    st.sampled_from(NOTATIONS),
)
def test_a_crop_is_what_one_cuts_out_of_a_placed_full_plane(
    height, width, generator, augmentation, notation
):
    planes = [ellipse(generator, height, width) for _ in range(3)]
    masks = [in_notation(plane, notation) for plane in planes]
    if notation == "polygons":
        for plane in planes:
            x0, y0, x1, y1 = bounds(plane)
            plane[y0:y1, x0:x1] = True
    seed = generator.integers(0, 2**31, 2)
    placement = random_placement((height, width), (CANVAS, CANVAS), augmentation, seed)
    found, is_read, decoder = read(record_of(planes, masks), placement)
    assert is_read and not decoder.failed
    assert found["masks"].dtype == "uint8"
    assert found["masks"].shape == (3, 112, 112)
    for plane, box, crop in zip(planes, found["boxes"], found["masks"], strict=True):
        if not (box[2:] > box[:2]).all():
            assert not crop.any(), "it has left the picture"
            continue
        wanted, sure = cut_from_placed_plane(plane, box, placement)
        assert ((crop == wanted) | ~sure).all()


def test_objects_that_leave_the_picture_keep_the_part_that_is_seen():
    plane = np.zeros((CANVAS, 2 * CANVAS), bool)
    plane[10:30, 50:80] = True
    plane[10:30, 50:55] = False
    record = record_of([plane], [in_notation(plane, "compressed")])
    record = dataclasses.replace(record, boxes=np.array([[50.0, 10.0, 30.0, 20.0]]))
    options = Augmentation(scale_jitter=(2.0, 2.0), flip=False)
    shares = set()
    for number in range(30):
        placement = random_placement((CANVAS, 2 * CANVAS), (CANVAS, CANVAS), options, (number, 0))
        left = int(placement.window[1])
        x0, _, x1, _ = np.clip(np.array([50, 10, 80, 30]) - left, 0, CANVAS)
        found, _, _ = read(record, placement)
        np.testing.assert_allclose(found["boxes"][0, [0, 2]], [x0, x1])
        seen = plane[10, left + x0 : left + x1]
        if len(seen):
            assert found["masks"].mean() == pytest.approx(seen.mean(), abs=0.02)
            shares.add(round(float(seen.mean()), 2))
    assert len(shares) > 3, "some are cut"


def letterboxed(height, width):
    options = Augmentation(scale_jitter=(1.0, 1.0), flip=False)
    return random_placement((height, width), (CANVAS, CANVAS), options, (0, 0))


@pytest.mark.parametrize(
    "broken",
    [
        {"size": [40, 40], "counts": 5},
        {"size": [30, 40], "counts": [0, 1200]},
        {"counts": [4, 5]},
        [["x", 1]],
    ],
)
def test_a_broken_mask_is_unknown_and_named_and_the_others_stay(broken):
    generator = np.random.default_rng(0)
    planes = [ellipse(generator, 40, 40) for _ in range(3)]
    good = in_notation(planes[0], "compressed")
    found, is_read, decoder = read(record_of(planes, [good, broken, good]), letterboxed(40, 40))
    assert is_read
    assert (found["masks"][1] == 255).all()
    assert found["masks"][0].max() == 1
    (line,) = decoder.describe()
    assert "7.png (image 7): annotation 101: mask " in line


def test_an_object_without_a_mask_has_an_unknown_one_and_crowds_have_none():
    generator = np.random.default_rng(0)
    planes = [ellipse(generator, 40, 40) for _ in range(3)]
    mask = in_notation(planes[2], "counts")
    found, _, decoder = read(
        record_of(planes, [None, "crowd", mask], crowds=[1]), letterboxed(40, 40)
    )
    assert not decoder.failed
    assert found["classes"].tolist() == [0, 2]
    assert len(found["crowds"]) == 1
    assert [crop.max() for crop in found["masks"]] == [255, 1]
    bare = dataclasses.replace(record_of(planes, ()), annotation_ids=())
    assert (read(bare, letterboxed(40, 40))[0]["masks"] == 255).all()


def image_set(folder, count, broken=0):
    """PNG pictures in which each object is bright, with two objects each."""
    generator, records = np.random.default_rng(1), []
    for index in range(count):
        planes = []
        for side in (0, 1):
            plane = np.zeros((72, 96), bool)
            plane[:, 48 * side : 48 * side + 48] = ellipse(generator, 72, 48)
            planes.append(plane)
        path = folder / f"{index}.png"
        Image.fromarray(np.where(planes[0] | planes[1], 230, 20).astype("uint8")).save(path)
        notation = NOTATIONS[1 + index % 2]
        masks = [in_notation(plane, notation) for plane in planes]
        if index < broken:
            masks[0] = {"size": [1, 1], "counts": [1]}
        records.append(record_of(planes, masks, path))
    return RecordSet(tuple(records), ("a", "b"), (1, 2), "some.json")


def samples_of(record_set, decoder, names, count=12, **augmentation):
    """Samples as tf.data makes them, one after the other."""
    seen = []

    def fields(sample):
        seen.append(sample)
        return {key: value for key, value in sample.items() if key != "image"}

    batches = training_batches(
        record_set, decoder, fields, CANVAS, 1, 3, Augmentation(**augmentation), labels=names
    )
    return list(batches.take(count).as_numpy_iterator())


@pytest.mark.parametrize(
    "augmentation",
    [
        {"scale_jitter": (1.0, 1.0), "flip": False},
        {"scale_jitter": (0.5, 2.0)},
        {"scale_jitter": (1.0, 2.0), "vertical_flip": True, "quarter_turns": True},
        {"scale_jitter": (0.8, 2.0), "mosaic": 1.0, "quarter_turns": True},
    ],
)
def test_masks_stay_on_the_pixels_of_their_objects(tmp_path, augmentation):
    record_set = image_set(tmp_path, 8)
    overlaps = []
    for images, labels in samples_of(
        record_set, ImageDecoder(record_set), ("instances",), **augmentation
    ):
        assert set(labels) == {"boxes", "classes", "crowds", "masks"}
        assert labels["masks"].shape[1] == labels["boxes"].shape[1]
        bright = images[0, ..., 0] > 125
        for box, crop in zip(labels["boxes"][0], labels["masks"][0], strict=True):
            ys, xs = np.mgrid[:CANVAS, :CANVAS] + 0.5
            inside = (xs > box[0]) & (xs < box[2]) & (ys > box[1]) & (ys < box[3])
            rows = ((ys - box[1]) / (box[3] - box[1]) * CROP_SIZE).clip(0, 111).astype(int)
            columns = ((xs - box[0]) / (box[2] - box[0]) * CROP_SIZE).clip(0, 111).astype(int)
            pasted = (crop[rows, columns] == 1) & inside
            if inside.sum() > 60:
                overlaps.append((pasted == bright)[inside].mean())
    assert len(overlaps) > 12
    assert min(overlaps) > 0.8
    assert np.mean(overlaps) > 0.95


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ((), set()),
        (("image",), {"label"}),
        (("objects",), {"boxes", "classes", "crowds"}),
        (("instances", "image"), {"boxes", "classes", "crowds", "masks", "label"}),
    ],
)
def test_a_sample_holds_what_is_asked_for_and_no_more(tmp_path, names, keys):
    record_set = image_set(tmp_path, 2)
    ((_, labels),) = samples_of(record_set, ImageDecoder(record_set), names, count=1)
    assert set(labels) == keys


def test_too_many_broken_masks_end_the_stream(tmp_path):
    record_set = image_set(tmp_path, 8, broken=3)
    decoder = ImageDecoder(record_set)
    with pytest.raises(DataError, match=r"of the 8 pictures .*annotation 100: mask "):
        with decoder.failures_as_data_errors():
            samples_of(record_set, decoder, ("instances",))


def test_labels_of_an_unknown_name_are_refused(handful):
    with pytest.raises(ValueError, match="'instances'.*Received: .'masks'"):
        LabelReader(handful.records.records, ImageDecoder(handful.records), ("masks",))
    assert set(LABELS) == {"objects", "instances", "semantic", "image"}

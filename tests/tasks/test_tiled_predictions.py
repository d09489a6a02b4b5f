"""Large pictures tile by tile, by a detector that finds rectangles by their colour."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.failed_images import FailedImages
from keras_effspine.data.record import RecordSet, record_without_objects
from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import DataError
from keras_effspine.tasks.registry import find_task
from keras_effspine.tasks.tiled_predictions import TiledPredictions

CANVAS = 64


def colour_of(number):
    return (40 + 7 * number, 255 - 7 * number, 200)


def find_rectangles(images):
    """What a network would say: of each colour the box around its pixels, of class 0."""
    found = []
    for image in np.asarray(images).round().astype(int):
        boxes = []
        for number in range(25):
            rows, columns = np.nonzero((image == colour_of(number)).all(axis=-1))
            if len(rows) > 3:
                boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        found.append(boxes)
    most = 30
    predictions = {
        "boxes": np.full((len(found), most, 4), -1.0),
        "confidence": np.full((len(found), most), -1.0),
        "classes": np.full((len(found), most), -1),
        "num_detections": np.array([len(boxes) for boxes in found]),
    }
    for row, boxes in enumerate(found):
        predictions["boxes"][row, : len(boxes)] = np.reshape(boxes, (-1, 4))
        predictions["confidence"][row, : len(boxes)] = 0.9
        predictions["classes"][row, : len(boxes)] = 0
    return predictions


def draw(path, size, boxes):
    """A black picture with rectangles `xywh`; returns its record."""
    image = np.zeros((*size, 3), "uint8")
    for number, (left, top, width, height) in enumerate(boxes):
        image[top : top + height, left : left + width] = colour_of(number)
    Image.fromarray(image).save(path)
    return record_without_objects(image_id=path.stem, path=path, width=size[1], height=size[0])


def predicted(records, tiles, batch_size=4, **options):
    record_set = RecordSet(tuple(records), ("thing",), (1,), "drawn")
    failed = FailedImages(record_set, options.pop("most_failed", 0.5))

    def predict(images):
        assert images.shape == (batch_size, CANVAS, CANVAS, 3)  # a network is traced once
        return find_rectangles(images)

    pairs = TiledPredictions(
        find_task("detection"),
        predict,
        record_set,
        (CANVAS, CANVAS),
        tiles,
        batch_size,
        failed,
        **options,
    )
    found = {record.image_id: output for record, output in pairs}
    return found, failed


def sorted_rows(boxes):
    boxes = np.asarray(boxes, "float64").reshape(-1, 4).round(3)
    return boxes[np.lexsort(boxes.T)]


@pytest.fixture
def rectangles():
    """Twenty rectangles on 300 x 420 pixels, one of them larger than a tile."""
    rng = np.random.default_rng(0)
    cells = rng.permutation(10 * 6)[:19]  # cells of 30 px
    boxes = [
        (
            int(cell % 10) * 30 + 2,
            int(cell // 10) * 30 + 2,
            int(rng.integers(5, 26)),
            int(rng.integers(5, 26)),
        )
        for cell in cells
    ]
    return [*boxes, (10, 190, 390, 100)]


@pytest.mark.parametrize("flip", [False, True])
def test_what_lies_on_a_large_picture_is_found_once_at_its_place(tmp_path, rectangles, flip):
    record = draw(tmp_path / "a.png", (300, 420), rectangles)
    tiles = Tiles(size=CANVAS, overlap=0.45, whole=False)
    found, failed = predicted([record], tiles, flip=flip)
    np.testing.assert_allclose(sorted_rows(found["a"].boxes), sorted_rows(rectangles), atol=1e-6)
    assert not failed.failed


def test_a_look_at_the_whole_finds_what_no_tile_shows_whole(tmp_path):
    boxes = [(0, 128, 640, 256), (4, 4, 20, 20), (300, 5, 20, 30)]
    record = draw(tmp_path / "a.png", (512, 640), boxes)
    # Without overlap nothing tells that the parts in two tiles are one.
    whole, _ = predicted([record], Tiles(size=CANVAS, overlap=0.0))
    np.testing.assert_allclose(sorted_rows(whole["a"].boxes), sorted_rows(boxes), atol=11)
    parts, _ = predicted([record], Tiles(size=CANVAS, overlap=0.0, whole=False))
    assert len(parts["a"].boxes) > len(boxes)


def test_pictures_of_any_size_come_in_order_and_batches_hold_tiles_of_several(tmp_path):
    boxes = [(3, 5, 20, 12)]
    sizes = [(40, 50), (200, 64), (64, 64), (65, 130)]
    records = [draw(tmp_path / f"{i}.png", size, boxes) for i, size in enumerate(sizes)]
    for batch_size in (1, 3, 50):
        found, _ = predicted(records, Tiles(size=CANVAS, whole=False), batch_size)
        assert list(found) == ["0", "1", "2", "3"]
        for output in found.values():
            np.testing.assert_allclose(output.boxes, boxes, atol=1e-6)


def test_a_picture_that_does_not_fill_a_tile_is_seen_at_the_scale_of_tiles(tmp_path):
    record = draw(tmp_path / "a.png", (20, 30), [(2, 4, 10, 8)])
    found, _ = predicted([record], Tiles(size=32))  # twice as large on the canvas
    np.testing.assert_allclose(found["a"].boxes, [(2, 4, 10, 8)], atol=1.1)  # edges are mixed
    large = draw(tmp_path / "b.png", (100, 90), [(8, 16, 40, 32)])
    found, _ = predicted([large], Tiles(size=128))  # half as large
    np.testing.assert_allclose(found["b"].boxes, [(8, 16, 40, 32)], atol=2.1)


@pytest.mark.parametrize("size", [(40, 24), (64, 64), (120, 200)])
def test_label_maps_are_those_of_the_picture_whether_or_not_it_fills_a_tile(tmp_path, size):
    blocks = np.random.default_rng(0).integers(0, 3, (size[0] // 8, size[1] // 8))
    truth = blocks.repeat(8, axis=0).repeat(8, axis=1)
    Image.fromarray((truth[..., None] * [80, 80, 80]).astype("uint8")).save(tmp_path / "a.png")
    record = record_without_objects(
        image_id="a", path=tmp_path / "a.png", width=size[1], height=size[0]
    )
    record_set = RecordSet((record,), ("a", "b", "c"), (1, 2, 3), "drawn")

    def predict(images):  # logits of each class at stride 8
        middle = images[:, 4::8, 4::8, 0] / 80
        return -np.abs(middle[..., None] - np.arange(3)).astype("float32")

    ((_, found),) = TiledPredictions(
        find_task("semantic_segmentation"),
        predict,
        record_set,
        (CANVAS, CANVAS),
        Tiles(size=CANVAS, whole=False),
        4,
        FailedImages(record_set),
    )
    assert found.shape == truth.shape
    # Logits are interpolated between blocks, and a tile need not begin at one.
    assert (found[4::8, 4::8] == blocks).mean() > 0.85
    if max(size) <= CANVAS:
        assert (found[4::8, 4::8] == blocks).all()


def test_pictures_that_cannot_be_decoded_are_left_out_and_counted(tmp_path):
    good = draw(tmp_path / "good.png", (100, 100), [(10, 10, 20, 20)])
    (tmp_path / "bad.png").write_bytes(b"nothing")
    bad = record_without_objects(image_id="bad", path=tmp_path / "bad.png", width=9, height=9)
    found, failed = predicted([bad, good, bad], Tiles(size=CANVAS), most_failed=0.9)
    assert list(found) == ["good"]
    assert list(failed.failed) == [0, 2]
    with pytest.raises(DataError, match="cannot be decoded"):
        predicted([bad, good], Tiles(size=CANVAS), most_failed=0.1)


def test_a_task_that_looks_at_pictures_as_a_whole_says_so():
    task = find_task("classification")
    assert not task.takes_tiles
    assert all(
        find_task(name).takes_tiles
        for name in ("detection", "instance_segmentation", "semantic_segmentation")
    )
    record = record_without_objects(image_id=1, path=pathlib.Path("x"), width=9, height=9)
    with pytest.raises(DataError, match="Classification looks at pictures as a whole"):
        task.merge_tiles([], np.zeros((0, 4), int), record)

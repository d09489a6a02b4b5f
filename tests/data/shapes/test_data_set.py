"""The embedded data set."""

import concurrent.futures
import hashlib
import json
import multiprocessing

import numpy as np
import pycocotools.mask
import pytest
from PIL import Image

from keras_effspine.data.checks import check_images
from keras_effspine.data.shapes import data_set as shapes
from keras_effspine.data.shapes.data_set import load_shapes, write_shapes
from keras_effspine.data.shapes.drawing import CLASS_NAMES, MOST_OBJECTS, draw_image
from keras_effspine.errors import DataError

COUNTS = {"train": 6, "val": 3}

# Changes only together with the version of the data set: old caches must not pass for new ones.
DIGEST = "afbae93ff484d82c14163cd9375afd31f0a389f59c2143e60b79afec7c2ea074"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache") / "shapes"
    write_shapes(folder, COUNTS)
    return folder


@pytest.fixture(scope="module")
def images():
    return [draw_image(np.random.Generator(np.random.PCG64([1, n]))) for n in range(40)]


def decoded(annotation, pixels):
    """Returns the mask of an annotation, bool `(height, width)`."""
    run_lengths = annotation["segmentation"]
    if isinstance(run_lengths, list):
        run_lengths = pycocotools.mask.merge(
            pycocotools.mask.frPyObjects(run_lengths, *pixels.shape[:2])
        )
    return pycocotools.mask.decode(run_lengths).astype("bool")


def test_the_pictures_are_the_same_on_every_machine(folder):
    digest = hashlib.sha256()
    for split in COUNTS:
        content = json.loads((folder / f"{split}.json").read_text())
        digest.update(json.dumps(content, sort_keys=True).encode())
        for image in content["images"]:
            with Image.open(folder / split / image["file_name"]) as opened:
                digest.update(np.asarray(opened).tobytes())
    assert digest.hexdigest() == DIGEST


def test_both_splits_load_without_problems_and_hold_different_pictures(folder):
    train, val = (check_images(load_shapes(split, folder)) for split in ("train", "val"))
    assert (len(train.records), len(val.records)) == (6, 3)
    assert train.class_names == val.class_names == CLASS_NAMES
    assert train.problems == val.problems == ()
    assert train.records[0].path.read_bytes() != val.records[0].path.read_bytes()


def test_an_unknown_split_is_refused_with_the_ones_there_are(folder):
    with pytest.raises(DataError, match="no split 'test'; choose one of train, val"):
        load_shapes("test", folder)


def test_the_first_call_draws_into_the_cache_and_the_second_reads_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shapes, "COUNTS", {"train": 2, "val": 1})
    first = load_shapes("train")
    assert first.records[0].path == tmp_path / "cache" / shapes.VERSION / "train" / "000001.png"
    assert "Drawing the shapes" in capsys.readouterr().err
    load_shapes("val")
    assert capsys.readouterr().err == ""
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [shapes.VERSION]


def test_a_smaller_data_set_holds_the_first_pictures_of_a_larger_one(folder, tmp_path):
    write_shapes(tmp_path / "small", {"train": 2, "val": 1})
    for name in ("000001.png", "000002.png"):
        small, large = (parent / "train" / name for parent in (tmp_path / "small", folder))
        assert small.read_bytes() == large.read_bytes()


def test_a_break_while_drawing_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(generator):
        raise KeyboardInterrupt

    monkeypatch.setattr(shapes, "draw_image", fail)
    with pytest.raises(KeyboardInterrupt):
        write_shapes(tmp_path / "shapes", COUNTS)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_at_once_both_end_well(tmp_path):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        jobs = [pool.submit(write_shapes, tmp_path / "shapes", COUNTS) for _ in range(2)]
        for job in jobs:
            job.result(timeout=120)
    assert [path.name for path in tmp_path.iterdir()] == ["shapes"]
    assert len(load_shapes("train", tmp_path / "shapes").records) == 6


def test_the_second_writer_keeps_what_the_first_one_made(folder):
    before = (folder / "train.json").stat().st_mtime_ns
    write_shapes(folder, COUNTS)
    assert (folder / "train.json").stat().st_mtime_ns == before


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="Cannot write the shapes data set"):
        write_shapes(tmp_path, {"train": 1, "val": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_boxes_are_tight_on_the_visible_masks(images):
    for pixels, annotations in images:
        for annotation in annotations:
            mask = decoded(annotation, pixels)
            x, y, width, height = annotation["bbox"]
            columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            drawn = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            # Polygons are rasterised to whole pixels, so their masks may be off by one or two.
            slack = 2 if isinstance(annotation["segmentation"], list) else 0
            assert np.abs(np.array([x, y, x + width, y + height]) - drawn).max() <= slack


def test_areas_are_those_of_the_visible_masks(images):
    for pixels, annotations in images:
        for annotation in annotations:
            area = int(decoded(annotation, pixels).sum())
            if isinstance(annotation["segmentation"], list):
                border = 2 * sum(annotation["bbox"][2:])
                assert abs(annotation["area"] - area) <= border / 2
            else:
                assert annotation["area"] == area


def test_masks_of_different_objects_do_not_overlap(images):
    for pixels, annotations in images:
        covers = np.zeros(pixels.shape[:2], dtype="int64")
        for annotation in annotations:
            if isinstance(annotation["segmentation"], dict):
                covers += decoded(annotation, pixels)
        assert covers.max() <= 1


def test_polygons_mark_whole_shapes_and_run_lengths_the_rest(images):
    kinds = {"list": set(), "dict": set()}
    for _, annotations in images:
        for annotation in annotations:
            name = CLASS_NAMES[annotation["category_id"] - 1]
            kind = type(annotation["segmentation"]).__name__
            kinds[kind].add("crowd" if annotation["iscrowd"] else name)
    assert kinds["list"] == set(CLASS_NAMES) - {"ring"}
    assert kinds["dict"] == {*CLASS_NAMES, "crowd"}


def test_pictures_differ_in_size_in_objects_and_in_scale(images):
    counts = [len(annotations) for _, annotations in images]
    assert min(counts) == 0
    assert 9 <= max(counts) <= MOST_OBJECTS
    assert len({pixels.shape for pixels, _ in images}) > 10
    assert all(140 <= side <= 272 for pixels, _ in images for side in pixels.shape[:2])
    sides = [max(a["bbox"][2:]) for _, annotations in images for a in annotations]
    assert min(sides) < 14
    assert 100 < max(sides) <= 131


def test_the_same_seed_draws_the_same_picture_twice():
    first, second = (draw_image(np.random.Generator(np.random.PCG64(5))) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1]

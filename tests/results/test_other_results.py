"""Label maps, probabilities, lists of results, and the pictures that they are of."""

import csv
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_effspine.errors import DataError
from keras_effspine.results.class_probabilities import ClassProbabilities
from keras_effspine.results.detections import Detections
from keras_effspine.results.label_map import LabelMap
from keras_effspine.results.picture import Picture, as_pictures
from keras_effspine.results.predictions import Predictions

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype("uint8")
NAMES = ("background", "cat", "dog")


@pytest.fixture
def label_map():
    classes = np.zeros((40, 60), "uint8")
    classes[:10, :30], classes[30:] = 2, 255
    return LabelMap(Picture.of(PIXELS), NAMES, classes)


@pytest.fixture
def probabilities():
    scores = np.array([0.1, 0.2, 0.7])
    return ClassProbabilities.of_scores(scores, Picture.of(PIXELS), NAMES)


def test_a_label_map_says_what_covers_the_picture(label_map):
    assert label_map.shares == {"background": 0.625, "dog": 0.125}
    assert repr(label_map) == "picture, 60 x 40 px: background 62.5%, dog 12.5%"
    assert label_map.mask("dog").sum() == 300
    assert not label_map.mask("cat").any()
    with pytest.raises(ValueError, match="Received: 'fish'"):
        label_map.mask("fish")
    (mask,) = label_map.to_coco()["annotations"]
    assert (mask["bbox"], mask["area"], mask["category_id"]) == ([0, 0, 30, 10], 300, 3)
    assert label_map.to_csv().splitlines()[1] == "picture,background,0.625"
    np.testing.assert_array_equal(np.asarray(label_map.image()), label_map.classes)
    assert label_map.to_dict() == {"shares": {"background": 0.625, "dog": 0.125}}
    assert label_map.plot().width % 60 == 0


def test_a_label_map_without_names_or_classes_is_no_mistake(label_map):
    bare = LabelMap(label_map.picture, None, label_map.classes)
    assert list(bare.shares) == ["0", "2"]
    nothing = LabelMap(label_map.picture, None, np.full((40, 60), 255, "uint8"))
    assert (nothing.shares, nothing.to_coco()["annotations"]) == ({}, [])
    assert bare.plot().size == nothing.plot().size


def test_probabilities_come_with_the_most_probable_first(probabilities):
    assert (probabilities.name, probabilities.score) == ("dog", 0.7)
    assert list(probabilities) == [("dog", 0.7), ("cat", 0.2), ("background", 0.1)]
    assert list(probabilities.to_dict()["classes"].items()) == list(probabilities)
    assert repr(probabilities).endswith("px: dog 0.700, cat 0.200, background 0.100")
    assert probabilities.to_csv().splitlines()[1] == "picture,dog,0.7"
    assert probabilities.to_record().image_label == 2
    assert probabilities._repr_png_()[:4] == b"\x89PNG"


def detections(picture, *scores):
    count = len(scores)
    boxes = np.tile([[5.0, 5.0, 20.0, 20.0]], (count, 1)) + np.arange(count)[:, None]
    return Detections(picture, NAMES, boxes, np.array(scores), np.ones(count, int))


def test_results_of_many_pictures_are_a_list_that_is_written_as_one(tmp_path):
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(PIXELS).save(tmp_path / name)
    pictures = [Picture.of(tmp_path / name) for name in ("a/1.png", "b/1.png")]
    found = Predictions([detections(pictures[0], 0.9, 0.5), detections(pictures[1], 0.8)])
    content = found.to_coco()
    assert [image["file_name"] for image in content["images"]] == ["a/1.png", "b/1.png"]
    assert [one["id"] for one in content["annotations"]] == [1, 2, 3]
    assert [one["image_id"] for one in content["annotations"]] == [1, 1, 2]
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["score"] for row in rows] == ["0.9", "0.5", "0.8"]
    assert repr(found).splitlines() == [f"{pictures[0].name}: 2 cat", f"{pictures[1].name}: 1 cat"]
    assert found.plot(columns=1).height > found.plot(columns=2).height
    assert found._repr_png_()[:4] == b"\x89PNG"


def test_a_list_of_nothing_is_said_to_be_one():
    assert repr(Predictions()) == "no pictures"
    assert Predictions().to_csv() == ""
    with pytest.raises(DataError, match="no results to write"):
        Predictions().to_coco()
    with pytest.raises(ValueError, match="must be a picture to show. Received: 0"):
        Predictions().plot()


def test_a_picture_is_a_path_an_array_or_one_of_pillow(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    for source in (
        *(tmp_path / "a.png", str(tmp_path / "a.png"), PIXELS, Image.fromarray(PIXELS)),
        *(PIXELS.astype("float32"), PIXELS.astype("int64"), PIXELS.tolist() and PIXELS),
    ):
        picture = Picture.of(source)
        assert (picture.width, picture.height) == (60, 40)
        np.testing.assert_array_equal(picture.pixels(), PIXELS)
    grey = Picture.of(PIXELS[..., 0])
    np.testing.assert_array_equal(grey.pixels(), PIXELS[..., :1].repeat(3, 2))
    assert Picture.of(np.zeros((4, 5, 4), "uint8")).pixels().shape == (4, 5, 3)


def test_a_photo_is_seen_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    for source in (tmp_path / "a.png", Image.open(tmp_path / "a.png")):
        picture = Picture.of(source)
        assert (picture.width, picture.height) == (40, 60)
        np.testing.assert_array_equal(picture.pixels(), np.rot90(PIXELS, -1))


@pytest.mark.parametrize(
    "source",
    [np.zeros((3,)), np.zeros((4, 5, 2)), np.zeros((0, 5, 3)), np.array("text"), None, 5, {}],
)
def test_what_is_no_picture_is_named(source):
    with pytest.raises(ValueError, match="A picture is the path of a file.*Received: "):
        Picture.of(source)


@pytest.mark.parametrize("value", [-1.0, 256.0, np.nan])
def test_pixels_beyond_255_are_no_picture(value):
    with pytest.raises(ValueError, match="numbers from 0 to 255. Received"):
        Picture.of(np.full((4, 5, 3), value))


def test_files_that_are_missing_or_broken_are_named(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    Image.fromarray(PIXELS).save(tmp_path / "b.png")
    cut = (tmp_path / "b.png").read_bytes()[:300]
    (tmp_path / "b.png").write_bytes(cut)
    with pytest.raises(DataError, match="c.png: there is no such file"):
        Picture.of(tmp_path / "c.png")
    with pytest.raises(DataError, match="a.png: not a readable picture"):
        Picture.of(tmp_path / "a.png")
    with pytest.raises(DataError, match="b.png: cannot be decoded"):
        Picture.of(tmp_path / "b.png").pixels()
    with pytest.raises(DataError, match="b.png: cannot be decoded"):
        Picture.of(tmp_path / "b.png").letterboxed((64, 64))


def test_several_pictures_are_lists_batches_folders_and_archives(handful, tmp_path, monkeypatch):
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "cache"))
    archive = shutil.make_archive(str(tmp_path / "a"), "zip", handful.images)
    paths = sorted(handful.images.iterdir())
    for source in (handful.images, str(handful.images), archive, paths, tuple(paths)):
        pictures, is_single = as_pictures(source)
        assert (len(pictures), is_single) == (4, False)
        assert pictures[0].name.endswith("000001.png")
    assert [p.name for p in as_pictures(np.stack([PIXELS, PIXELS]))[0]] == [
        "picture 0",
        "picture 1",
    ]
    assert as_pictures(PIXELS)[1]
    assert as_pictures(paths[0])[1]
    for nothing in ([], np.zeros((0, 4, 5, 3), "uint8")):
        with pytest.raises(ValueError, match="must be a picture to look at"):
            as_pictures(nothing)

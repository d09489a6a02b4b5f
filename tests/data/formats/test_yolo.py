"""Reading and writing YOLO data sets."""

import numpy as np
import pytest
import yaml
from PIL import Image, ImageOps

from keras_effspine.data.conversion import convert
from keras_effspine.data.formats.yolo import load_yolo, yolo_splits
from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.loading import describe_records, load_records
from keras_effspine.data.semantic_labels import decode_mask
from keras_effspine.errors import DataError

STEPS = list(zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True))


def write_yolo(folder, lines="0 0.5 0.5 0.25 0.5\n", **description):
    """Two training pictures, of which the first has labels, and one for validation."""
    for split, names in (("train", ("a", "sub/b")), ("val", ("c",))):
        for name in names:
            path = folder / "images" / split / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 20)).save(path)
    (folder / "labels/train").mkdir(parents=True)
    label = folder / "labels/train/a.txt"
    label.write_bytes(lines) if isinstance(lines, bytes) else label.write_text(lines)
    content = {"train": "images/train", "val": "images/val", "names": ["mug", "cat"]}
    content = {k: v for k, v in {**content, **description}.items() if v is not None}
    (folder / "data.yaml").write_text(yaml.safe_dump(content))
    return folder / "data.yaml"


def test_boxes_become_records_and_pictures_without_labels_have_no_objects(tmp_path):
    file = write_yolo(tmp_path)
    result = load_yolo(file, "train")
    assert yolo_splits(file) == ("train", "val")
    assert [record.image_id for record in result.records] == ["a.png", "sub/b.png"]
    assert result.records[0].boxes.tolist() == [[15, 5, 10, 10]]
    assert result.records[0].masks == (None,)
    assert result.records[1].boxes.shape == (0, 4)
    assert (result.class_names, result.category_ids) == (("mug", "cat"), (0, 1))


def test_a_polygon_becomes_a_mask_with_its_bounds_and_area(tmp_path):
    file = write_yolo(tmp_path, "1 0.25 0.5 0.75 0.5 0.75 1\n")
    record = load_yolo(file, "train").records[0]
    assert record.boxes.tolist() == [[10, 10, 20, 10]]
    assert record.areas.tolist() == [100]
    assert record.masks == ([[10, 10, 30, 10, 30, 20]],)


@pytest.mark.parametrize("names", [["mug", "cat"], {0: "mug", 1: "cat"}, {1: "cat", 0: "mug"}])
def test_names_are_a_list_or_a_dictionary(tmp_path, names):
    assert load_yolo(write_yolo(tmp_path, names=names), "train").class_names == ("mug", "cat")


def test_a_dictionary_of_names_may_leave_numbers_out(tmp_path):
    file = write_yolo(tmp_path, "7 0.5 0.5 0.1 0.1\n", names={2: "mug", 7: "cat"})
    result = load_yolo(file, "train")
    assert result.category_ids == (2, 7)
    assert result.records[0].classes.tolist() == [1]


@pytest.mark.parametrize(
    "place", ["images/train", "../train/images/..", "train.txt", ["one.txt", "two.txt"]]
)
def test_a_split_is_a_folder_a_list_or_several(tmp_path, place):
    (tmp_path / "data").mkdir()
    file = write_yolo(tmp_path / "data", train=place)
    root = tmp_path / "data"
    if isinstance(place, str) and place.startswith(".."):  # as Roboflow writes them
        (root / "train").mkdir()
        (root / "images/train").rename(root / "train/images")
        (root / "labels/train").rename(root / "train/labels")
    absolute = root / "images/train/sub/b.png"
    (root / "train.txt").write_text(f"./images/train/a.png\n\n{absolute}\n")
    (root / "one.txt").write_text("images/train/a.png\n")
    (root / "two.txt").write_text("images/train/sub/b.png\n")
    result = load_yolo(file, "train")
    assert [record.path.name for record in result.records] == ["a.png", "b.png"]
    assert len(result.records[0].boxes) == 1


def test_path_names_the_folder_of_the_data(tmp_path):
    file = write_yolo(tmp_path / "data", path="../data")
    assert len(load_yolo(file, "train").records) == 2
    moved = file.rename(tmp_path / "elsewhere.yaml")
    moved.write_text(moved.read_text().replace("../data", str(tmp_path / "data")))
    assert len(load_yolo(moved, "val").records) == 1


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0 0.5 0.5 0.1", "line of 4 numbers is neither"),
        ("0 0.5 0.5 0.1 0.1 0.9", "line of 6 numbers"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "line of 8 numbers is neither"),
        ("0", "line of 1 numbers"),
        ("0 0.5 0.5 x 0.1", "other than numbers"),
        ("0.5 0.5 0.5 0.1 0.1", "class id is no whole number"),
        ("0 0.5 nan 0.1 0.1", "box is not finite"),
        ("2 0.5 0.5 0.1 0.1", "class id beyond the names"),
        ("-1 0.5 0.5 0.1 0.1", "class id beyond the names"),
        ("0 0.5 0.5 0 0.1", "box without area"),
        ("0 1.5 0.5 0.1 0.1", "box outside of its image"),
    ],
)
def test_a_broken_line_is_dropped_and_named(tmp_path, line, kind):
    result = load_yolo(write_yolo(tmp_path, f"{line}\n\n1 0.5 0.5 0.1 0.1\n"), "train")
    (problem,) = result.problems
    assert kind in problem.kind
    assert (problem.where, problem.action) == ("a.txt, line 1", "dropped")
    assert result.records[0].classes.tolist() == [1]


def test_an_empty_label_file_says_that_there_are_no_objects(tmp_path):
    result = load_yolo(write_yolo(tmp_path, ""), "train")
    assert result.problems == ()
    assert len(result.records[0].boxes) == 0


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lambda folder: (folder / "images/train/a.png").write_bytes(b"no"), "header unreadable"),
        (lambda folder: (folder / "labels/train/a.txt").write_bytes(b"0 \xff"), "is no text"),
    ],
)
def test_a_picture_that_cannot_be_used_is_skipped_and_named(tmp_path, harm, kind):
    file = write_yolo(tmp_path)
    harm(tmp_path)
    result = load_yolo(file, "train")
    assert [record.image_id for record in result.records] == ["sub/b.png"]
    assert kind in result.problems[0].kind
    assert "a.png" in result.problems[0].where


def test_too_many_pictures_that_cannot_be_used_end_the_run(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "images/train/a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="1 of the 2 pictures"):
        load_records(tmp_path)


@pytest.mark.parametrize("place", ["../elsewhere", "/etc", "images/../../x"])
def test_a_place_outside_of_the_data_is_refused(tmp_path, place):
    (tmp_path / "elsewhere").mkdir()
    file = write_yolo(tmp_path / "data", train=place)
    with pytest.raises(DataError, match=f"'train: {place}' leaves the data set's folder"):
        load_yolo(file, "train")


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "./../a.png", "..\\a.png", "a\0b"])
def test_a_listed_picture_outside_of_the_data_is_refused(tmp_path, name):
    file = write_yolo(tmp_path, train="train.txt")
    (tmp_path / "train.txt").write_text(f"{name}\n")
    with pytest.raises(DataError, match=r"train\.txt: .* leaves the data set's folder"):
        load_yolo(file, "train")


def test_a_listed_picture_that_is_missing_is_skipped_and_named(tmp_path):
    file = write_yolo(tmp_path, train="train.txt")
    (tmp_path / "train.txt").write_text("images/train/a.png\nimages/train/none.png\n")
    result = load_yolo(file, "train")
    assert len(result.records) == 1
    assert [problem.kind for problem in result.problems] == ["image file missing"]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"names": None}, "'names' lists no classes"),
        ({"names": []}, "'names' lists no classes"),
        ({"names": {"a": "mug"}}, "class 'a' of 'names'"),
        ({"names": [["mug"]]}, "class 0 of 'names'"),
        ({"train": 5}, "'train' must name a folder"),
        ({"train": "nowhere"}, "neither a folder nor a list"),
        ({"train": "labels"}, "holds no pictures"),
        ({"train": ["images", "images"]}, "twice"),
        ({"train": None}, "no split 'train'; there are: val"),
        ({"path": 5}, "'path' must be the name of a folder"),
        ({"kpt_shape": [17, 3]}, "keypoints"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path, description, message):
    with pytest.raises(DataError, match=message):
        load_yolo(write_yolo(tmp_path, **description), "train")


@pytest.mark.parametrize("content", [b"", b"a: [", b"[1]", b"\xff\xfe\x00", b"[" * 2000, b"!!x y"])
def test_a_description_that_is_no_yaml_is_refused(tmp_path, content):
    (tmp_path / "data.yaml").write_bytes(content)
    with pytest.raises(DataError, match=r"data\.yaml"):
        load_yolo(tmp_path / "data.yaml", "train")


def test_the_folder_is_recognised_and_says_what_it_is(tmp_path):
    file = write_yolo(tmp_path)
    for data in (tmp_path, file):
        line = describe_records(load_records(data))
        assert line == f"{file}: YOLO data set, 2 pictures of 2 classes, split train"


def test_yaml_that_stands_for_endless_text_is_refused_at_once(tmp_path):
    lines = ["a: &a [x, x]", *(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in STEPS)]
    for key in ("path", "names", "train"):
        (tmp_path / "data.yaml").write_text("\n".join([*lines, f"{key}: *z"]))
        with pytest.raises(DataError, match=r"data\.yaml"):
            load_yolo(tmp_path / "data.yaml", "train")


def test_a_list_may_name_pictures_that_are_no_utf8(tmp_path):
    file = write_yolo(tmp_path, train="train.txt")
    path = tmp_path / "images/train/a.png"
    path.rename(path.with_name(b"\xe4.png".decode("utf-8", "surrogateescape")))
    (tmp_path / "train.txt").write_bytes(b"images/train/\xe4.png\n")
    assert np.size(load_yolo(file, "train").records) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_labels_are_read_in_the_encodings_that_editors_write(tmp_path, encoding):
    text = "0 0.5 0.5 0.25 0.5\r\n1 0.5 0.5 0.1 0.1\r\n"
    result = load_yolo(write_yolo(tmp_path, text.encode(encoding)), "train")
    assert result.problems == ()
    assert result.records[0].classes.tolist() == [0, 1]


def test_labels_may_lie_beside_their_pictures(tmp_path):
    file = write_yolo(tmp_path)
    (tmp_path / "labels/train/a.txt").rename(tmp_path / "images/train/a.txt")
    assert len(load_yolo(file, "train").records[0].boxes) == 1


@pytest.mark.parametrize("extra", ["date: !!timestamp soon", "flag: !!bool maybe", "n: !!int ''"])
def test_values_that_yaml_cannot_make_are_refused_in_one_line(tmp_path, extra):
    file = write_yolo(tmp_path)
    file.write_text(file.read_text() + extra)
    with pytest.raises(DataError, match=r"data\.yaml: not valid YAML") as caught:
        load_yolo(file, "train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["photographs of cells " * 50, "a\0b", "train", "."])
def test_what_else_is_said_is_no_split(tmp_path, text):
    assert yolo_splits(write_yolo(tmp_path, description=text)) == ("train", "val")


def test_the_keys_of_splits_may_be_spelled_as_their_tools_do(tmp_path):
    file = write_yolo(tmp_path, train=None, val=None, Train="images/train", valid="../images/val")
    assert yolo_splits(file) == ("train", "valid")
    assert len(load_yolo(file, "valid").records) == 1


def test_a_data_set_that_was_moved_is_found_where_its_description_lies(tmp_path):
    file = write_yolo(tmp_path, path="/home/somebody/datasets/mugs")
    assert len(load_yolo(file, "train").records) == 2


def test_links_lead_to_pictures_whose_labels_lie_under_the_name_of_the_link(tmp_path):
    file = write_yolo(tmp_path / "data")
    (tmp_path / "data/images/train/sub").rename(tmp_path / "elsewhere")
    (tmp_path / "data/images/train/sub").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/labels/train/sub").mkdir()
    (tmp_path / "data/labels/train/sub/b.txt").write_text("1 0.5 0.5 0.1 0.1\n")
    assert [len(r.boxes) for r in load_yolo(file, "train").records] == [1, 1]


BLOCK = (4, 2, 10, 6)
"""Left, top, width and height of what is red on a picture, as a viewer shows it."""


def write_turned(folder, orientation, size, polygon):
    """A picture that is stored as a camera does, with labels made on what a viewer shows."""
    shown = Image.new("RGB", size, (20, 20, 20))
    left, top, width, height = BLOCK
    shown.paste((255, 0, 0), (left, top, left + width, top + height))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = folder / "images/train/a.png"
    path.parent.mkdir(parents=True)
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
    stored = shown if back is None else shown.transpose(Image.Transpose(back))
    stored.save(path, exif=exif)
    with Image.open(path) as opened:
        assert ImageOps.exif_transpose(opened).tobytes() == shown.tobytes()
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    if polygon:
        values = [
            value / side for corner in corners for value, side in zip(corner, size, strict=True)
        ]
    else:
        center = (left + width / 2) / size[0], (top + height / 2) / size[1]
        values = [*center, width / size[0], height / size[1]]
    (folder / "labels/train").mkdir(parents=True)
    (folder / "labels/train/a.txt").write_text(f"0 {' '.join(map(repr, values))}\n")
    (folder / "data.yaml").write_text("train: images/train\nnames: [red]\n")
    return folder


def assert_the_box_lies_on_the_red(record):
    left, top, width, height = (round(value) for value in record.boxes[0].tolist())
    red = read_image(record)[..., 0] > 128
    assert (width * height, red.sum()) == (60, 60)
    assert red[top : top + height, left : left + width].all()


@pytest.mark.parametrize("polygon", [False, True], ids=["box", "polygon"])
@pytest.mark.parametrize("size", [(40, 20), (24, 24)], ids=["wide", "square"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_labels_are_made_on_what_a_viewer_shows(tmp_path, orientation, size, polygon):
    folder = write_turned(tmp_path / "one", orientation, size, polygon)
    first = load_records(folder)
    assert_the_box_lies_on_the_red(first.records[0])
    if polygon:
        mask = decode_mask(first.records[0].masks[0], first.records[0], "")
        assert (mask == (read_image(first.records[0])[..., 0] > 128)).all()
    for target in ("coco", "voc", "yolo"):  # and stay where they are, in every format
        convert({"train": first}, target, tmp_path / target)
        place = tmp_path / target
        names = (place / "train.json", place / "images") if target == "coco" else (place,)
        assert_the_box_lies_on_the_red(load_records(*names).records[0])
    from_coco = load_records(tmp_path / "coco/train.json", tmp_path / "coco/images")
    convert({"train": from_coco}, "yolo", tmp_path / "back")
    assert_the_box_lies_on_the_red(load_records(tmp_path / "back").records[0])
    written = (tmp_path / "back/labels/train/a.txt").read_text().split()
    asked = (folder / "labels/train/a.txt").read_text().split()
    np.testing.assert_allclose(
        sorted(map(float, written)), sorted(map(float, asked)), rtol=1e-6, atol=1e-9
    )

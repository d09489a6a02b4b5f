"""Label maps from every kind of source, and what is said of broken ones."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from small_maps import label_map, write_mask_folder

from keras_effspine.data.class_alignment import align_classes
from keras_effspine.data.formats.label_names import read_category_names
from keras_effspine.data.loading import describe_records, load_records
from keras_effspine.data.sources import find_source
from keras_effspine.errors import DataError


@pytest.fixture
def folder(tmp_path):
    return write_mask_folder(tmp_path / "data")


def load(data, images=None, split=None):
    return load_records(data, images, split, labels=("semantic",))


def maps_of(record_set):
    return [record.semantic_map.read(record) for record in record_set.records]


# Folders of pictures and masks


def test_a_folder_of_images_and_masks_is_read_with_its_names(folder):
    found = load(folder)
    assert found.class_names == ("road", "car", "tree")
    assert [record.image_id for record in found.records] == ["0", "1", "2", "3"]
    assert "folder of label maps, 4 pictures of 3 classes" in describe_records(found)
    for index, labels in enumerate(maps_of(found)):
        assert labels.dtype == "uint8"
        np.testing.assert_array_equal(labels, label_map(index))


def test_masks_may_be_named_with_the_folder_of_their_pictures(folder):
    found = load(folder / "masks", folder / "images")
    np.testing.assert_array_equal(maps_of(found)[0], label_map(0))
    with pytest.raises(DataError, match=r"nowhere: there is no such image folder"):
        load(folder / "masks", folder / "nowhere")


def test_folders_inside_of_the_masks_are_parts(folder):
    for part in ("images", "masks"):
        for split, names in (("train", "012"), ("val", "3")):
            (folder / part / split).mkdir()
            for name in names:
                shutil.move(folder / part / f"{name}.png", folder / part / split)
    source = find_source(folder, labels=("semantic",))
    assert (source.splits, source.validation_split) == (("train", "val"), "val")
    assert len(load(folder).records) == 3
    assert [record.image_id for record in load(folder, split="val").records] == ["3"]


@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA", "P", "I;16", "I"])
def test_labels_are_read_however_grey_is_stored(folder, mode):
    path = folder / "masks/1.png"
    with Image.open(path) as image:
        grey = image.copy()
    if mode == "P":
        stored = grey.copy()
        stored.putpalette(bytes(range(256)) * 3)
    elif mode in ("I", "I;16"):
        stored = Image.fromarray(np.asarray(grey).astype("uint16"))
    else:
        stored = grey.convert(mode)
    stored.save(path)
    np.testing.assert_array_equal(maps_of(load(folder))[1], label_map(1))


@pytest.mark.parametrize("suffix", [".PNG", ".bmp", ".tif", ".TIFF", ".webp"])
def test_label_maps_may_have_another_suffix(folder, suffix):
    with Image.open(folder / "masks/1.png") as image:
        options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
        image.save(folder / f"masks/other{suffix}", **options)
    (folder / "masks/1.png").unlink()
    (folder / f"masks/other{suffix}").rename(folder / f"masks/1{suffix}")
    found = load(folder)
    assert found.problems == ()
    np.testing.assert_array_equal(maps_of(found)[1], label_map(1))


def test_a_label_map_that_is_a_jpeg_is_named_and_an_exact_one_preferred(folder):
    for index in (0, 1):
        with Image.open(folder / f"masks/{index}.png") as image:
            image.save(folder / f"masks/{index}.jpg")
    (folder / "masks/1.png").unlink()
    found = find_source(folder, labels=("semantic",)).load(None)
    assert [record.image_id for record in found.records] == ["0", "2", "3"]
    (problem,) = found.problems
    assert problem.kind == "label map is a JPEG, which does not keep labels"
    assert problem.where.endswith("masks/1.jpg, image 1")


def test_names_in_utf_16_are_read(folder):
    (folder / "classes.txt").write_text("road\nvoie ferr\u00e9e\ntree\n", encoding="utf-16")
    assert load(folder).class_names == ("road", "voie ferr\u00e9e", "tree")


def test_a_label_that_is_called_void_is_ignored(folder):
    (folder / "classes.txt").write_text("void\ncar\ntree\n")
    found = load(folder)
    assert (found.class_names, found.category_ids) == (("car", "tree"), (1, 2))
    wanted = np.array([255, 0, 1])[np.minimum(label_map(0), 2)]
    np.testing.assert_array_equal(maps_of(found)[0], np.where(label_map(0) == 255, 255, wanted))


def test_colours_are_labels_where_a_label_map_file_says_so(folder):
    (folder / "classes.txt").unlink()
    lines = "# label:color_rgb:parts:actions\nroad:0,0,0::\ncar:250,0,9::\ntree:0,7,0\nvoid:9,9,9"
    (folder / "labelmap.txt").write_text(lines)
    colours = np.zeros((256, 3), "uint8")
    colours[[1, 2, 255]] = [(250, 0, 9), (0, 7, 0), (9, 9, 9)]
    for index in range(4):
        Image.fromarray(colours[label_map(index)]).save(folder / f"masks/{index}.png")
    np.testing.assert_array_equal(maps_of(load(folder))[1], label_map(1))
    strange = np.array(Image.open(folder / "masks/2.png"))
    strange[5, 6] = (250, 0, 10)
    Image.fromarray(strange).save(folder / "masks/2.png")
    with pytest.raises(DataError, match=r"masks/2\.png: holds the colour \(250, 0, 10\)"):
        maps_of(load(folder))


def test_a_json_file_gives_ids_of_which_zero_is_not_labelled(folder):
    (folder / "classes.txt").unlink()
    content = {"categories": [{"id": 2, "name": "car"}, {"id": 1, "name": "road"}]}
    content["images"] = [{"id": 70, "file_name": "x/0.jpg", "width": 64, "height": 48}]
    (folder / "instances.json").write_text(json.dumps(content))
    found = load(folder)
    assert (found.class_names, found.category_ids) == (("road", "car"), (1, 2))
    assert found.records[0].image_id == 70
    wanted = np.array([255, 0, 1])[np.where(label_map(0) == 255, 0, label_map(0))]
    np.testing.assert_array_equal(maps_of(found)[0], wanted)


def test_cocos_things_bring_its_stuff(tmp_path):
    things = [i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
    names = {1: "person", 90: "toothbrush"}
    content = [{"id": i, "name": names.get(i, f"thing {i}")} for i in things]
    (tmp_path / "c.json").write_text(json.dumps(content))
    names = read_category_names(tmp_path / "c.json")
    assert len(names.class_names) == 133
    assert (names.class_names[-1], names.category_ids[-1]) == ("rug-merged", 200)


@pytest.mark.real_data
def test_cocos_semantic_maps_agree_with_its_instances(real_data):
    maps = load(real_data / "coco100")
    objects = load(real_data / "coco100/instances.json", real_data / "coco100/images")
    assert (len(maps.records), len(maps.class_names)) == (100, 133)
    assert maps.category_ids[:3] == (1, 2, 3)
    by_id = {record.image_id: record for record in maps.records}
    agreed = total = 0
    for record in objects.records[:20]:
        things = record.semantic_map.read(record)
        labels = by_id[record.image_id].semantic_map.read(by_id[record.image_id])
        names = np.array([*objects.class_names, "background"])[things]
        same = names == np.array([*maps.class_names, *[""] * 122, ""])[labels]
        known = (things > 0) & (labels != 255)
        agreed, total = agreed + same[known].sum(), total + known.sum()
    assert agreed / total > 0.9


# Pascal VOC and SBD


@pytest.fixture
def voc(tmp_path):
    """Pictures a to e: a and b in the list train, c in val; d has SBD's map alone; e has none."""
    for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation", "Annotations"):
        (tmp_path / part).mkdir(parents=True)
    for index, name in enumerate("abcde"):
        Image.new("RGB", (64, 48)).save(tmp_path / f"JPEGImages/{name}.jpg")
        if name in "abc":
            image = Image.fromarray(label_map(index))
            image.putpalette(bytes(range(256)) * 3)
            image.save(tmp_path / f"SegmentationClass/{name}.png")
    lists = tmp_path / "ImageSets/Segmentation"
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("c\n")
    return tmp_path


def test_a_voc_folder_is_read_by_its_lists_with_the_border_ignored(voc):
    found = load(voc, split="train")
    assert (len(found.class_names), found.class_names[0]) == (21, "background")
    assert find_source(voc, labels=("semantic",)).splits == ("train", "val")
    for index, labels in enumerate(maps_of(found)):
        np.testing.assert_array_equal(labels, label_map(index))
    with pytest.raises(DataError, match="no list 'trainaug'.*train, val"):
        load(voc, split="trainaug")


def test_without_a_task_for_maps_a_voc_folder_is_one_of_boxes(voc):
    assert find_source(voc).splits == ()


def test_sbds_maps_make_the_augmented_list(voc):
    io = pytest.importorskip("scipy.io")
    more = voc / "SegmentationClassAug"
    more.mkdir()
    for name, value in (("a", 9), ("c", 9), ("d", 7)):
        maps = np.full((48, 64), value, "uint8")
        io.savemat(more / f"{name}.mat", {"GTcls": {"Segmentation": maps, "CategoriesPresent": 7}})
    found = load(voc, split="trainaug")
    assert [record.image_id for record in found.records] == ["a", "b", "d"], "without val's c"
    first, _, last = maps_of(found)
    np.testing.assert_array_equal(first, label_map(0))  # VOC's own
    assert (last == 7).all()
    (more / "d.mat").write_bytes(b"no MATLAB file")
    with pytest.raises(DataError, match=r"d\.mat: holds no GTcls\.Segmentation"):
        maps_of(load(voc, split="trainaug"))


def test_a_list_of_augmented_pictures_is_taken_as_it_is(voc):
    (voc / "ImageSets/Segmentation/trainaug.txt").write_text("b\ne\n")
    found = load_records_unchecked(voc, "trainaug")
    assert [record.image_id for record in found.records] == ["b"]
    assert [problem.kind for problem in found.problems] == ["label map missing"]


def load_records_unchecked(data, split):
    return find_source(data, labels=("semantic",)).load(split)


# COCO's panoptic format


def test_a_panoptic_file_is_read_with_its_folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "pictures/7.jpg")
    (tmp_path / "panoptic").mkdir()
    segments = np.where(label_map(0) == 255, 0, label_map(0).astype(int) * 70_000 + 300)
    coded = np.stack([segments % 256, segments // 256 % 256, segments // 65536], -1)
    Image.fromarray(coded.astype("uint8")).save(tmp_path / "panoptic/7.png")
    infos = [{"id": k * 70_000 + 300, "category_id": (5, 9, 5)[k]} for k in range(3)]
    content = {
        "images": [{"id": 7, "file_name": "7.jpg", "width": 64, "height": 48}],
        "annotations": [{"image_id": 7, "file_name": "7.png", "segments_info": infos}],
        "categories": [{"id": 9, "name": "sky"}, {"id": 5, "name": "car"}],
    }
    file = tmp_path / "panoptic.json"
    file.write_text(json.dumps(content))
    found = load(file, tmp_path / "pictures")
    assert found.class_names == ("car", "sky")
    wanted = np.array([0, 1, 0, 255])[np.minimum(label_map(0), 3)]
    np.testing.assert_array_equal(maps_of(found)[0], wanted)
    turned = align_classes(found, ("sky", "car"))
    np.testing.assert_array_equal(
        maps_of(turned)[0], np.array([1, 0, 1, 255])[(wanted > 1) * 3 + (wanted == 1)]
    )
    del infos[2]
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"7\.png: holds the segment 140300, which its annotation"):
        maps_of(load(file, tmp_path / "pictures"))


# Objects


def test_objects_with_masks_become_maps_with_the_smaller_in_front(tmp_path):
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")

    def square(left, side, category, number, **more):
        corners = [left, 1, left + side, 1, left + side, 1 + side, left, 1 + side]
        return {
            "id": number, "image_id": 1, "category_id": category, "area": side * side,
            "bbox": [left, 1, side, side], "segmentation": [corners], **more,
        }  # fmt: skip

    annotations = [square(3, 2, 2, 1), square(1, 8, 1, 2), square(12, 4, 2, 3, segmentation=[])]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 10}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "plate"}, {"id": 2, "name": "pea"}],
    }
    file = tmp_path / "data.json"
    file.write_text(json.dumps(content))
    found = load(file, tmp_path)
    assert (found.class_names, found.category_ids) == (("background", "plate", "pea"), (0, 1, 2))
    (labels,) = maps_of(found)
    wanted = np.zeros((10, 20), "uint8")
    wanted[1:9, 1:9] = 1
    wanted[1:3, 3:5] = 2
    wanted[1:5, 12:16] = 255  # an object without a mask
    np.testing.assert_array_equal(labels, wanted)
    (again,) = maps_of(align_classes(found, ("pea", "background", "plate", "fork")))
    np.testing.assert_array_equal(
        again,
        np.array([1, 2, 0])[np.where(wanted == 255, 0, wanted)] * (wanted != 255)
        + 255 * (wanted == 255),
    )
    for annotation in annotations:
        annotation["segmentation"] = []
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"data\.json: has neither label maps nor objects with ma"):
        load(file, tmp_path)


def test_the_shapes_show_their_objects_to_the_pixel(small_shapes):
    found = load("shapes")
    assert found.class_names[:3] == ("background", "disc", "ring")
    for record, labels in zip(found.records, maps_of(found), strict=True):
        drawn = sum(record.areas)
        assert abs((labels > 0).sum() - drawn) <= 0.02 * drawn + 2


def test_other_classes_of_a_model_are_found_by_name(folder):
    aligned = align_classes(load(folder), ("tree", "sky", "road", "car"))
    wanted = np.array([2, 3, 0, 255])[np.minimum(label_map(0), 3)]
    np.testing.assert_array_equal(maps_of(aligned)[0], wanted)


# Mistakes


def test_a_mask_of_another_size_than_its_picture_is_named_before_training(folder):
    Image.fromarray(label_map(0)[:, :-1]).save(folder / "masks/2.png")
    with pytest.raises(DataError, match=r"images/2\.png.*64x48 instead of 63x48 of .*masks/2\.png"):
        load(folder)


def test_a_mask_whose_size_changed_since_is_named(folder):
    found = load(folder)
    Image.fromarray(label_map(0)[:, :-1]).save(folder / "masks/2.png")
    with pytest.raises(DataError, match=r"masks/2\.png: the label map has 63x48 pixels, its pict"):
        maps_of(found)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.full((48, 64), 3, "uint8"), r"the label 3, which is no class's; .* labels 0 to 2, 255"),
        (np.full((48, 64), 700, "uint16"), "the label 700, which is no class's"),
        (np.full((48, 64, 3), (9, 0, 0), "uint8"), r"in colours \(RGB\).*labelmap\.txt"),
    ],
)
def test_a_mask_that_says_nothing_known_is_named(folder, content, message):
    Image.fromarray(content).save(folder / "masks/1.png")
    with pytest.raises(DataError, match=rf"masks/1\.png: .*{message}"):
        maps_of(load(folder))


def test_a_mask_that_breaks_off_is_named(folder):
    content = (folder / "masks/1.png").read_bytes()
    (folder / "masks/1.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"masks/1\.png: not a readable label map"):
        maps_of(load(folder))


def test_missing_masks_and_pictures_are_listed(folder):
    (folder / "masks/0.png").unlink()
    (folder / "masks/extra.png").write_bytes((folder / "masks/1.png").read_bytes())
    found = find_source(folder, labels=("semantic",)).load(None)
    assert [(problem.kind, problem.action) for problem in found.problems] == [
        ("label map missing", "skipped"),
        ("label map without a picture", "skipped"),
    ]
    with pytest.raises(DataError, match=r"label map missing .*masks/0\.png"):
        load(folder)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("classes.txt", "", "names 0 classes"),
        ("classes.txt", "a\n\nb\n", "line 2 is empty"),
        ("classes.txt", "a\nb\na\n", "'a' stands there twice"),
        ("classes.txt", "\n".join(map(str, range(256))), "names 256 classes"),
        ("labelmap.txt", "a:1,2\n", "line 1: 'a:1,2' is no 'name:red,green,blue'"),
        ("labelmap.txt", "a:1,2,300\n", "values from 0 to 255"),
        ("labelmap.txt", "a:1,2,3\nb:1,2,3\n", r"\(1, 2, 3\) stands there twice"),
        ("c.json", '{"images": []}', "no list 'categories'"),
        ("c.json", '[{"id": 300, "name": "a"}]', "category 300 .* is not from 0 to 254"),
    ],
)
def test_names_that_make_no_sense_are_refused(folder, file, content, message):
    (folder / "classes.txt").unlink()
    (folder / file).write_text(content)
    with pytest.raises(DataError, match=rf"{file}.*{message}"):
        load(folder)


def test_a_folder_without_names_says_how_to_name_them(folder):
    (folder / "classes.txt").unlink()
    with pytest.raises(DataError, match=r"masks: no file names the classes.*classes\.txt"):
        load(folder)

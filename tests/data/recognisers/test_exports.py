"""What the tools that people annotate with export: recognised, or refused with what is missing."""

import json
import shutil

import pytest
from PIL import Image, ImageDraw

from keras_effspine.data.loading import describe_records, load_records
from keras_effspine.data.sources import find_source
from keras_effspine.errors import DataError

SIZE, BOX = (96, 64), (20, 12, 30, 18)
LINE = "0 0.364583 0.328125 0.3125 0.28125\n"
XML = (
    "<annotation><filename>{name}</filename><size><width>96</width><height>64</height></size>"
    "<object><name>cat</name><bndbox><xmin>20</xmin><ymin>12</ymin><xmax>50</xmax><ymax>30</ymax>"
    "</bndbox></object></annotation>"
)


def put(path, content=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")


def picture(path, seed=0):
    image = Image.new("RGB", SIZE, (seed, 90, 120))
    left, top, width, height = BOX
    ImageDraw.Draw(image).rectangle((left, top, left + width - 1, top + height - 1), (230, 40, 30))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def coco(*names):
    return {
        "categories": [{"id": 1, "name": "cat"}],
        "images": [
            {"id": i, "file_name": name, "width": 96, "height": 64} for i, name in enumerate(names)
        ],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": list(BOX), "area": 540, "iscrowd": 0}
            for i in range(len(names))
        ],
    }


def labelme(name, **changes):
    shape = {"label": "cat", "points": [[50, 30], [20, 12]], "shape_type": "rectangle"}
    return {
        **{"version": "5.4.1", "flags": {}, "shapes": [shape], "imagePath": name},
        **{"imageData": None, "imageHeight": 64, "imageWidth": 96, **changes},
    }


def via(*names, attribute="class"):
    shape = dict(zip(("x", "y", "width", "height"), BOX, strict=True), name="rect")
    region = {"shape_attributes": shape, "region_attributes": {attribute: "cat"}}
    return {
        f"{name}123": {
            **{"filename": name, "size": 123, "regions": [region], "file_attributes": {}}
        }
        for name in names
    }


def cvat_yolo_11(root):
    for i in range(3):
        picture(root / f"obj_train_data/a{i}.jpg", i)
        put(root / f"obj_train_data/a{i}.txt", LINE)
    put(root / "obj.names", "cat\ndog\n")
    put(root / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n")
    put(root / "train.txt", "".join(f"data/obj_train_data/a{i}.jpg\n" for i in range(3)))


def cvat_ultralytics(root):
    for i in range(3):
        picture(root / f"images/train/a{i}.jpg", i)
        put(root / f"labels/train/a{i}.txt", LINE)
    put(root / "data.yaml", "names:\n  0: cat\npath: .\ntrain: train.txt\n")
    put(root / "train.txt", "".join(f"data/images/train/a{i}.jpg\n" for i in range(3)))


def cvat_coco(root):
    for i in range(3):
        picture(root / f"images/default/a{i}.jpg", i)
    put(root / "annotations/instances_default.json", coco("a0.jpg", "a1.jpg", "a2.jpg"))


def cvat_voc(root):
    for i in range(3):
        picture(root / f"JPEGImages/day/a{i}.jpg", i)
        put(root / f"Annotations/day/a{i}.xml", XML.format(name=f"day/a{i}.jpg"))
    put(root / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:::\ncat:1,2,3::\n")
    put(root / "ImageSets/Main/default.txt", "day/a0\nday/a1\nday/a2\n")


def cvat_masks(root):
    for i in range(3):
        picture(root / f"JPEGImages/a{i}.jpg", i)
        (root / "SegmentationClass").mkdir(exist_ok=True)
        mask = Image.new("RGB", SIZE)
        mask.paste((250, 50, 83), (20, 12, 50, 30))
        mask.save(root / f"SegmentationClass/a{i}.png")
    put(root / "labelmap.txt", "# label:color_rgb\nbackground:0,0,0::\ncat:250,50,83::\n")
    put(root / "ImageSets/Segmentation/default.txt", "a0\na1\na2\n")


def label_studio_yolo(root):
    for i in range(3):
        picture(root / f"images/a{i}.jpg", i)
        put(root / f"labels/a{i}.txt", LINE)
    put(root / "classes.txt", "cat\n")
    put(root / "notes.json", {"categories": [{"id": 0, "name": "cat"}], "info": {}})


def label_studio_notes(root):
    label_studio_yolo(root)
    (root / "classes.txt").unlink()


def label_studio_coco(root):
    for i in range(3):
        picture(root / f"images/a{i}.jpg", i)
    content = coco("images/a0.jpg", "images/a1.jpg", "images\\a2.jpg".replace("\\", "/"))
    brush = {"size": [64, 96], "counts": [20 * 64 + 12, *[18, 46] * 29, 18, 46 * 64 - 12 + 34]}
    total = sum(brush["counts"])
    brush["counts"][-1] += 64 * 96 - total
    content["annotations"][0]["segmentation"] = brush
    put(root / "result.json", content)


def label_studio_voc(root):
    for i in range(3):
        picture(root / f"images/a{i}.jpg", i)
        put(root / f"Annotations/a{i}.xml", XML.format(name=f"a{i}"))


def roboflow_coco(root):
    for split in ("train", "valid", "test"):
        names = [f"{split}{i}.jpg" for i in range(3)]
        for i, name in enumerate(names):
            picture(root / split / name, i)
        put(root / split / "_annotations.coco.json", coco(*names))


def roboflow_yolo(root):
    for split in ("train", "valid"):
        for i in range(3):
            picture(root / split / f"images/a{i}.jpg", i)
            put(root / split / f"labels/a{i}.txt", LINE)
    put(
        root / "data.yaml",
        "train: ../train/images\nvalidation: ../valid/images\nnc: 1\nnames: ['cat']\n"
        "roboflow:\n  workspace: a\n",
    )


def roboflow_voc(root):
    for split in ("train", "valid"):
        for i in range(3):
            picture(root / split / f"a{i}.jpg", i)
            put(root / split / f"a{i}.xml", XML.format(name=f"a{i}.jpg"))


def labelimg_yolo(root):
    for i in range(3):
        picture(root / f"a{i}.jpg", i)
        put(root / f"a{i}.txt", LINE)
    put(root / "classes.txt", "cat\ndog\n")


def labelimg_voc(root):
    for i in range(3):
        picture(root / f"a{i}.jpg", i)
        put(root / f"a{i}.xml", XML.format(name=f"a{i}.jpg"))


def labelme_folder(root):
    for i in range(3):
        picture(root / f"a{i}.jpg", i)
        put(root / f"a{i}.json", labelme(f"..\\pictures\\a{i}.jpg"))


def labelme_parts(root):
    for split in ("Train", "VAL"):
        for i in range(3):
            picture(root / split / f"a{i}.jpg", i)
            put(root / split / f"a{i}.json", labelme(f"a{i}.jpg"))


def via_folder(root):
    names = [picture(root / f"a{i}.jpg", i).name for i in range(3)]
    put(root / "via_region_data.json", via(*names))


def via_project(root):
    names = [picture(root / f"images/a{i}.jpg", i).name for i in range(3)]
    content = {"_via_settings": {}, "_via_img_metadata": via(*names), "_via_attributes": {}}
    put(root / "via_project.json", content)


def balloons(root):
    for split in ("train", "val"):
        names = [picture(root / split / f"a{i}.jpg", i).name for i in range(3)]
        put(root / split / "via_region_data.json", via(*names, attribute="name"))


def cvat_images_xml(root):
    names = [picture(root / f"images/default/a{i}.jpg", i).name for i in range(3)]
    left, top, width, height = BOX
    shape = (
        f'<box label="cat" source="manual" occluded="0" xtl="{left}" ytl="{top}" '
        f'xbr="{left + width}" ybr="{top + height}" z_order="0"></box>'
    )
    label = "<label><name>{}</name><color>#fa3253</color><type>any</type></label>"
    labels = "".join(label.format(name) for name in ("cat", "dog"))
    images = "".join(
        f'<image id="{i}" name="{name}" subset="default" width="96" height="64">{shape}</image>'
        for i, name in enumerate(names)
    )
    meta = f"<meta><job><labels>{labels}</labels></job></meta>"
    put(
        root / "annotations.xml",
        f"<?xml version='1.0' encoding='utf-8'?><annotations><version>1.1</version>{meta}{images}"
        "</annotations>",
    )


def label_studio_json(root):
    tasks = []
    for i in range(3):
        picture(root / f"images/a{i}.jpg", i)
        percents = [100 * number / side for number, side in zip(BOX, SIZE * 2, strict=True)]
        value = dict(zip(("x", "y", "width", "height"), percents, strict=True))
        result = {
            "original_width": 96,
            "original_height": 64,
            "value": {**value, "rotation": 0, "rectanglelabels": ["cat"]},
            "id": "GfHzZjIm4K",
            "type": "rectanglelabels",
        }
        image = {"image": f"/data/upload/1/0f1e2d3c-a{i}.jpg"}
        annotations = [{"id": 1, "result": [result], "was_cancelled": False}]
        tasks.append({"id": i, "data": image, "annotations": annotations, "predictions": []})
    put(root / "project-1-at-2026-11-26.json", tasks)


EXPORTS = {
    cvat_images_xml: ("CVAT's XML", None),
    label_studio_json: ("Label Studio's JSON", None),
    cvat_yolo_11: ("YOLO data set", "train"),
    cvat_ultralytics: ("YOLO data set", "train"),
    cvat_coco: ("COCO JSON file", None),
    cvat_voc: ("Pascal VOC folder", "default"),
    label_studio_yolo: ("YOLO data set", "train"),
    label_studio_notes: ("YOLO data set", "train"),
    label_studio_coco: ("COCO JSON file", None),
    label_studio_voc: ("Pascal VOC folder", None),
    roboflow_coco: ("COCO JSON file", "train"),
    roboflow_yolo: ("YOLO data set", "train"),
    roboflow_voc: ("Pascal VOC folder", "train"),
    labelimg_yolo: ("YOLO data set", "train"),
    labelimg_voc: ("Pascal VOC folder", None),
    labelme_folder: ("folder of Labelme's JSON files", None),
    labelme_parts: ("folder of Labelme's JSON files", "train"),
    via_folder: ("VIA annotations", None),
    via_project: ("VIA annotations", None),
    balloons: ("VIA annotations", "train"),
}


@pytest.mark.parametrize("above", [False, True], ids=["root", "above"])
@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.__name__)
def test_the_export_of_a_tool_is_read_by_its_folder_and_by_the_one_above(tmp_path, export, above):
    root = tmp_path / "download/my export" if above else tmp_path
    export(root)
    picture(tmp_path / "__MACOSX/a.jpg")
    records = load_records(tmp_path / "download" if above else tmp_path)
    kind, split = EXPORTS[export]
    assert (records.format, records.split) == (kind, split)
    assert len(records.records) == 3
    assert records.class_names[0] == "cat"
    for record in records.records:
        assert record.path.is_file()
        assert record.boxes.round(3).tolist() == [list(map(float, BOX))]
        assert record.classes.tolist() == [0]
    assert {problem.kind for problem in records.problems} <= {"hidden folder"}
    assert f"{kind}, 3 pictures of" in describe_records(records)


@pytest.mark.parametrize("export", [roboflow_coco, roboflow_yolo, roboflow_voc, balloons])
def test_the_part_for_validation_is_found(tmp_path, export):
    export(tmp_path)
    split = find_source(tmp_path).validation_split
    assert split in ("val", "valid", "validation")
    assert len(load_records(tmp_path, split=split).records) == 3
    with pytest.raises(DataError, match="no split 'other'|no list 'other'"):
        load_records(tmp_path, split="other")


@pytest.mark.parametrize("labels", [("objects",), ("semantic",)])
def test_cvats_segmentation_masks_are_label_maps_whatever_the_task(tmp_path, labels):
    cvat_masks(tmp_path)
    records = load_records(tmp_path, labels=labels)
    assert records.format == "Pascal VOC folder with label maps"
    assert records.class_names == ("background", "cat")
    record = records.records[0]
    assert int((record.semantic_map.read(record) == 1).sum()) == BOX[2] * BOX[3]


def without(name):
    def export(root):
        label_studio_yolo(root)
        for file in ("classes.txt", "notes.json"):
            (root / file).unlink()

    return {"names": export}[name]


def cvat_video_xml(root):
    picture(root / "images/a.jpg")
    track = "<track id='0' label='cat'><box frame='0' xtl='1' ytl='1' xbr='9' ybr='9'/></track>"
    put(root / "annotations.xml", f"<?xml version='1.0'?><annotations>{track}</annotations>")


def via_3(root):
    picture(root / "a.jpg")
    put(root / "project.json", {"project": {}, "config": {}, "file": {}, "metadata": {}})


def flat_labels_without_names(root):
    labelimg_yolo(root)
    (root / "classes.txt").unlink()


def darknet_without_names(root):
    cvat_yolo_11(root)
    (root / "obj.names").unlink()


def parts_without_annotations(root):
    for split in ("train", "valid"):
        picture(root / split / "a.jpg")


def unknown_annotations(root):
    picture(root / "pictures/a.jpg")
    put(root / "marks/a.json", {"boxes": [[1, 2, 3, 4]]})


def several_coco_files(root):
    picture(root / "train/a.jpg")
    put(root / "train/one.json", coco("a.jpg"))
    put(root / "train/two.json", coco("a.jpg"))


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (without("names"), "nothing names the classes. Add a data.yaml, or a classes.txt"),
        (flat_labels_without_names, "nothing names the classes. Add a data.yaml, or a classes.txt"),
        (darknet_without_names, "obj.data: 'names = data/obj.names': there is no such file"),
        (cvat_video_xml, "annotations.xml: is CVAT's XML of a video; export the task as 'CVAT"),
        (via_3, "project.json: is a project of VIA 3, which is not read; export"),
        (parts_without_annotations, "holds parts (train, valid) with neither folders of classes"),
        (unknown_annotations, "is no folder of classes, for marks holds no pictures"),
        (several_coco_files, "train: holds several annotation files (one.json, two.json); name"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_export_that_lacks_something_or_is_not_read_is_refused_by_name(
    tmp_path, export, message
):
    export(tmp_path)
    with pytest.raises(DataError) as caught:
        load_records(tmp_path)
    assert message in str(caught.value)


def test_class_folders_stay_class_folders_whatever_lies_beside_them(tmp_path):
    for split in ("Train", "Validation"):
        for name in ("cat", "dog"):
            for i in range(3):
                picture(tmp_path / split / name / f"{i}.jpg", i)
        picture(tmp_path / split / "._x.jpg")
        picture(tmp_path / split / "stray.webp")
        put(tmp_path / split / "notes.txt", "labelled by hand")
    picture(tmp_path / "leftover/a.jpg")
    source = find_source(tmp_path)
    assert source.splits == ("train", "validation")
    assert source.validation_split == "validation"
    records = load_records(tmp_path)
    assert (len(records.records), records.class_names) == (6, ("cat", "dog"))
    assert sorted(problem.kind for problem in records.problems) == [
        *("folder beside those of the parts", "hidden file", "picture in no class's folder"),
    ]


def test_class_folders_one_folder_too_high_are_found_and_the_folder_is_said(tmp_path):
    for name in ("cat", "dog", "owl"):
        picture(tmp_path / "set/images" / name / "a.jpg")
    line = describe_records(load_records(tmp_path / "set"))
    assert line == f"{tmp_path}/set/images: folder for each class, 3 pictures of 3 classes"


def test_pascal_vocs_folders_are_read_as_such_whatever_json_lies_beside_them(tmp_path):
    cvat_voc(tmp_path)
    put(tmp_path / "train.json", coco("of_another_format.jpg"))
    assert "Pascal VOC" in describe_records(load_records(tmp_path))


def test_pictures_of_coco_files_are_found_in_a_folder_of_any_name(tmp_path):
    for split in ("train", "val"):
        put(tmp_path / f"{split}.json", coco(f"{split}.jpg"))
        picture(tmp_path / "Photographs" / f"{split}.jpg")
    (record,) = load_records(tmp_path, split="val").records
    assert record.path == tmp_path / "Photographs/val.jpg"


def test_a_folder_that_is_nothing_known_says_what_it_holds(tmp_path):
    picture(tmp_path / "a.jpg")
    put(tmp_path / "b.csv")
    with pytest.raises(DataError, match=r"\(holds 1 \.jpg, 1 \.csv\): not recognised; data must"):
        find_source(tmp_path)
    shutil.rmtree(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        find_source(tmp_path)


@pytest.mark.parametrize("name", ["a\0b", "a\0.json"])
def test_a_name_with_a_nul_character_is_refused_in_one_line(name):
    with pytest.raises(DataError, match="NUL character") as caught:
        find_source(name)
    assert "\n" not in str(caught.value)

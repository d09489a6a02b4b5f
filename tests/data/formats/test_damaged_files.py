"""Whatever bytes come, a reader gives records, counted problems, or one error of the package."""

import collections
import io
import itertools
import json
import os

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, mutated_file, mutated_json
from PIL import Image

from keras_effspine.data.loading import read_records
from keras_effspine.data.semantic_labels import decode_mask
from keras_effspine.data.semantic_map import IGNORED
from keras_effspine.errors import DataError, EffSpineError
from keras_effspine.inspection.image_check import check_images

EXAMPLES = settings(max_examples=int(os.environ.get("EFFSPINE_TEST_EXAMPLES", "50")), deadline=None)
"""How often a reader is asked; EFFSPINE_TEST_EXAMPLES=2000 looks longer."""

OUTCOMES = collections.Counter()
_FOLDERS = itertools.count()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    yield tmp_path_factory.mktemp("damaged")
    print(dict(OUTCOMES))


def encoded(format, mode="RGB", size=(40, 30)):
    pixels = np.random.default_rng(5).integers(0, 255, (size[1], size[0]), "uint8")
    image = Image.fromarray(pixels).convert(mode)
    content = io.BytesIO()
    image.save(content, format)
    return content.getvalue()


PNG = encoded("PNG")


def fresh(root, files):
    """A folder of these files, of which each reader finds every one as it is written here."""
    folder = root / str(next(_FOLDERS))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def judge(folder, *, labels=("objects",), objects=None, where=()):
    """Reads a folder and holds what comes of it against the promise.

    Args:
        folder: the data set.
        labels: as `find_source` takes them.
        objects: number of the objects of all pictures if none is lost; each that is lost must be
            named by a problem.
        where: words of which one must stand in the place of every problem.
    """
    try:
        records, _ = read_records(folder, labels=labels)
    except EffSpineError as error:
        message = str(error)
        assert 10 < len(message) < 4000
        OUTCOMES["refused"] += 1
        return None
    for record in records.records:
        assert record.path.resolve().is_relative_to(folder.resolve())
        assert record.width >= 1
        assert record.height >= 1
        count = len(record.boxes)
        assert record.boxes.shape == (count, 4)
        assert np.isfinite(record.boxes).all()
        assert (record.boxes[:, 2:] > 0).all()
        assert np.isfinite(record.areas).all()
        assert ((record.classes >= 0) & (record.classes < len(records.class_names))).all()
        assert (
            len({count, len(record.areas), len(record.is_crowd), len(record.masks) or count}) == 1
        )
        for mask in record.masks:
            if mask is not None:  # drawn in C, which nothing may lead astray
                assert decode_mask(mask, record, "").shape == (record.height, record.width)
    for problem in records.problems:
        assert problem.action in ("dropped", "clipped", "skipped", "left out")
        assert 0 < len(problem.kind) < 200
        assert problem.where
        assert any(word in problem.where for word in where), problem
    ids = [record.image_id for record in records.records]
    assert len(set(ids)) == len(ids)
    check_images(records.records)
    OUTCOMES["read with problems" if records.problems else "read"] += 1
    return records


@EXAMPLES
@given(content=mutated_bytes(b"0 0.5 0.5 0.4 0.4\n1 0.2 0.2 0.6 0.2 0.6 0.7\n1 0.5 0.5 0.1 0.1\n"))
def test_yolo_labels(root, content):
    files = {"images/a.png": PNG, "images/b.png": PNG, "labels/a.txt": content}
    folder = fresh(root, {**files, "data.yaml": b"train: images\nnames: [cat, dog]\n"})
    judge(folder, where=("a.txt",))


YAML = {"path": ".", "train": "images", "val": ["images/b.png"], "names": ["cat", "dog"], "nc": 2}


@EXAMPLES
@given(
    content=st.one_of(
        mutated_bytes(yaml.safe_dump(YAML).encode()),
        mutated_json(YAML).map(
            lambda one: yaml.safe_dump(one, allow_unicode=True).encode("utf-8", "replace")
        ),
    )
)
def test_yolo_descriptions(root, content):
    files = {"images/a.png": PNG, "images/b.png": PNG, "labels/a.txt": b"0 0.5 0.5 0.4 0.4\n"}
    judge(fresh(root, {**files, "data.yaml": content}), where=("a.", "b.", "images", "labels"))


@EXAMPLES
@given(data=st.data(), name=st.sampled_from(["obj.data", "obj.names", "train.txt"]))
def test_darknets_descriptions_and_lists(root, data, name):
    files = {
        "obj_train_data/a.png": PNG,
        "obj_train_data/a.txt": b"0 0.5 0.5 0.4 0.4\n",
        "obj.data": b"classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n",
        "obj.names": b"cat\ndog\n",
        "train.txt": b"data/obj_train_data/a.png\n",
    }
    files[name] = data.draw(mutated_bytes(files[name]))
    judge(fresh(root, files), where=("",))


XML = (
    b"<annotation><filename>a.png</filename><source><database>x</database></source>"
    b"<size><width>40</width><height>30</height><depth>3</depth></size>"
    b"<object><name>cat</name><difficult>0</difficult><bndbox><xmin>2</xmin><ymin>3</ymin>"
    b"<xmax>12</xmax><ymax>14</ymax></bndbox></object>"
    b"<object><name>dog</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>30</xmax><ymax>20</ymax>"
    b"</bndbox></object></annotation>"
)


@EXAMPLES
@given(content=mutated_bytes(XML))
def test_voc_annotations(root, content):
    files = {"Annotations/a.xml": content, "JPEGImages/a.png": PNG}
    good = XML.replace(b"a.png", b"b.png")
    folder = fresh(root, {**files, "Annotations/b.xml": good, "JPEGImages/b.png": PNG})
    records = judge(folder, where=("a.xml", "a.png"))
    # Objects that are still there in the bytes do not vanish without a word.
    if records is not None and content.count(b"<bndbox>") > 1 and b"<!--" not in content:
        named = sum("a.xml" in problem.where for problem in records.problems)
        kept = sum(len(record.boxes) for record in records.records if record.image_id == "a")
        assert kept + named > 0


@EXAMPLES
@given(data=st.data(), name=st.sampled_from(["labelmap.txt", "ImageSets/Main/train.txt"]))
def test_voc_lists_and_names(root, data, name):
    files = {
        **{"Annotations/a.xml": XML, "JPEGImages/a.png": PNG},
        "labelmap.txt": b"# label:color_rgb:parts:actions\nbackground:::\ncat:1,2,3::\ndog:::\n",
        "ImageSets/Main/train.txt": b"a\n",
    }
    files[name] = data.draw(mutated_bytes(files[name]))
    judge(fresh(root, files), where=("",))


@EXAMPLES
@given(
    data=st.data(),
    format=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"]),
    suffix=st.sampled_from([".png", ".jpg", ".tif", ".webp", ".avif", ".JFIF"]),
)
def test_pictures_in_class_folders(root, data, format, suffix):
    content = data.draw(mutated_bytes(encoded(format)))
    good = {f"{name}/{i}.png": PNG for name in ("cat", "dog") for i in range(6)}
    judge(fresh(root, {**good, f"cat/x{suffix}": content}), where=("cat",))


@EXAMPLES
@given(name=st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=20))
def test_names_in_class_folders(root, name):
    name = os.fsdecode(os.fsencode(name.encode("utf-8", "replace").decode()))
    good = {f"{one}/{i}.png": PNG for one in ("cat", "dog") for i in range(2)}
    if name not in (".", ".."):
        judge(fresh(root, {**good, f"cat/{name}": PNG, f"{name}x/a.png": PNG}), where=("",))


@EXAMPLES
@given(
    data=st.data(),
    mode=st.sampled_from(["L", "LA", "P", "RGB", "RGBA", "1", "I;16"]),
    format=st.sampled_from(["PNG", "TIFF", "BMP", "GIF"]),
    damage=st.booleans(),
)
def test_label_maps(root, data, mode, format, damage):
    try:
        content = encoded(format, mode)
    except (OSError, ValueError):
        content = encoded("PNG", "L")
    content = data.draw(mutated_bytes(content)) if damage else content
    suffix = {"PNG": "png", "TIFF": "tif", "BMP": "bmp", "GIF": "gif"}[format]
    good = io.BytesIO()
    Image.new("L", (40, 30), 1).save(good, "PNG")
    folder = fresh(
        root,
        {
            **{f"images/{i}.png": PNG for i in "ab"},
            **{"masks/a.png": good.getvalue(), f"masks/b.{suffix}": content},
            "classes.txt": b"background\ncat\n",
        },
    )
    records = judge(folder, labels=("semantic",), where=("a.", "b."))
    for record in () if records is None else records.records:
        try:
            labels = record.semantic_map.read(record)
        except DataError as error:
            assert str(record.semantic_map.path) in str(error)
        else:
            assert labels.shape == (record.height, record.width)
            assert set(np.unique(labels)) <= {0, 1, IGNORED}


COCO_NAMES = {"categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]}


@EXAMPLES
@given(data=st.data(), name=st.sampled_from(["classes.txt", "labelmap.txt", "names.json"]))
def test_names_of_label_maps(root, data, name):
    content = {
        "classes.txt": mutated_bytes(b"background\ncat\nvoid\n"),
        "labelmap.txt": mutated_bytes(b"# name:colour\nbackground:0,0,0::\ncat:9,9,9\n"),
        "names.json": mutated_file(COCO_NAMES),
    }[name]
    files = {"images/a.png": PNG, "masks/a.png": encoded("PNG", "L"), name: data.draw(content)}
    judge(fresh(root, files), labels=("semantic",), where=("a.",))


LABELME = {
    **{"version": "5", "flags": {}, "imagePath": "a.png", "imageData": None},
    **{"imageHeight": 30, "imageWidth": 40},
    "shapes": [
        {"label": "cat", "points": [[2, 3], [12, 14]], "shape_type": "rectangle", "flags": {}},
        {"label": "dog", "points": [[9, 9], [30, 9], [30, 20]], "shape_type": "polygon"},
        {"label": "dog", "points": [[20, 15], [25, 15]], "shape_type": "circle"},
    ],
}


@EXAMPLES
@given(content=mutated_file(LABELME))
def test_labelme(root, content):
    good = json.dumps(LABELME).replace("a.png", "c.png").encode()
    files = {"c.json": good, "b.json": content}
    judge(
        fresh(root, {**files, **{f"{name}.png": PNG for name in "abc"}}), where=("a.", "b.", "c.")
    )


VIA = {
    "a.png1": {
        "filename": "a.png",
        "size": 1,
        "regions": [
            {
                "shape_attributes": {"name": "rect", "x": 2, "y": 3, "width": 9, "height": 9},
                "region_attributes": {"class": "cat"},
            },
            {
                "shape_attributes": {
                    **{"name": "polygon", "all_points_x": [9, 30, 30]},
                    "all_points_y": [9, 9, 20],
                },
                "region_attributes": {"class": {"dog": True}},
            },
            {
                "shape_attributes": {
                    **{"name": "ellipse", "cx": 20, "cy": 15, "rx": 5, "ry": 3},
                    "theta": 0.5,
                },
                "region_attributes": {"class": "dog"},
            },
        ],
        "file_attributes": {},
    },
}


@EXAMPLES
@given(content=mutated_file(VIA))
def test_via(root, content):
    folder = fresh(root, {"via.json": content, "a.png": PNG, "b.png": PNG})
    judge(folder, where=("via.json", "a.png", "b.png"))


LABEL_STUDIO = [
    {
        "id": 1,
        "data": {"image": "/data/upload/1/0f1e2d3c-a.png"},
        "annotations": [
            {
                "was_cancelled": False,
                "result": [
                    {
                        **{"id": "a", "original_width": 40, "original_height": 30},
                        "value": {
                            **{"x": 5, "y": 10, "width": 20, "height": 30, "rotation": 10},
                            "rectanglelabels": ["cat"],
                        },
                    },
                    {
                        **{"id": "b", "original_width": 40, "original_height": 30},
                        "value": {
                            "points": [[10, 10], [50, 10], [50, 60]],
                            "polygonlabels": ["dog"],
                        },
                    },
                ],
            }
        ],
    },
    {"id": 2, "data": {"image": "/data/local-files/?d=in/b.png"}, "annotations": []},
]


@EXAMPLES
@given(content=mutated_file(LABEL_STUDIO))
def test_label_studio(root, content):
    folder = fresh(root, {"tasks.json": content, "a.png": PNG, "b.png": PNG})
    judge(folder, where=("tasks.json", "a.png", "b.png"))


CVAT = b"""<?xml version="1.0" encoding="utf-8"?>
<annotations><meta><task><labels><label><name>cat</name></label></labels></task></meta>
<image id="0" name="a.png" width="40" height="30">
<box label="cat" occluded="1" xtl="2.5" ytl="3" xbr="20" ybr="20" rotation="10.0"></box>
<polygon label="dog" points="1.0,2.0;10.5,2.0;10.5,9.0"><attribute name="n">3</attribute></polygon>
<mask label="cat" rle="1, 3, 2, 2, 1" left="4" top="5" width="3" height="3"></mask>
<ellipse label="cat" cx="20" cy="15" rx="5" ry="3"></ellipse>
</image>
<image id="1" name="b.png" width="40" height="30"></image>
</annotations>"""


@EXAMPLES
@given(content=mutated_bytes(CVAT))
def test_cvat(root, content):
    folder = fresh(root, {"annotations.xml": content, "a.png": PNG, "b.png": PNG})
    judge(folder, where=("annotations.xml", "a.png", "b.png"))

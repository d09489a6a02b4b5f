"""Models of all tasks leave for all formats, and what is written does what they do."""

import json
import sys
import zipfile

import keras
import numpy as np
import pytest
from model_cases import CASES

from keras_effspine.errors import ExportError, ModelFileError
from keras_effspine.exporting import export as exporting
from keras_effspine.exporting.formats import FORMATS
from keras_effspine.runners.metadata import ENTRY
from keras_effspine.runners.model_file import ModelFile

pytestmark = pytest.mark.integration


def expected_of(case, images):
    changes = {} if case in ("classification", "segmentation") else {"bounding_box_format": "xyxy"}
    model = CASES[case].build(**changes)
    if case == "segmentation":
        model = keras.Model(model.inputs, model.coarse_logits)
    return model.predict(images, verbose=0)


def assert_predicts(file, case, images):
    found, expected = ModelFile(file).predict(images), expected_of(case, images)
    if case == "detection":
        return assert_same_detections(found, expected)
    keras.tree.map_structure(
        lambda x, y: np.testing.assert_allclose(x, y, atol=1e-2, rtol=1e-3), found, expected
    )


def assert_same_detections(found, expected):
    """But for their order: runtimes sum differently, and nearly equal scores change places."""
    np.testing.assert_allclose(found["confidence"], expected["confidence"], atol=1e-5)
    np.testing.assert_array_equal(found["num_detections"], expected["num_detections"])
    for number, count in enumerate(expected["num_detections"]):
        rows, wanted = (
            np.column_stack(
                [x["boxes"][number], 1e3 * x["classes"][number], 1e3 * x["confidence"][number]]
            )[:count]
            for x in (found, expected)
        )
        near = abs(rows[:, None] - wanted[None]).max(axis=-1) < 2e-2
        assert near.any(axis=0).all() and near.any(axis=1).all()


@pytest.mark.parametrize("format", FORMATS)
def test_a_detector_predicts_the_same_in_every_format(exported, images, format):
    file, done = exported("detection", format)
    assert done.compared.difference < 1e-4
    assert done.operations[1] < done.operations[0]
    assert_predicts(file, "detection", images)


@pytest.mark.parametrize("case", ["classification", "segmentation"])
@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_other_tasks_predict_the_same(exported, images, case, format):
    assert_predicts(exported(case, format)[0], case, images)


@pytest.mark.parametrize("format", ["litert", "onnx", "saved_model"])
def test_boxes_can_be_decoded_in_the_graph(exported, images, format):
    file, _ = exported("detection", format, decode=True)
    assert set(ModelFile(file).run(images)) == {
        *("boxes", "confidence", "classes", "num_detections")
    }
    assert_predicts(file, "detection", images)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["litert", "saved_model"])
def test_instances_are_decoded_in_the_graph(exported, images, format):
    assert_predicts(exported("instances", format)[0], "instances", images)


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_any_number_of_pictures_may_come_at_a_time(exported, images, format):
    file, _ = exported("classification", format, batch_size=None)
    assert ModelFile(file).metadata.batch_size is None
    assert_predicts(file, "classification", images)


def test_a_frame_is_letterboxed_in_the_graph(exported):
    file, _ = exported("classification", "litert", frame_size=(90, 160))
    framed, plain = ModelFile(file), ModelFile(exported("classification", "litert")[0])
    image = np.random.default_rng(0).integers(0, 255, (90, 160, 3)).astype("uint8")
    np.testing.assert_allclose(framed(image)["scores"], plain(image)["scores"], atol=1e-2)
    assert framed(image[:50])["scores"].shape == (3,)  # another picture is fitted into the frame


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_int8_and_float16_are_near(exported, images, format):
    file, _ = exported("segmentation", format)
    whole = ModelFile(file).predict(images)
    for precision, most in (("float16", 0.02), ("int8", 0.3)):
        smaller, _ = exported("segmentation", format, precision=precision)
        found = ModelFile(smaller)
        assert found.metadata.precision == precision
        error = abs(found.predict(images) - whole).max() / abs(whole).max()
        assert 0 < error < most


def test_the_file_alone_says_all_of_itself(exported):
    file, _ = exported("detection", "litert")
    model = ModelFile(file)
    assert (model.metadata.task, model.class_names) == ("detection", ("a", "b", "c"))
    assert model.metadata.suppression.score_threshold == 0.01
    with zipfile.ZipFile(file) as archive:
        assert archive.read("labels.txt").decode() == "a\nb\nc\n"
        assert json.loads(archive.read(ENTRY))["image_size"] == 64
    content = file.read_bytes()
    assert b"TFLITE_METADATA" in content
    assert b"M001" in content  # LiteRT's own


def test_android_finds_the_labels_of_the_classes(exported):
    """The metadata are parsed by the numbers of LiteRT's schema, not by the code that wrote."""
    from flatbuffers import number_types, table
    from tensorflow.lite.tools import flatbuffer_utils

    file, _ = exported("detection", "litert", decode=True)
    parsed = flatbuffer_utils.convert_bytearray_to_object(bytearray(file.read_bytes()))
    (entry,) = (one for one in parsed.metadata if one.name == b"TFLITE_METADATA")
    data = bytearray(bytes(parsed.buffers[entry.buffer].data))
    root = table.Table(data, int.from_bytes(data[:4], "little"))

    def vector(of, field):
        place = of.Offset(4 + 2 * field)
        count = of.VectorLen(place)
        start = of.Vector(place)
        return [table.Table(data, of.Indirect(start + 4 * i)) for i in range(count)]

    def text(of, field):
        return of.String(of.Pos + of.Offset(4 + 2 * field)).decode()

    (subgraph,) = vector(root, 3)
    outputs = {text(one, 0): one for one in vector(subgraph, 3)}
    (labels,) = vector(outputs["classes"], 6)
    assert text(labels, 0) == "labels.txt"
    kind = labels.Get(number_types.Int8Flags, labels.Pos + labels.Offset(8))
    assert kind == 3  # TENSOR_VALUE_LABELS
    (given,) = vector(subgraph, 2)
    assert text(given, 0) == "images"


def test_onnx_and_saved_models_bring_their_metadata_in_their_own_way(exported):
    import onnx

    file, _ = exported("detection", "onnx")
    properties = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert properties["labels"] == "a\nb\nc"
    assert json.loads(properties[ENTRY])["task"] == "detection"
    folder, _ = exported("detection", "saved_model")
    assert json.loads((folder / "assets" / ENTRY).read_text())["class_names"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "coreml"}, "there are litert, onnx, openvino, saved_model"),
        ({"precision": "int4"}, "there are float32, float16, int8"),
        ({"precision": "int8"}, "needs representative pictures"),
        ({"format": "saved_model", "precision": "float16"}, "is written in float32 alone"),
        ({"format": "onnx"}, r"ends in \.onnx"),
        ({"task": "classification", "decode": True}, "leave --decode out"),
        ({"class_names": None}, "name the task, the class names"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(tmp_path, options, message):
    arguments = {"task": "detection", "class_names": ("a", "b", "c"), "image_size": 64, **options}
    case = arguments["task"]
    with pytest.raises(ExportError, match=message) as raised:
        exporting.export(CASES[case].build(), tmp_path / "m.tflite", **arguments)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["other", "nan", "worse"])
def test_a_file_that_is_not_as_good_is_not_kept(tmp_path, monkeypatch, handful, fault):
    run = ModelFile.run

    def damaged(self, images):
        found = run(self, images)
        return {k: x * np.nan if fault == "nan" else x + 0.3 for k, x in found.items()}

    options = {}
    if fault == "worse":
        options = {"precision": "int8", "pictures": handful.records, "measured_on": handful.records}
        monkeypatch.setattr(exporting, "measure_both", refuse)
    else:
        monkeypatch.setattr(ModelFile, "run", damaged)
    with pytest.raises(ExportError, match="not kept|not finite"):
        exporting.export(
            CASES["classification"].build(),
            tmp_path / "m.tflite",
            task="classification",
            class_names=("a", "b", "c"),
            image_size=64,
            **options,
        )
    assert list(tmp_path.iterdir()) == []


def refuse(*arguments):
    raise ExportError("It is not kept.")


def test_a_converter_that_is_missing_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ModelFileError, match=r"pip install 'keras-effspine\[onnx\]'"):
        exporting.export(
            CASES["classification"].build(),
            tmp_path / "m.onnx",
            format="onnx",
            task="classification",
            class_names=("a", "b", "c"),
            image_size=64,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_detector_with_a_decoder_of_its_own_leaves_with_it_in_the_graph(tmp_path):
    from keras_effspine.models.multi_class_non_max_suppression import MultiClassNonMaxSuppression

    class Own(MultiClassNonMaxSuppression):
        pass

    model = CASES["detection"].build(prediction_decoder=Own("xywh", from_logits=True))
    with pytest.raises(ExportError, match="--decode"):
        exporting.export(
            model,
            tmp_path / "m.tflite",
            task="detection",
            class_names=("a", "b", "c"),
            image_size=64,
        )

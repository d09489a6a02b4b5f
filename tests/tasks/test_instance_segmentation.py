"""Instance segmentation as a task: labels, outputs in the picture's own pixels, all verbs."""

import dataclasses
import json

import numpy as np
import pytest
from model_cases import CASES, TinyBackbone
from PIL import Image
from pycocotools.coco import COCO
from small_data import small_record_set

import keras_effspine
from keras_effspine.data.formats.coco_saving import save_coco
from keras_effspine.data.mask_crops import CROP_SIZE, crop_masks
from keras_effspine.data.run_lengths import decoded
from keras_effspine.errors import DataError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.stream.augmentation import Augmentation, CommonAugmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.stream.placement import letterbox, place_boxes, scale_of
from keras_effspine.tasks.instance_segmentation import InstanceOptions, InstanceSegmentation
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe
from keras_effspine.training.train import train

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("eager_steps")]

TASK = InstanceSegmentation()
OPTIONS = {"num_proposals": 20, "sampled_regions": 16, "canonical_size": 56.0}


@pytest.fixture
def tiny(monkeypatch):
    """Recipes make models on a backbone of seven convolutions."""
    monkeypatch.setattr(
        "keras_effspine.tasks.backbone.build_backbone", lambda recipe, start: TinyBackbone()
    )


def recipe_for(data, **changes):
    values = {
        "task": "instance_segmentation",
        "data": data,
        "image_size": 64,
        "batch_size": 2,
        "steps": 4,
        "evaluations": 2,
        "optimization": Optimization(learning_rate=1e-3),
        "augmentation": CommonAugmentation(scale_jitter=(0.9, 1.1)),
        "options": OPTIONS,
    }
    return Recipe(**{**values, **changes})


def predict_truth(records, canvas=256, most=20):
    """What a perfect model would return for letterboxed pictures, and their scales."""
    predictions = {
        "boxes": np.full((len(records), most, 4), -1.0, "float32"),
        "classes": np.full((len(records), most), -1.0, "float32"),
        "confidence": np.full((len(records), most), -1.0, "float32"),
        "masks": np.zeros((len(records), most, 28, 28), "float32"),
        "num_detections": np.zeros(len(records), "int32"),
    }
    scales = []
    for row, record in enumerate(records):
        boxes = record.boxes.astype("float32")
        boxes[:, 2:] += boxes[:, :2]
        crops, errors = crop_masks(record, boxes)
        assert not errors
        placement = letterbox([record.height, record.width], (canvas, canvas))
        count = len(boxes)
        predictions["boxes"][row, :count] = place_boxes(boxes, placement)
        predictions["classes"][row, :count] = record.classes
        predictions["confidence"][row, :count] = 0.9
        small = crops.reshape(count, 28, 4, 28, 4).mean((2, 4))
        predictions["masks"][row, :count] = small
        predictions["num_detections"][row] = count
        scales.append(scale_of(placement).numpy())
    return predictions, np.array(scales)


def test_masks_of_the_network_come_back_to_the_pixels_of_the_picture(handful):
    records = [record for record in handful.records.records if len(record.boxes)]
    outputs = TASK.outputs(*predict_truth(records), records)
    for record, output in zip(records, outputs, strict=True):
        truth = TASK.truth(record)
        np.testing.assert_allclose(output.boxes, truth.boxes, atol=0.01)
        for one, other, box in zip(output.masks, truth.masks, truth.boxes, strict=True):
            found, wanted = decoded(one), decoded(other)
            assert found.shape == (record.height, record.width)
            # 28 places a side: of a thin outline more is lost.
            smallest = 0.9 if box[2:].min() > 20 else 0.6
            assert (found & wanted).sum() > smallest * (found | wanted).sum()
        assert not output.is_cut


def test_the_measure_of_masks_from_28_places_is_near_one(handful):
    records = handful.records.records
    evaluator = TASK.evaluator(handful.records)
    for record, output in zip(records, TASK.outputs(*predict_truth(records), records), strict=True):
        evaluator.add(record, output)
    metrics = evaluator.result().metrics
    assert metrics["box_AP"] == pytest.approx(1.0)
    assert metrics["mask_AP50"] > 0.95 and metrics["mask_AP"] > 0.75


def test_a_mask_fills_the_box_that_was_predicted_where_it_ends_beyond_the_picture(handful):
    record = dataclasses.replace(handful.records.records[0], width=100, height=80)
    predictions, _ = predict_truth([dataclasses.replace(record, boxes=np.zeros((0, 4)))])
    predictions["boxes"][0, 0] = [-50, 20, 50, 60]
    predictions["masks"][0, 0, :, 14:] = 1.0  # the half that lies on the picture
    predictions["classes"][0, 0], predictions["num_detections"][0] = 0, 1
    (output,) = TASK.outputs(predictions, np.ones((1, 2)), [record])
    np.testing.assert_array_equal(output.boxes, [[0, 20, 50, 40]])
    assert decoded(output.masks[0]).sum() == 50 * 40


def test_as_many_objects_as_the_model_gives_are_said_to_be_cut(handful):
    record = max(handful.records.records, key=lambda one: len(one.boxes))
    count = len(record.boxes)
    (cut,) = TASK.outputs(*predict_truth([record], most=count), [record])
    (whole,) = TASK.outputs(*predict_truth([record], most=count + 1), [record])
    assert (cut.is_cut, whole.is_cut) == (True, False)


def test_labels_have_fixed_shapes_and_padding_holds_nothing(handful):
    fields = TASK.batch_fields(handful.records)
    most = max(int((~r.is_crowd).sum()) for r in handful.records.records)
    batches = training_batches(
        handful.records,
        ImageDecoder(handful.records),
        fields,
        64,
        4,
        seed=0,
        augmentation=Augmentation(mosaic=0.0),
        labels=TASK.labels,
    )
    _, labels = batches.element_spec
    assert labels["boxes"].shape == (4, most, 4)
    assert labels["masks"].shape == (4, most, CROP_SIZE, CROP_SIZE)
    _, labels = next(batches.as_numpy_iterator())
    padding = labels["classes"] < 0
    assert padding.any() and not padding.all()
    assert labels["masks"].dtype == "uint8"
    assert not labels["masks"][padding].any()
    assert labels["masks"][~padding].any((1, 2)).all()


def test_data_without_masks_to_learn_from_are_refused(tmp_path):
    record_set = small_record_set(tmp_path)
    TASK.check(record_set)
    boxes = tuple(dataclasses.replace(r, masks=()) for r in record_set.records)
    crowds = tuple(
        dataclasses.replace(r, is_crowd=np.ones(len(r.boxes), bool)) for r in record_set.records
    )
    for records in (boxes, crowds):
        with pytest.raises(DataError, match="small: no object has a mask to learn from"):
            TASK.check(dataclasses.replace(record_set, records=records))
    assert TASK.is_annotated(record_set.records[0])
    assert not TASK.is_annotated(boxes[0])


def test_a_run_leaves_masks_that_cocos_own_tools_read(tiny, handful, tmp_path):
    data = Data(data=str(handful.file), images=str(handful.images))
    recipe = recipe_for(data, options={**OPTIONS, "max_detections": 3})
    folder, result = train(recipe, tmp_path / "run", report=print, verbose=0)
    assert {"mask_AP", "box_AP"} <= set(result.metrics)
    metrics = json.loads((folder.path / "metrics.json").read_text())["result"]
    assert metrics["mask_AP"] == result.metrics["mask_AP"]
    with Image.open(folder.path / "examples.png") as image:
        assert min(image.size) > 400
    found = json.loads((folder.path / "predictions.json").read_text())
    coco = COCO(str(handful.file))
    assert found and len(coco.loadRes(found).anns) == len(found)
    sizes = {r.image_id: (r.height, r.width) for r in handful.records.records}
    assert all(coco.annToMask(one).shape == sizes[one["image_id"]] for one in found)
    model = keras_effspine.load_model(folder.path)
    assert type(model) is keras_effspine.MaskRCNN
    assert (model.max_detections, model.canonical_size) == (3, 56.0)


@pytest.fixture
def run(tiny, handful, once):
    """A run of four steps, in which all regions of any score are objects."""
    data = Data(data=str(handful.file), images=str(handful.images))
    return once("instances", lambda folder: train(recipe_for(data), folder, verbose=0)[0])


def test_every_verb_of_the_command_line_knows_it(
    run, handful, effspine, tmp_path, monkeypatch, small_shapes
):
    monkeypatch.chdir(tmp_path)

    def runs(*arguments):
        ended = effspine(*arguments)
        assert (ended.status, ended.err) == (0, ""), arguments
        return ended.out

    data = ["--data", handful.file, "--images", handful.images]
    measured = runs("evaluate", run.path, *data, "--out", "measured.json")
    assert "Masks" in measured and "Boxes" in measured
    assert "mask_AP" in json.loads((tmp_path / "measured.json").read_text())["result"]
    runs("predict", run.path, handful.images, "--out", "drawn", "--min-score", "0.01")
    names = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert names == [*(f"{n:06d}.png" for n in range(1, 5)), "predictions.json"]
    found = json.loads((tmp_path / "drawn/predictions.json").read_text())
    assert all({"bbox", "score", "segmentation"} <= set(one) for one in found)
    checked = runs("data", "check", *data, "--task", "instance_segmentation", "--out", "g.png")
    assert "objects by pyramid level" in checked
    profiled = runs("profile", "--preset", "m0", "--task", "instance_segmentation")
    assert "m0, instance_segmentation of 90 classes at 256 px" in profiled


def test_it_takes_the_backbone_of_a_detection_run_and_all_of_its_own(tmp_path):
    detector = CASES["detection"].build()
    detector.save_to_preset(tmp_path / "boxes")
    start = find_pretrained(tmp_path / "boxes")
    recipe = recipe_for(Data(data="shapes"), preset=str(tmp_path / "boxes"))
    model = TASK.build_model(recipe, ("a", "b", "c"), start)
    transfer = start.hand_over(model, ("a", "b", "c"))
    anew = {layer.name.split("_")[0] for layer in transfer.anew}
    assert anew == {"rpn", "box", "mask"}
    ours, theirs = ({w.path: np.array(w) for w in m.weights} for m in (model, detector))
    for weight in detector.backbone.weights:
        np.testing.assert_array_equal(ours[weight.path], theirs[weight.path])

    mine = CASES["instances"].build(rpn_layers=2)
    mine.save_to_preset(tmp_path / "masks")
    start = find_pretrained(tmp_path / "masks")
    other = TASK.build_model(recipe, ("a", "b", "c", "d"), start)
    assert (other.rpn_layers, other.dense_width) == (2, 8)
    transfer = start.hand_over(other, ("a", "b", "c", "d"))
    assert {layer.name for layer in transfer.anew} == set(
        keras_effspine.MaskRCNN.class_prediction_layers
    )


def test_presets_of_backbones_make_models_of_any_size():
    model = keras_effspine.MaskRCNN.from_preset(
        "m0", num_classes=3, bounding_box_format="xywh", load_weights=False
    )
    assert model.dense_width == 256
    assert {"m0", "m1", "m2", "d0", "d1", "d2"} <= set(keras_effspine.MaskRCNN.presets)


def test_a_run_in_bfloat16_keeps_its_weights_in_float32(tiny, handful, tmp_path):
    data = Data(data=str(handful.file), images=str(handful.images))
    recipe = recipe_for(data, precision="bfloat16", image_size=128, steps=2, evaluations=1)
    folder, result = train(recipe, tmp_path / "run", verbose=0)
    model = keras_effspine.load_model(folder.path, last=True)
    assert model.get_layer("box_head").get_layer("box_head_dense").compute_dtype == "bfloat16"
    assert {w.dtype for w in model.trainable_variables} == {"float32"}
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert result.metrics["mask_AP"] is not None


def test_pictures_with_crowds_alone_and_without_objects_train(tiny, tmp_path):
    record_set = small_record_set(tmp_path / "images")
    records = tuple(
        dataclasses.replace(r, is_crowd=np.ones(len(r.boxes), bool)) if place else r
        for place, r in enumerate(record_set.records)
    )
    save_coco(dataclasses.replace(record_set, records=records), tmp_path / "crowds.json")
    data = Data(data=str(tmp_path / "crowds.json"), images=str(tmp_path / "images"))
    folder, result = train(recipe_for(data, evaluations=1), tmp_path / "run", verbose=0)
    model = keras_effspine.load_model(folder.path, last=True)
    assert int(model.optimizer.iterations) == 4
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert result.masks.crowds == 4


def test_options_out_of_range_are_refused():
    for wrong in ({"sampled_regions": 3}, {"num_proposals": 0}, {"canonical_size": 0.0}):
        with pytest.raises(ValueError, match="greater than"):
            InstanceOptions(**wrong)

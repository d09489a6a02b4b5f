"""RetinaNet: construction, loss, training, predictions, files."""

import pathlib

import keras
import keras_cv
import numpy as np
import pytest
import tensorflow as tf
from keras_cv.src.models.object_detection.retinanet import (
    FeaturePyramid,
    PredictionHead,
)
from keras_cv.src.models.object_detection.retinanet import (
    RetinaNetLabelEncoder as KerasCVLabelEncoder,
)
from keras_cv.src.utils.preset_utils import save_to_preset
from model_cases import CASES
from model_tester import ModelTester

from keras_effspine import RetinaNet, load_model
from keras_effspine.models.retinanet_label_encoder import RetinaNetLabelEncoder

pytestmark = pytest.mark.integration

LOSSES = {"classification_loss": "focal", "box_loss": "smoothl1"}


class TestRetinaNet(ModelTester):
    """The tests of all task models."""

    case = CASES["detection"]


def compiled(model, **arguments):
    model.compile(**{"optimizer": keras.optimizers.SGD(0.01, momentum=0.9), **LOSSES, **arguments})
    return model


@pytest.fixture(scope="module")
def detector(tiny_detector):
    """A compiled detector for tests that do not mind how far it is trained."""
    return compiled(tiny_detector())


@pytest.fixture
def eager_detector(tiny_detector):
    """A detector for data that it refuses: a step that fails while it is traced spoils `fit`."""
    return compiled(tiny_detector(), run_eagerly=True)


def loss_of(model, images, labels):
    """The losses of a batch, computed eagerly by `compute_loss`."""
    outputs = model(images, training=False)
    return float(model.compute_loss(images, labels, outputs))


def dataset(images, labels):
    return tf.data.Dataset.from_tensors((images, labels))


def ragged(labels):
    rows = [row >= 0 for row in labels["classes"]]
    return {
        name: tf.RaggedTensor.from_row_lengths(
            np.concatenate([v[r] for v, r in zip(value, rows, strict=True)]),
            [r.sum() for r in rows],
        )
        for name, value in labels.items()
    }


# Construction


def test_a_preset_gives_a_detector_that_trains_and_predicts(batch):
    model = RetinaNet.from_preset("m0", num_classes=3, bounding_box_format="xywh")
    model.compile(optimizer="sgd", **LOSSES, run_eagerly=True)
    history = model.fit(*batch, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    predictions = model.predict(batch[0], verbose=0)
    assert predictions["boxes"].shape == (2, 100, 4)
    assert predictions["confidence"].shape == predictions["classes"].shape == (2, 100)
    assert predictions["num_detections"].shape == (2,)


def test_it_gives_a_row_for_each_anchor_at_any_size(tiny_detector):
    model = tiny_detector()
    for height, width in ((64, 64), (100, 75), (96, 128)):
        images = np.zeros((1, height, width, 3), "float32")
        outputs = model(images)
        anchors = sum(9 * -(-height // 2**level) * -(-width // 2**level) for level in range(3, 8))
        generated = model.anchor_generator(image_shape=images.shape[1:])
        assert sum(len(a) for a in generated.values()) == anchors
        assert outputs["box"].shape == (1, anchors, 4)
        assert outputs["classification"].shape == (1, anchors, 3)


def test_first_scores_lie_near_the_prior(tiny_detector, batch):
    scores = keras.ops.sigmoid(tiny_detector()(batch[0])["classification"])
    np.testing.assert_allclose(scores, 0.01, atol=0.005)


def test_it_accepts_anchors_of_ones_own(tiny_detector, batch):
    generator = keras_cv.layers.AnchorGenerator(
        "xyxy", sizes=[16, 32, 64, 128, 256], scales=[1.0], aspect_ratios=[0.5, 2.0],
        strides=[8, 16, 32, 64, 128],
    )  # fmt: skip
    model = compiled(tiny_detector(anchor_generator=generator))
    assert model(batch[0])["box"].shape == (2, 2 * (64 + 16 + 4 + 1 + 1), 4)
    assert np.isfinite(loss_of(model, *batch))
    copy = RetinaNet.from_config(model.get_config())
    assert copy(batch[0])["box"].shape == model(batch[0])["box"].shape


def test_it_accepts_heads_of_ones_own(tiny_detector, batch, tmp_path):
    heads = {
        "classification_head": PredictionHead(27, keras.initializers.Zeros(), num_conv_layers=1),
        "box_head": keras.layers.Conv2D(36, 3, padding="same"),
    }
    model = tiny_detector(**heads)
    assert not [layer for layer in model.layers if "_head_layer" in layer.name]
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    for ours, theirs in zip(loaded(batch[0]).values(), model(batch[0]).values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_classes_and_boxes_may_be_predicted_from_one_subnet(tiny_detector, batch):
    model = tiny_detector(shared_subnet=True, head_layers=2)
    names = {
        layer.name.partition("_layer")[0] for layer in model.layers if "head_layer" in layer.name
    }
    assert names == {"shared_head"}
    weights = model.get_layer("shared_head_layer1_conv").weights
    outputs = []
    for _ in range(2):
        outputs.append(model(batch[0]))
        weights[0].assign(weights[0] * 2.0)
    for name in ("box", "classification"):
        assert np.abs(outputs[0][name] - outputs[1][name]).max() > 0, name


def test_ssdlite_predicts_at_levels_of_any_width(batch):
    widths = {"P4": 8, "P5": 4, "P6": 16, "P7": 8, "P8": 4, "P9": 4}
    model = RetinaNet(backbone_with(widths), 3, "xywh", predictor="ssdlite")
    outputs = model(batch[0])
    # Strides count from 2 in this backbone; a picture of 512 px has as many places at stride 16.
    places = sum((64 // 2**n) ** 2 for n in range(1, 7))
    assert outputs["box"].shape == (2, 6 * places, 4)
    assert model.get_layer("box_head_p6_prediction").kernel.shape == (1, 1, 16, 24)
    anchors = model.anchor_generator(image_shape=(512, 512, 3))
    assert sum(len(level) for level in anchors.values()) == 6 * places


def test_keras_cvs_feature_pyramid_makes_any_backbone_do(tiny_detector, batch, tmp_path):
    model = tiny_detector(feature_pyramid=FeaturePyramid())
    assert model.get_layer("box_head_layer1_conv").filters == 256
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert isinstance(loaded.feature_pyramid, FeaturePyramid)
    for ours, theirs in zip(loaded(batch[0]).values(), model(batch[0]).values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_format_of_a_label_encoder_may_differ_from_the_models(tiny_detector, batch):
    encoder = RetinaNetLabelEncoder("rel_yxyx", RetinaNet.default_anchor_generator("rel_yxyx"))
    model, other = compiled(tiny_detector()), compiled(tiny_detector(label_encoder=encoder))
    assert loss_of(other, *batch) == pytest.approx(loss_of(model, *batch), rel=1e-5)
    for ours, theirs in zip(
        other.decode_predictions(other(batch[0]), batch[0]).values(),
        model.decode_predictions(model(batch[0]), batch[0]).values(),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-2)


def test_keras_cvs_label_encoder_works_too(tiny_detector, batch):
    encoder = KerasCVLabelEncoder("xywh", RetinaNet.default_anchor_generator("xywh"))
    assert np.isfinite(loss_of(compiled(tiny_detector(label_encoder=encoder)), *batch))


def backbone_with(levels):
    inputs = keras.Input((64, 64, 3))
    x, names = inputs, {}
    for level, width in levels.items():
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", name=level.lower())(x)
        names[level] = level.lower()
    backbone = keras.Model(inputs, x)
    backbone.pyramid_level_inputs = names
    return backbone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        (
            {"bounding_box_format": "xyhw"},
            "must be one of xyxy, .* rel_xywh. Received: bounding_box_format='xyhw'",
        ),
        ({"bounding_box_format": None}, "Received: bounding_box_format=None"),
        (
            {"backbone": backbone_with({"P3": 8, "P4": 8, "P5": 8})},
            "The backbone has no level P6, P7.*pass `feature_pyramid`",
        ),
        (
            {"backbone": backbone_with({"P3": 8, "P4": 8, "P5": 16, "P6": 8, "P7": 8})},
            "P3 to P7 must have one width.*'P5': 16",
        ),
        (
            {"feature_pyramid": lambda maps: [maps["P3"], maps["P4"]]},
            "must return a list of 5 maps.*2 maps",
        ),
        ({"feature_pyramid": lambda maps: maps}, "must return a list of 5 maps"),
        (
            {
                "anchor_generator": keras_cv.layers.AnchorGenerator(
                    "xywh", sizes=[32, 64], scales=[1], aspect_ratios=[1], strides=[8, 16]
                )
            },
            "must have 5 levels",
        ),
        (
            {
                "anchor_generator": RetinaNet.default_anchor_generator("xywh"),
                "label_encoder": RetinaNetLabelEncoder(
                    "xywh", RetinaNet.default_anchor_generator("xywh")
                ),
            },
            "not both",
        ),
        ({"predictor": "yolo"}, "`predictor` must be one of retinanet, ssdlite. Received"),
        ({"predictor": "ssdlite"}, "no level P8, P9. Use a backbone with P4 to P9"),
    ],
    ids=[
        *("classes", "format", "no format", "levels", "widths"),
        *("two maps", "a dictionary", "anchors", "both", "predictor", "of SSDLite"),
    ],
)
def test_a_bad_argument_is_named(tiny_detector, arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_detector(**arguments)


# Presets


def test_its_presets_are_those_of_the_backbone():
    assert {"m0", "d2", "sp_efficientnet_b0"} <= set(RetinaNet.presets)
    assert set(RetinaNet.presets_with_weights) == {
        "m0_cifar10",
        "m0_tiny_imagenet",
        "m1_bccd",
    }


def test_an_unknown_preset_is_refused_with_the_names_of_the_known():
    with pytest.raises(ValueError, match="Unknown preset 'd9'. Known presets: n0, n1, m0"):
        RetinaNet.from_preset("d9", num_classes=3, bounding_box_format="xywh")


@pytest.mark.parametrize("as_path", [str, pathlib.Path])
def test_a_detector_comes_back_from_its_preset_folder(tiny_detector, batch, tmp_path, as_path):
    model = tiny_detector()
    save_to_preset(model, str(tmp_path / "mine"))
    loaded = RetinaNet.from_preset(as_path(tmp_path / "mine"))
    assert (loaded.num_classes, loaded.bounding_box_format) == (3, "xywh")
    np.testing.assert_array_equal(loaded(batch[0])["box"], model(batch[0])["box"])


def test_a_preset_folder_of_a_backbone_gives_new_subnets(tiny_backbone, tmp_path):
    backbone = tiny_backbone()
    save_to_preset(backbone, str(tmp_path / "mine"))
    model = RetinaNet.from_preset(
        str(tmp_path / "mine"),
        input_shape=(64, 96, 3),
        num_classes=5,
        bounding_box_format="xyxy",
    )
    assert model.input_shape == (None, 64, 96, 3)
    assert model.num_classes == 5
    np.testing.assert_array_equal(
        model.get_layer("level7").get_weights()[0], backbone.get_layer("level7").get_weights()[0]
    )


# Loss


def test_the_loss_is_keras_cvs_with_each_box_matched(detector, batch):
    """Focal loss over all anchors but the ignored, by the number of positive anchors."""
    images, labels = batch
    outputs = {name: np.asarray(v, "float64") for name, v in detector(images).items()}
    boxes, classes = (np.asarray(t) for t in detector.label_encoder(images, labels))
    positive = classes >= 0
    truth = np.eye(3)[np.maximum(classes, 0).astype(int)] * positive[..., None]
    p = 1 / (1 + np.exp(-outputs["classification"]))
    focal = np.where(truth == 1, 0.25 * (1 - p) ** 2 * -np.log(p), 0.75 * p**2 * -np.log(1 - p))
    difference = np.abs(outputs["box"] - boxes)
    smooth = np.where(difference < 1, difference**2 / 2, difference - 0.5).mean(-1)
    expected = focal[classes != -2].sum() + smooth[positive].sum()
    assert loss_of(detector, images, labels) == pytest.approx(expected / positive.sum(), rel=1e-4)


def test_losses_that_are_not_named_are_retinanets_own(tiny_detector):
    model, named = tiny_detector(), tiny_detector()
    model.compile(optimizer="sgd")
    named.compile(optimizer="sgd", **LOSSES)
    for loss in ("box_loss", "classification_loss"):
        one, other = getattr(model, loss), getattr(named, loss)
        assert type(one) is type(other)
        assert {**one.get_config(), "name": ""} == {**other.get_config(), "name": ""}


def test_pictures_without_boxes_train_as_background(tiny_detector, batch):
    images, _ = batch
    padded = {"boxes": -np.ones((2, 3, 4)), "classes": -np.ones((2, 3))}
    none = {"boxes": np.zeros((2, 0, 4)), "classes": np.zeros((2, 0))}
    model = compiled(tiny_detector(), run_eagerly=True)
    for labels in (padded, none):
        history = model.fit(images, labels, verbose=0).history
        assert history["classification_loss"][0] > 0
        assert history["box_loss"][0] == 0


def test_ragged_boxes_train_like_padded_ones(tiny_detector, batch):
    images, labels = batch
    losses = []
    for data in (
        dataset(images, labels),
        dataset(images, ragged(labels)),
        tf.data.Dataset.from_tensors({"images": images, "bounding_boxes": labels}),
        tf.data.Dataset.from_tensors({"images": images, "bounding_boxes": ragged(labels)}),
    ):
        model = compiled(tiny_detector(), run_eagerly=True)
        losses.append(model.fit(data, verbose=0, epochs=2).history["loss"])
    np.testing.assert_allclose(losses, [losses[0]] * 4, rtol=1e-5)


def test_integer_labels_are_labels(detector, batch):
    images, labels = batch
    integers = {name: value.astype("int64") for name, value in labels.items()}
    assert loss_of(detector, images, integers) == pytest.approx(loss_of(detector, images, labels))


def test_sample_weights_are_refused(eager_detector, batch):
    with pytest.raises(ValueError, match="Detectors take no sample weights"):
        eager_detector.fit(*batch, sample_weight=np.ones(2), verbose=0)


@pytest.mark.parametrize("labels", [np.zeros((2, 1)), {"boxes": np.zeros((2, 1, 4))}])
def test_labels_that_are_no_boxes_are_refused(eager_detector, batch, labels):
    with pytest.raises(ValueError, match="Labels must be a dictionary with 'boxes'"):
        eager_detector.fit(batch[0], labels, verbose=0)


def test_a_data_set_of_unknown_size_is_refused(tiny_detector, batch):
    images, labels = batch
    data = tf.data.Dataset.from_generator(
        lambda: iter([(images, labels)]),
        output_signature=(
            tf.TensorSpec((None, None, None, 3)),
            {"boxes": tf.TensorSpec((None, None, 4)), "classes": tf.TensorSpec((None, None))},
        ),
    )
    with pytest.raises(ValueError, match="Anchors need pictures of a known size"):
        compiled(tiny_detector()).fit(data, verbose=0)


def test_keras_cvs_other_losses_work(tiny_detector, batch):
    model = compiled(
        tiny_detector(),
        box_loss="huber",
        classification_loss=keras_cv.losses.FocalLoss(from_logits=True, reduction="sum"),
    )
    assert np.isfinite(loss_of(model, *batch))


@pytest.mark.parametrize(
    "arguments",
    [
        {"classification_loss": keras_cv.losses.FocalLoss(from_logits=False)},
        {"box_loss": "l7"},
        {"loss": "mse"},
    ],
    ids=["a loss of probabilities", "an unknown name", "one loss for both"],
)
def test_losses_that_keras_cv_refuses_are_refused(tiny_detector, arguments):
    with pytest.raises(ValueError):
        compiled(tiny_detector(), **arguments)


# Training


def test_evaluate_gives_the_losses_and_the_share_of_matched_boxes(detector, batch):
    results = detector.evaluate(*batch, verbose=0, return_dict=True)
    assert set(results) == {"loss", "box_loss", "classification_loss", "boxes_matched"}
    assert results["loss"] == pytest.approx(
        results["box_loss"] + results["classification_loss"], rel=1e-5
    )


def test_keras_cvs_metrics_measure_its_detections(tiny_detector, batch):
    metric = keras_cv.metrics.BoxCOCOMetrics("xywh", evaluate_freq=1)
    model = compiled(tiny_detector(), metrics=[metric], run_eagerly=True)
    results = model.evaluate(*batch, verbose=0, return_dict=True)
    assert 0 <= results["MaP"] <= 1


def test_xla_is_asked_for_only_by_the_user(tiny_detector, monkeypatch):
    """keras-cv's metrics cannot be compiled; Keras would compile on a machine with a GPU."""
    monkeypatch.setattr(keras.Model, "_resolve_auto_jit_compile", lambda self: True)
    assert not tiny_detector().jit_compile
    assert not compiled(tiny_detector()).jit_compile
    assert compiled(tiny_detector(), jit_compile=True).jit_compile


# Predictions


def test_it_predicts_without_being_compiled(tiny_detector, batch):
    predictions = tiny_detector().predict(batch[0], verbose=0)
    assert set(predictions) == {"boxes", "confidence", "classes", "num_detections"}


def test_predict_reads_batches_with_labels_too(detector, batch):
    images, labels = batch
    expected = detector.predict(images, verbose=0)
    for data in (
        dataset(images, labels),
        tf.data.Dataset.from_tensors({"images": images, "bounding_boxes": labels}),
    ):
        np.testing.assert_array_equal(detector.predict(data, verbose=0)["boxes"], expected["boxes"])


def test_xla_predicts_the_same_detections(detector, tiny_detector, batch):
    expected = detector.decode_predictions(detector(batch[0]), batch[0])
    model = tiny_detector()
    model.set_weights(detector.get_weights())
    found = compiled(model, jit_compile=True).predict(batch[0], verbose=0)
    assert (found["num_detections"] > 0).all()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-3, err_msg=name)


# Files


def test_a_schedule_of_learning_rates_survives_a_file(tiny_detector, batch, tmp_path):
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 100)
    model = compiled(tiny_detector(), optimizer=keras.optimizers.AdamW(schedule, clipnorm=1.0))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()

"""MaskRCNN: construction, losses, training on all kinds of pictures, predictions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from model_cases import CASES, IMAGES, TinyBackbone
from model_tester import ModelTester

from keras_effspine import MaskRCNN

pytestmark = pytest.mark.integration


class TestMaskRCNN(ModelTester):
    """The tests of all task models."""

    case = CASES["instances"]


small, LABELS = CASES["instances"].build, CASES["instances"].labels
LOSSES = ("rpn_objectness", "rpn_box", "classification", "box", "mask")


@pytest.fixture(scope="module")
def model():
    model = small()
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    return model


def training_outputs(model, labels=LABELS):
    inputs, _, _ = model._checked_batch((IMAGES, labels))
    outputs = model(inputs, training=False)
    return keras.tree.map_structure(np.asarray, outputs), outputs


def huber(true, predicted, delta):
    error = np.abs(predicted - true)
    inner = np.minimum(error, delta)
    return (0.5 * inner**2 + delta * (error - inner)).mean(-1)


def cross_entropy(true, logits):
    """Of yes and no, from logits."""
    return np.maximum(logits, 0) - logits * true + np.log1p(np.exp(-np.abs(logits)))


def soft_max_cross_entropy(true, logits):
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -np.take_along_axis(logs, true[..., None], -1)[..., 0]


# Construction


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"max_detections": 0}, "`max_detections` must be at least 1"),
        ({"num_proposals": 0}, "`num_proposals` must be at least 1"),
        ({"sampled_anchors": 1}, "`sampled_anchors` must be at least 2"),
        ({"sampled_regions": 3}, "`sampled_regions` must be at least 4"),
        ({"bounding_box_format": "xyz"}, "`bounding_box_format` must be one of xyxy"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


def test_an_argument_that_it_has_not_is_refused():
    with pytest.raises(TypeError, match="no argument 'num_class'; did you mean num_classes"):
        small(num_class=3)


@pytest.mark.parametrize(("width", "units"), [(8, 256), (104, 256), (112, 512)])
def test_the_dense_layer_is_as_wide_as_the_papers(width, units):
    model = small(backbone=TinyBackbone(width=width), dense_width=None)
    assert model.dense_width == units
    assert model.get_layer("box_head").get_layer("box_head_dense").units == units


def test_a_backbone_without_the_levels_is_refused():
    images = keras.Input((64, 64, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(8, 3, 8, "same", name="c")(images))
    backbone.pyramid_level_inputs = {"P3": "c"}
    with pytest.raises(ValueError, match="The backbone has no level P4, P5, P6, P7"):
        MaskRCNN(backbone, 3, "xywh")


def test_losses_and_metrics_of_ones_own_are_refused():
    for arguments in ({"loss": "mse"}, {"metrics": ["accuracy"]}):
        with pytest.raises(ValueError, match="Mask R-CNN has losses of its own"):
            small().compile(**arguments)


# Losses


def test_each_loss_is_the_mean_over_what_is_learnt_from(model):
    found, outputs = training_outputs(model)
    values = {
        "rpn_objectness": lambda t, p: cross_entropy(t, p)[..., 0],
        "rpn_box": lambda t, p: huber(t, p, 1 / 9),
        "classification": soft_max_cross_entropy,
        "box": lambda t, p: huber(t, p, 1.0),
        "mask": lambda t, p: cross_entropy(t, p).mean((-2, -1)),
    }
    total = 0.0
    for name in LOSSES:
        true, predicted, weight = (found[name][k] for k in ("true", "predicted", "weight"))
        assert weight.sum() > 0, name
        predicted = predicted.astype("float64")
        total += (values[name](true, predicted) * weight).sum() / weight.sum()
    x, y, _ = model._checked_batch((IMAGES, LABELS))
    loss = float(model.compute_loss(x, y, outputs))
    assert loss == pytest.approx(total, rel=1e-5)


def test_weights_of_losses_count(model):
    _, outputs = training_outputs(model)
    x, y, _ = model._checked_batch((IMAGES, LABELS))
    parts = {}
    for name in LOSSES:
        other = small()
        other.compile(loss_weights={one: float(one == name) for one in LOSSES})
        parts[name] = float(other.compute_loss(x, y, outputs))
    assert float(model.compute_loss(x, y, outputs)) == pytest.approx(sum(parts.values()), rel=1e-5)
    assert min(parts.values()) > 0


def test_classes_are_learnt_beside_a_background_that_labels_do_not_count(model):
    found, _ = training_outputs(model)
    classes, foreground = found["classification"]["true"], found["box"]["weight"] == 1
    assert found["classification"]["predicted"].shape[-1] == 4
    assert set(classes[foreground]) <= {1 + c for c in LABELS["classes"].ravel() if c >= 0}
    assert (classes[~foreground] == 0).all()
    assert not foreground[3].any()  # the picture without objects


def test_a_mask_that_is_not_known_is_not_learnt(model):
    unknown = {**LABELS, "masks": np.full_like(LABELS["masks"], 255)}
    found, outputs = training_outputs(model, unknown)
    assert found["mask"]["weight"].sum() == 0
    assert found["box"]["weight"].sum() > 0
    x, y, _ = model._checked_batch((IMAGES, unknown))
    assert np.isfinite(float(model.compute_loss(x, y, outputs)))


# Training


ROUGH = {
    "without objects": [[-1, -1, -1, -1]],
    "of one pixel": [[20, 20, 1, 1]],
    "slender": [[0, 30, 64, 0.01]],
    "the whole picture": [[0, 0, 64, 64]],
    "out of the picture": [[50, 50, 40, 40]],
}


def test_rough_boxes_train_without_a_nan():
    model = small()
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    for name, boxes in ROUGH.items():
        boxes = np.array([boxes] * 2, "float32")
        classes = np.where(boxes[..., 2] < 0, -1, 1).astype("float32")
        labels = {"boxes": boxes, "classes": classes, "masks": np.ones((2, 1, 16, 16), "uint8")}
        losses = model.train_on_batch(IMAGES[:2], labels, return_dict=True)
        assert np.isfinite(list(losses.values())).all(), name
    # What the checks refuse where they look does no harm where they do not.
    model._looks_at_values = False
    labels["boxes"] = np.full((2, 1, 4), 10.0, "float32") * [1, 1, 0, 1]
    losses = keras.Model.train_on_batch(model, IMAGES[:2], labels, return_dict=True)
    assert np.isfinite(list(losses.values())).all()
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_xla_compiles_the_step_and_the_prediction():
    model = small()
    expected = model.predict(IMAGES[:2], verbose=0)
    labels = {name: values[:2] for name, values in LABELS.items()}
    model.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=True)
    losses = model.train_on_batch(IMAGES[:2], labels, return_dict=True)
    assert np.isfinite(list(losses.values())).all()
    found = small()
    found.compile(jit_compile=True)
    found = found.predict(IMAGES[:2], verbose=0)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": None}, "Labels must have 'masks'"),
        ({"masks": np.ones((4, 2, 16, 16), "uint8")}, "one for each box"),
        ({"masks": np.full((4, 3, 16, 16), 7, "uint8")}, "Masks must be 1 on their object"),
        ({"classes": LABELS["classes"] + 3}, "Class ids must be whole numbers from 0 to 2"),
        ({"boxes": LABELS["boxes"] * [1, 1, 0, 1]}, "Boxes must have an area"),
    ],
)
def test_labels_that_make_no_sense_are_refused(model, change, message):
    labels = {name: x for name, x in {**LABELS, **change}.items() if x is not None}
    with pytest.raises(ValueError, match=message):
        model.fit(IMAGES, labels, verbose=0)


# Predictions


def test_predictions_are_in_the_models_format_and_padded(model):
    found = model.predict(IMAGES, verbose=0)
    other = small(bounding_box_format="rel_yxyx")
    relative = other.predict(IMAGES, verbose=0)
    assert found["boxes"].shape == (4, 100, 4)
    assert found["masks"].shape == (4, 100, 28, 28)
    assert 0 <= found["masks"].min() and found["masks"].max() <= 1
    for row, count in enumerate(found["num_detections"]):
        assert 0 < count
        x, y, width, height = found["boxes"][row, :count].T
        expected = np.stack([y, x, y + height, x + width], axis=-1) / 64
        np.testing.assert_allclose(relative["boxes"][row, :count], expected, atol=1e-5)
        assert (found["boxes"][row, count:] == -1).all()
        assert set(found["classes"][row, :count]) <= {0, 1, 2}


def test_pictures_must_be_of_a_known_size(model):
    pictures = tf.data.Dataset.from_generator(
        lambda: iter([(IMAGES, LABELS)]),
        output_signature=(
            tf.TensorSpec((None, None, None, 3)),
            {
                "boxes": tf.TensorSpec((None, None, 4)),
                "classes": tf.TensorSpec((None, None)),
                "masks": tf.TensorSpec((None, None, 16, 16), "uint8"),
            },
        ),
    )
    with pytest.raises(ValueError, match="Anchors need pictures of a known size"):
        model.fit(pictures, verbose=0)

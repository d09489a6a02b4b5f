"""RetinaNet under mixed precision."""

import keras
import numpy as np
import pytest
from keras_cv.src.models.object_detection.retinanet import (
    RetinaNetLabelEncoder as KerasCVLabelEncoder,
)

from keras_effspine import RetinaNet
from keras_effspine.models.dtype_policies import dtype_policy_scope
from keras_effspine.models.retinanet_label_encoder import RetinaNetLabelEncoder

pytestmark = pytest.mark.integration

LOSSES = {"classification_loss": "focal", "box_loss": "smoothl1"}
POLICIES = ("mixed_bfloat16", "mixed_float16")


@pytest.fixture(scope="module")
def batch(batch):
    """At 128 px: of a strided convolution on a map of one pixel, which 64 px have at the top level,
    oneDNN's gradient in bfloat16 is garbage."""
    images, labels = batch
    return images.repeat(2, axis=1).repeat(2, axis=2), labels


@pytest.fixture(scope="module", params=POLICIES)
def trained(request, tiny_detector, batch):
    """Policy, a detector trained for three steps under it, weights before, and the losses."""
    with dtype_policy_scope(request.param):
        model = tiny_detector()
    model.compile(optimizer=keras.optimizers.AdamW(1e-3, global_clipnorm=10.0), **LOSSES)
    before = [v.numpy() for v in model.trainable_variables]
    losses = model.fit(*batch, epochs=3, verbose=0).history["loss"]
    return request.param, model, before, losses


def random_labels(images, boxes, size, seed):
    """Boxes of all sizes, xyxy; some rows are padding."""
    random = np.random.default_rng(seed)
    low = random.uniform(0, size - 4, (images, boxes, 2))
    extent = np.exp(random.uniform(np.log(4), np.log(size), (images, boxes, 2)))
    labels = {
        "boxes": np.concatenate([low, np.minimum(low + extent, size)], -1).astype("float32"),
        "classes": random.integers(0, 3, (images, boxes)).astype("float32"),
    }
    labels["classes"][:, boxes - seed % boxes :] = -1
    return labels


def test_training_moves_finite_weights_and_lowers_the_loss(trained):
    policy, model, before, losses = trained
    assert model.get_layer("box_head_layer1_conv").compute_dtype == policy.removeprefix("mixed_")
    after = [v.numpy() for v in model.trainable_variables]
    assert all(v.dtype == "float32" and np.isfinite(v).all() for v in after)
    moved = [(old != new).any() for old, new in zip(before, after, strict=True)]
    assert np.mean(moved) > 0.8
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_the_first_loss_is_near_that_of_float32(trained, tiny_detector, batch):
    model = tiny_detector()
    model.compile(optimizer="sgd", **LOSSES)
    expected = float(model.compute_loss(*batch, model(batch[0], training=True)))
    assert trained[-1][0] == pytest.approx(expected, rel=0.02)


def test_in_float16_the_loss_is_scaled_and_in_bfloat16_it_is_not(trained):
    policy, model, _, _ = trained
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    assert int(model.optimizer.iterations) == 3


def test_a_step_whose_gradients_overflow_is_left_out(tiny_detector, batch):
    with dtype_policy_scope("mixed_float16"):
        model = tiny_detector()
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.01), initial_scale=2.0**60
    )
    model.compile(optimizer=optimizer, **LOSSES, run_eagerly=True)
    before = [v.numpy() for v in model.trainable_variables]
    model.fit(*batch, verbose=0)
    for old, new in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(new, old)
    assert float(optimizer.dynamic_scale) == 2.0**59


def test_evaluation_and_prediction_work_and_give_float32(trained, batch):
    _, model, _, _ = trained
    results = model.evaluate(*batch, verbose=0, return_dict=True)
    assert all(np.isfinite(value) for value in results.values())
    assert all(x.dtype == "float32" for x in model(batch[0]).values())
    predictions = model.predict(batch[0], verbose=0)
    assert predictions["boxes"].dtype == predictions["confidence"].dtype == "float32"


@pytest.mark.parametrize("policy", POLICIES)
def test_no_label_differs_at_640_px(policy):
    def encoder():
        return RetinaNetLabelEncoder("xyxy", RetinaNet.default_anchor_generator("xyxy"))

    with dtype_policy_scope(policy):
        mixed = encoder()
    for seed in range(3):
        labels = random_labels(2, 24, 640, seed)
        images = np.zeros((2, 640, 640, 3), "float32")
        expected = encoder()(images, labels)
        assert (np.asarray(expected[1]) >= 0).sum() > 100
        seen = keras.ops.cast(images, policy.removeprefix("mixed_"))
        for ours, theirs in zip(mixed(seen, labels), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_with_the_encoder_of_keras_cv_labels_would_differ():
    """The defect that the own encoder's float32 is there for: Keras casts the boxes."""

    def classes(policy):
        with dtype_policy_scope(policy):
            encoder = KerasCVLabelEncoder("xyxy", RetinaNet.default_anchor_generator("xyxy"))
        labels = random_labels(2, 24, 640, 1)
        images = keras.ops.zeros((2, 640, 640, 3))
        return np.asarray(encoder(images, labels)[1], "float32")

    assert (classes("mixed_bfloat16") != classes("float32")).sum() > 10


@pytest.mark.parametrize("policy", POLICIES)
def test_decoding_is_that_of_float32(policy, tiny_detector, batch):
    with dtype_policy_scope(policy):
        mixed = tiny_detector()
        outputs = mixed(batch[0])
        ours = mixed.decode_predictions(outputs, batch[0])
    theirs = tiny_detector().decode_predictions(outputs, batch[0])
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_a_backbone_comes_back_from_its_config_in_its_precision(small_eff_spinenet):
    with dtype_policy_scope("mixed_bfloat16"):
        backbone = small_eff_spinenet()
    copy = type(backbone).from_config(backbone.get_config())
    assert copy.get_layer("stem_conv").compute_dtype == "bfloat16"
    assert copy.get_config() == backbone.get_config()


def test_a_float32_model_takes_on_the_precision_that_it_is_loaded_under(small_eff_spinenet):
    backbone = small_eff_spinenet()
    assert "dtype" not in backbone.get_config()
    with dtype_policy_scope("mixed_bfloat16"):
        copy = type(backbone).from_config(backbone.get_config())
    assert copy.get_layer("stem_conv").compute_dtype == "bfloat16"

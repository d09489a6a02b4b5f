"""Weights of classes in the losses of all tasks; on replicas, `test_models_elsewhere.py`."""

import keras
import numpy as np
import pytest
from model_cases import CASES, IMAGES

from keras_effspine import load_model
from keras_effspine.models.class_weighted_loss import ClassWeightedCrossentropy

pytestmark = pytest.mark.integration

WEIGHTS = (0.5, 3.0, 1.25)


def eager(name, **arguments):
    case = CASES[name]
    return case.compiled(case.build(), run_eagerly=True, **arguments)


def test_a_detectors_losses_are_weighted_by_the_class_of_the_matched_object():
    model = eager("detection", class_weights=WEIGHTS)
    weighted = model.evaluate(
        IMAGES, CASES["detection"].labels, batch_size=4, verbose=0, return_dict=True
    )
    outputs = {key: np.asarray(x, "float64") for key, x in model(IMAGES).items()}
    boxes, classes = (np.asarray(x) for x in model.label_encoder(IMAGES, CASES["detection"].labels))
    positive = classes >= 0
    weights = np.where(positive, np.array(WEIGHTS)[np.maximum(classes, 0).astype(int)], 1.0)
    assert len(set(weights[positive])) == 3
    truth = np.eye(3)[np.maximum(classes, 0).astype(int)] * positive[..., None]
    p = 1 / (1 + np.exp(-outputs["classification"]))
    focal = np.where(truth == 1, 0.25 * (1 - p) ** 2 * -np.log(p), 0.75 * p**2 * -np.log1p(-p))
    focal = (weights[..., None] * focal)[classes != -2].sum()
    difference = np.abs(outputs["box"] - boxes)
    smooth = np.where(difference < 1, difference**2 / 2, difference - 0.5).mean(-1)
    smooth = (weights * smooth)[positive].sum()
    assert weighted["classification_loss"] == pytest.approx(focal / positive.sum(), rel=1e-6)
    assert weighted["box_loss"] == pytest.approx(smooth / positive.sum(), rel=1e-6)


def test_a_classifiers_loss_is_weighted_by_the_class_of_the_picture():
    labels = np.eye(3, dtype="float32")[CASES["classification"].labels]
    model = eager("classification", loss=ClassWeightedCrossentropy(WEIGHTS), metrics=None)
    p = np.asarray(model(IMAGES), "float64")
    expected = (labels @ np.array(WEIGHTS) * -(labels * np.log(p)).sum(-1)).mean()
    found = model.evaluate(IMAGES, labels, verbose=0)
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_label_that_is_shared_has_the_weight_of_its_shares():
    shared, p = np.array([[0.25, 0.75, 0.0]]), np.array([[0.2, 0.5, 0.3]])
    loss = ClassWeightedCrossentropy(WEIGHTS)(shared, p)
    expected = (0.25 * 0.5 + 0.75 * 3.0) * -(0.25 * np.log(0.2) + 0.75 * np.log(0.5))
    assert float(loss) == pytest.approx(expected, rel=1e-6)
    plain = ClassWeightedCrossentropy((1, 1, 1), label_smoothing=0.1)(shared, p)
    reference = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)(shared, p)
    assert float(plain) == pytest.approx(float(reference), rel=1e-6)


def test_a_segmenters_loss_is_weighted_by_the_class_of_the_pixel():
    labels = CASES["segmentation"].labels
    model = eager("segmentation", class_weights=WEIGHTS, metrics=None)
    logits = np.asarray(model(IMAGES), "float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    known = labels != 255
    index = np.where(known, labels, 0)
    losses = -np.take_along_axis(log_p, index[..., None].astype(int), -1)[..., 0]
    expected = (np.array(WEIGHTS)[index] * losses)[known].sum() / known.sum()
    assert model.evaluate(IMAGES, labels, verbose=0) == pytest.approx(expected, rel=1e-6)


def test_the_second_stage_of_mask_rcnn_is_weighted_by_the_class_of_the_region():
    # The losses are linear in the weights: what each class adds is seen by its weight alone.
    names = ("rpn_objectness", "rpn_box", "classification", "box", "mask")

    def found(weights):
        model = eager(
            "instances", class_weights=weights, optimizer=keras.optimizers.SGD(0.0)
        )  # of one seed, so that the same regions are drawn
        labels = CASES["instances"].labels
        history = model.fit(IMAGES, labels, batch_size=4, verbose=0).history
        return {name: history[f"{name}_loss"][0] for name in names}

    nothing = found((0.0, 0.0, 0.0))
    assert nothing["box"] == nothing["mask"] == 0
    assert nothing["classification"] > 0  # the background's
    plain, ones = found(None), found((1.0, 1.0, 1.0))
    assert ones == plain
    parts = [found(tuple(np.eye(3)[index])) for index in range(3)]
    weighted = found(WEIGHTS)
    for name in ("rpn_objectness", "rpn_box"):
        assert weighted[name] == plain[name]
    for name in ("classification", "box", "mask"):
        added = [part[name] - nothing[name] for part in parts]
        assert min(added) > 0
        expected = nothing[name] + np.dot(WEIGHTS, added)
        assert weighted[name] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["detection", "segmentation", "instances"])
def test_weights_that_are_not_one_a_class_are_refused(name):
    for wrong in ((1.0, 2.0), (1.0, -1.0, 1.0), (1.0, np.inf, 1.0)):
        with pytest.raises(ValueError, match=r"`class_weights` must be 3 numbers.*Received:"):
            eager(name, class_weights=wrong)


@pytest.mark.parametrize("name", ["detection", "segmentation", "instances"])
def test_a_model_that_is_loaded_has_its_weights(name, tmp_path):
    model = eager(name, class_weights=WEIGHTS)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config()["class_weights"] == WEIGHTS


def test_a_classifiers_weights_are_saved_with_its_loss(tmp_path):
    model = eager("classification", loss=ClassWeightedCrossentropy(WEIGHTS, label_smoothing=0.1))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config()["class_weights"] == list(WEIGHTS)
    assert loaded.loss.label_smoothing == 0.1

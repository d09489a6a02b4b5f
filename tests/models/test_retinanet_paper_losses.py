"""The losses of the public detection code, as the recipe of the paper asks for them."""

import keras
import numpy as np
import pytest

import keras_effspine
from keras_effspine.tasks.detection import Detection
from keras_effspine.training.recipe import Recipe


@pytest.fixture(scope="module")
def model(tiny_detector):
    model = tiny_detector(bounding_box_format="xywh")
    Detection().compile_model(model, Recipe(losses="paper"), keras.optimizers.SGD(0.0))
    return model


def test_the_sum_is_focal_loss_and_fifty_times_huber(model, batch):
    images, labels = batch
    outputs = {name: np.array(value) for name, value in model(images).items()}
    outputs["box"] = outputs["box"] + np.linspace(-3.0, 3.0, outputs["box"].size).reshape(
        outputs["box"].shape
    ).astype("float32")
    total = float(model.compute_loss(x=images, y=labels, y_pred=outputs))

    boxes, classes = (np.array(x) for x in model.label_encoder(images, labels))
    positive = classes >= 0
    count = positive.sum()
    # The public code's box targets are the bare differences; a model's are divided by variances.
    error = np.abs(outputs["box"] - boxes) * [0.1, 0.1, 0.2, 0.2]
    assert (error[positive] > 0.1).any() and (error[positive] < 0.1).any()
    huber = np.where(error <= 0.1, error**2 / 2, 0.1 * error - 0.005).mean(-1)
    truth = np.eye(4)[classes.astype(int)][..., :3] * positive[..., None]
    score = 1 / (1 + np.exp(-outputs["classification"]))
    right = np.where(truth == 1, score, 1 - score)
    focal = np.where(truth == 1, 0.25, 0.75) * (1 - right) ** 1.5 * -np.log(right)
    counted = (classes != -2)[..., None]
    expected = (focal * counted).sum() / count + 50 * huber[positive].sum() / count
    assert total == pytest.approx(expected, rel=1e-3)


def test_a_reloaded_model_has_them_still(model, batch, tmp_path):
    model.save(tmp_path / "model.keras")
    copy = keras_effspine.load_model(tmp_path / "model.keras")
    images, labels = batch
    losses = [
        float(one.compute_loss(x=images, y=labels, y_pred=one(images))) for one in (model, copy)
    ]
    assert losses[0] == losses[1]

"""The quality focal loss against its equation, and the qualities that a detector gives it."""

import keras
import numpy as np
import pytest
from model_cases import CASES

from keras_effspine import load_model
from keras_effspine.models.giou_loss import GIoULoss, overlap_of_differences
from keras_effspine.models.quality_focal_loss import QualityFocalLoss
from keras_effspine.models.retinanet_label_encoder import IGNORED


def by_equation(quality, logits, beta):
    """Equation 3 of arXiv:2006.04388, in float64, summed over the classes."""
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    entropy = -(quality * np.log(p) + (1 - quality) * np.log(1 - p))
    return (np.abs(quality - p) ** beta * entropy).sum(-1)


@pytest.fixture(scope="module")
def qualities_and_logits():
    random = np.random.default_rng(0)
    quality = random.uniform(0, 1, (3, 20, 5)) * (random.uniform(size=(3, 20, 5)) < 0.3)
    return quality.astype("float32"), random.normal(0, 4, (3, 20, 5)).astype("float32")


@pytest.mark.parametrize("beta", [1.5, 2.0])
def test_it_is_the_papers_equation(qualities_and_logits, beta):
    loss = QualityFocalLoss(beta, reduction=None)
    expected = by_equation(*qualities_and_logits, beta)
    np.testing.assert_allclose(loss(*qualities_and_logits), expected, rtol=1e-4, atol=1e-6)


def test_it_is_least_where_the_score_is_the_quality():
    scores = np.linspace(0.01, 0.99, 99)[:, None].astype("float32")
    losses = QualityFocalLoss(reduction=None)(
        np.full_like(scores, 0.7), np.log(scores / (1 - scores))
    )
    assert abs(scores[np.argmin(losses)][0] - 0.7) < 0.011


def test_it_is_read_from_its_configuration_and_beta_is_checked():
    loss = keras.losses.deserialize(keras.losses.serialize(QualityFocalLoss(1.5, reduction="sum")))
    assert (loss.beta, loss.reduction) == (1.5, "sum")
    with pytest.raises(ValueError, match="Received: beta=0"):
        QualityFocalLoss(0)


@pytest.mark.integration
def test_a_detector_learns_the_overlap_of_its_boxes_as_scores(batch, tmp_path):
    model, (images, labels) = CASES["detection"].build(0), batch
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        classification_loss=QualityFocalLoss(reduction="sum"),
        box_loss=GIoULoss(reduction="sum"),
    )
    history = model.fit(images, labels, batch_size=len(images), verbose=0).history
    found = {
        name: keras.ops.convert_to_numpy(x) for name, x in model(images, training=True).items()
    }
    encoded = model.label_encoder(
        images, {**labels, "boxes": _in_its_format(model, labels, images)}
    )
    boxes, classes = (keras.ops.convert_to_numpy(x) for x in encoded)
    overlap, generalised = overlap_of_differences(boxes, found["box"])
    count = (classes >= 0).sum()
    assert count
    one_hot = np.eye(model.num_classes)[np.maximum(classes, 0).astype(int)]
    quality = one_hot * (np.asarray(overlap) * (classes >= 0))[..., None]
    losses = by_equation(quality, found["classification"], 2.0)
    expected = losses[classes != IGNORED].sum() / count
    expected += (1 - np.asarray(generalised))[classes >= 0].sum() / count
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-3)

    model.save(tmp_path / "detector.keras")
    read = load_model(tmp_path / "detector.keras")
    losses = (read.classification_loss, read.box_loss)
    assert [type(one) for one in losses] == [QualityFocalLoss, GIoULoss]
    assert [one.reduction for one in losses] == ["sum", "sum"]


def _in_its_format(model, labels, images):
    return keras.utils.bounding_boxes.convert_format(
        labels["boxes"],
        source=model.bounding_box_format,
        target=model.label_encoder.bounding_box_format,
        height=images.shape[1],
        width=images.shape[2],
    )

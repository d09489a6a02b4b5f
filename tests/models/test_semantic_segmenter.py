"""SemanticSegmenter: construction, loss, training, files."""

import keras
import numpy as np
import pytest
from model_cases import CASES, OneConvolution
from model_tester import ModelTester, assert_same

from keras_effspine import SemanticSegmenter
from keras_effspine.layers.bilinear_upsampling import BilinearUpsampling

pytestmark = pytest.mark.integration


class TestSemanticSegmenter(ModelTester):
    """The tests of all task models."""

    case = CASES["segmentation"]


small = CASES["segmentation"].build


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (2, 52, 44, 3)).astype("float32")
    labels = random.integers(0, 3, (2, 52, 44)).astype("uint8")
    labels[0, :30] = 255
    return images, labels


def cross_entropy(logits, labels):
    """The mean over labelled pixels, computed in NumPy."""
    logits = np.asarray(logits, "float64")
    logits = logits - logits.max(axis=-1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    known = labels != 255
    return -logs[known, labels[known]].mean()


# Construction


def test_it_gives_logits_for_each_pixel_at_any_size(small_eff_spinenet):
    model = SemanticSegmenter(small_eff_spinenet(), num_classes=5)
    for height, width in ((64, 64), (100, 75), (33, 130)):
        logits = model(np.zeros((1, height, width, 3), "float32"))
        assert logits.shape == (1, height, width, 5)
    assert [layer.name for layer in model.layers][-2:] == ["segmentation_head_prediction", "logits"]
    names = {layer.name for layer in model.layers if "segmentation_head_layer" in layer.name}
    assert len([name for name in names if name.endswith("_conv")]) == 3


def test_upsampling_puts_values_in_the_middle_of_their_squares():
    coarse = np.random.default_rng(0).normal(size=(1, 3, 4, 2)).astype("float32")
    fine = np.asarray(BilinearUpsampling(3)(coarse, np.zeros((1, 20, 30, 3))))
    assert fine.shape == (1, 20, 30, 2)
    for y, x in ((0, 0), (7, 13), (19, 29), (11, 4)):
        at = np.clip([(y + 0.5) / 8 - 0.5, (x + 0.5) / 8 - 0.5], 0, (2, 3))
        low = np.floor(at).astype(int)
        high, share = np.minimum(low + 1, (2, 3)), at - low
        above, below = (
            coarse[0, row, low[1]] * (1 - share[1]) + coarse[0, row, high[1]] * share[1]
            for row in (low[0], high[0])
        )
        np.testing.assert_allclose(
            fine[0, y, x], above * (1 - share[0]) + below * share[0], atol=1e-5
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "from 1 to 255"),
        ({"num_classes": 256}, "the label 255 is ignored"),
        ({"head_layers": -1}, "must not be negative"),
        ({"decoder": "unet"}, "`decoder` must be one of deeplab_v3, deeplab_v3_plus, or None"),
        ({"decoder": "deeplab_v3", "decoder_width": 0}, "`decoder_width` must be at least 1"),
        ({"decoder": "deeplab_v3_plus"}, "reads P2 of the backbone, which it does not have"),
        ({"backbone": keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])}, "one output"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SemanticSegmenter(**{"backbone": OneConvolution(), "num_classes": 3, **arguments})


def test_a_detectors_preset_gives_its_backbone_with_its_weights(tmp_path):
    detector = CASES["detection"].build(seed=5)
    detector.save_to_preset(tmp_path / "mine")
    with pytest.warns(UserWarning, match="initialised anew: segmentation_head"):
        model = SemanticSegmenter.from_preset(
            tmp_path / "mine", num_classes=4, input_shape=(64, 64, 3)
        )
    assert model.output_shape == (None, 64, 64, 4)
    assert_same(model.backbone.get_weights(), detector.backbone.get_weights())


def test_presets_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="Unknown preset 'm7'"):
        SemanticSegmenter.from_preset("m7", num_classes=4)


# Loss


def test_the_loss_is_the_mean_over_labelled_pixels(batch):
    images, labels = batch
    model = small()
    model.compile(optimizer="sgd")
    logits = model(images)
    loss = float(model.compute_loss(images, labels, logits))
    assert loss == pytest.approx(cross_entropy(logits, labels), rel=1e-5)
    assert float(model.compute_loss(images, labels[..., None], logits)) == loss
    elsewhere = np.where(labels[..., None] == 255, 1e3, np.asarray(logits))
    assert float(model.compute_loss(images, labels, elsewhere)) == pytest.approx(loss, rel=1e-5)


def test_sample_weights_are_of_pictures_or_pixels(batch):
    images, labels = batch
    model = small()
    model.compile(optimizer="sgd")
    logits = model(images)
    whole = float(model.compute_loss(images, labels, logits, np.array([2.0, 2.0])))
    pixels = float(model.compute_loss(images, labels, logits, np.full(labels.shape, 2.0)))
    assert whole == pytest.approx(pixels) == pytest.approx(2 * cross_entropy(logits, labels))


def test_pictures_without_any_label_give_no_loss_and_no_nan(batch):
    model = small()
    model.compile(optimizer="sgd", run_eagerly=True)
    nothing = np.full_like(batch[1], 255)
    assert model.fit(batch[0], nothing, verbose=0).history["loss"] == [0.0]
    assert np.isfinite(model.predict(batch[0], verbose=0)).all()


def test_losses_and_labels_that_do_not_fit_are_refused(batch):
    model = small()
    for loss in ("mse", keras.losses.SparseCategoricalCrossentropy(from_logits=True)):
        with pytest.raises(ValueError, match="reduction='sum'"):
            model.compile(optimizer="sgd", loss=loss)
    model.compile(optimizer="sgd")
    one_hot = np.eye(3)[np.minimum(batch[1], 2)]
    with pytest.raises(ValueError, match=r"class indices \(batch, height, width\)"):
        model.compute_loss(batch[0], one_hot, model(batch[0]))


# Training


def test_it_learns_a_fixed_batch(batch):
    images, labels = batch
    model = small()
    model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        metrics=[keras.metrics.MeanIoU(3, ignore_class=255, sparse_y_pred=False)],
    )
    losses = model.fit(images, labels, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.95 * losses[0]
    predicted = model.predict(images, verbose=0)
    assert predicted.dtype == "float32" and predicted.shape == (2, 52, 44, 3)

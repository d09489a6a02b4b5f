"""DeepLab's layers beside keras-cv's."""

import keras
import keras_cv
import numpy as np
import pytest

from keras_effspine import ScaleDecreasedBackbone, SemanticSegmenter

pytestmark = pytest.mark.integration

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 96, 64, 3)).astype("float32")


def weights_of(*layers):
    return [w for layer in layers for w in layer.get_weights()]


def test_deeplab_v3_plus_is_keras_cvs_with_the_same_weights():
    keras.utils.set_random_seed(0)
    backbone = ScaleDecreasedBackbone(
        network="mobilenet_v2",
        width_multiplier=0.05,
        activation="relu",
        input_shape=(96, 64, 3),
    )
    theirs = keras_cv.models.DeepLabV3Plus(backbone=backbone, num_classes=3)
    ours = SemanticSegmenter(backbone, 3, head_layers=0, decoder="deeplab_v3_plus")
    for layer in theirs.layers:  # statistics as after training
        for weight in layer.weights:
            if "moving" in weight.path:
                weight.assign(np.random.default_rng(1).uniform(0.5, 1.5, weight.shape))
    pooling = theirs.spatial_pyramid_pooling
    views = ["aspp_near", "aspp_rate6", "aspp_rate12", "aspp_rate18", "aspp_whole"]
    given = dict(zip(views, pooling.aspp_parallel_channels, strict=True))
    given["aspp_joined"] = pooling.projection
    head = theirs.segmentation_head
    for name, layer in given.items():
        values = [w for part in layer.layers for w in part.get_weights()]
        ours.get_layer(f"{name}_conv").set_weights(values[:1])
        ours.get_layer(f"{name}_bn").set_weights(values[1:])
    low = next(la for la in theirs.layers if isinstance(la, keras.Sequential) and la is not head)
    for name, sequence in (("decoder_low", low), ("decoder_joined", head)):
        ours.get_layer(f"{name}_conv").set_weights(sequence.layers[0].get_weights())
        ours.get_layer(f"{name}_bn").set_weights(sequence.layers[1].get_weights())
    (kernel,) = head.layers[-1].get_weights()
    ours.get_layer("segmentation_head_prediction").set_weights([kernel, np.zeros(3)])

    expected = theirs(IMAGES, training=False)
    found = keras.ops.softmax(ours(IMAGES, training=False))
    assert np.std(expected) > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("stride", "rates"), [(16, (6, 12, 18)), (8, (12, 24, 36))])
def test_its_rates_double_where_the_map_is_finer(stride, rates):
    backbone = ScaleDecreasedBackbone(
        network="mobilenet_v2", width_multiplier=0.05, output_stride=stride
    )
    model = SemanticSegmenter(backbone, 3, head_layers=0, decoder="deeplab_v3", decoder_width=8)
    names = [la.name for la in model.layers if la.name.startswith("aspp_rate")]
    assert [n for n in names if n.endswith("_conv")] == [f"aspp_rate{rate}_conv" for rate in rates]
    coarse = keras.Model(model.inputs, model.coarse_logits)(IMAGES)
    assert coarse.shape == (2, 96 // stride, 64 // stride, 3)
    assert model(IMAGES).shape == (2, 96, 64, 3)

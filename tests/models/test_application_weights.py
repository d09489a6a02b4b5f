"""Weights of `keras.applications`: the same features, and what is said where there are none."""

import keras
import numpy as np
import pytest

from keras_effspine import ScaleDecreasedBackbone
from keras_effspine.errors import PresetError
from keras_effspine.models import application_weights
from keras_effspine.topology import staged_networks

pytestmark = pytest.mark.integration

RANDOM = np.random.default_rng(0)

SIZE = 75

# Network, arguments, Keras' model, its arguments, how a caller prepares pictures for it.
NETWORKS = {
    "efficientnet": ({}, "EfficientNetB0", {}, lambda x: x),
    "mobilenet_v2": (
        {"width_multiplier": 0.35},
        "MobileNetV2",
        {"alpha": 0.35},
        keras.applications.mobilenet_v2.preprocess_input,
    ),
    "mobilenet_v3_small": (
        {"width_multiplier": 0.75},
        "MobileNetV3Small",
        {"alpha": 0.75},
        lambda x: x,
    ),
    "resnet50": (
        {"strided_reduction": True},
        "ResNet50",
        {},
        keras.applications.resnet.preprocess_input,
    ),
}


def random_application(name, **arguments):
    """Keras' model with random weights and statistics, as if it had been trained."""
    model = getattr(keras.applications, name)(
        include_top=False, **{"input_shape": (None, None, 3), **arguments, "weights": None}
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            std = np.array([0.229, 0.224, 0.225])
            layer.mean = keras.ops.reshape(np.array([0.485, 0.456, 0.406], "float32"), (1, 1, 1, 3))
            layer.variance = keras.ops.reshape(np.square(std).astype("float32"), (1, 1, 1, 3))
        elif isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    RANDOM.uniform(0.8, 1.2, gamma.shape),
                    RANDOM.normal(0, 0.1, beta.shape),
                    RANDOM.normal(0, 0.1, mean.shape),
                    RANDOM.uniform(0.8, 1.2, variance.shape),
                ]
            )
        elif getattr(layer, "use_bias", False):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, RANDOM.normal(0, 0.1, bias.shape)])
    return model


def random_backbone(network):
    arguments, name, of_keras, preparation = NETWORKS[network]
    # Of an open size Keras pads as if it were even at each level.
    application = random_application(name, **of_keras, input_shape=(SIZE, SIZE, 3))
    backbone = ScaleDecreasedBackbone(network=network, has_top=True, **arguments)
    spec = staged_networks.NETWORKS[network].scaled(backbone.width_multiplier)
    application_weights.copy_weights(application, backbone, network, spec)
    return application, backbone, preparation


@pytest.mark.parametrize("network", NETWORKS)
def test_features_are_those_of_keras(network):
    application, backbone, preparation = random_backbone(network)
    images = RANDOM.uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")
    expected = np.asarray(application(preparation(images.copy()), training=False))
    found = np.asarray(backbone(images, training=False))
    scale = np.abs(expected).max()
    assert scale > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * scale)


def test_imagenet_weights_are_those_that_keras_brings(monkeypatch):
    """All of the network's and none of the neck's; they are no part of the config."""
    asked, application = {}, random_application("MobileNetV2", alpha=0.35)

    def build(**arguments):
        asked.update(arguments)
        return application

    monkeypatch.setattr(keras.applications, "MobileNetV2", build)
    of_network = {"network": "mobilenet_v2", "width_multiplier": 0.35}
    keras.utils.set_random_seed(0)
    backbone = ScaleDecreasedBackbone(
        **of_network, neck="separable_fpn", endpoint_width=8, weights="imagenet"
    )
    assert asked == {
        "include_top": False,
        "weights": "imagenet",
        "input_shape": (None, None, 3),
        "alpha": 0.35,
    }
    assert "weights" not in backbone.get_config()
    keras.utils.set_random_seed(0)
    random = ScaleDecreasedBackbone(**of_network, neck="separable_fpn", endpoint_width=8)
    for one, other in zip(backbone.layers, random.layers, strict=True):
        if not one.weights:
            continue
        same = [
            np.array_equal(*pair)
            for pair in zip(one.get_weights(), other.get_weights(), strict=True)
        ]
        assert not any(same) if one.name.startswith(("stem", "stage")) else all(same), one.name


def test_one_line_says_that_there_is_no_network(monkeypatch):
    def build(**arguments):
        raise Exception("URL fetch failure on https://a/b.h5:\n None -- [Errno -3]")

    monkeypatch.setattr(keras.applications, "ResNet50", build)
    with pytest.raises(PresetError, match="^resnet50: Keras could not fetch its ImageNet") as found:
        ScaleDecreasedBackbone(network="resnet50", weights="imagenet", strided_reduction=True)
    assert "\n" not in str(found.value)
    assert "leave out weights='imagenet'" in str(found.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "resnet50"}, "pass `strided_reduction=True`"),
        ({"network": "mobilenet_v3_small_half_tail"}, "is there for efficientnet, mobilenet_v2"),
        ({"network": "efficientnet", "width_multiplier": 0.5}, "EfficientNet-B0 to B7"),
        ({"network": "mobilenet_v2", "depth_multiplier": 2.0}, "is for its own depth. Received"),
        (
            {"network": "resnet50", "width_multiplier": 0.5, "strided_reduction": True},
            "is for its own depth and width",
        ),
        (
            {"network": "mobilenet_v2", "normalization": "evonorm_s0"},
            "is there for batch normalisation",
        ),
        ({"network": "resnet50", "weights": "coco"}, "`weights` must be 'imagenet' or None"),
    ],
)
def test_networks_without_such_weights_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScaleDecreasedBackbone(**{"weights": "imagenet", **arguments})

"""The backbones that the package brings with trained weights."""

import numpy as np
import pytest

import keras_effspine
from keras_effspine.pretrained.shipped import list_presets

pytestmark = pytest.mark.integration

NAMES = ("m0_cifar10", "m0_tiny_imagenet")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_m0_with_the_weights_of_its_file(name):
    backbone = keras_effspine.EffSpineNetBackbone.from_preset(name)
    assert backbone.count_params() == list_presets()["m0"].parameters
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))
    again = keras_effspine.EffSpineNetBackbone.from_preset(name)
    np.testing.assert_array_equal(backbone(images), again(images))
    random = keras_effspine.EffSpineNetBackbone.from_preset(name, load_weights=False)
    assert not np.allclose(backbone(images), random(images))


def test_every_task_starts_from_it():
    name = NAMES[0]
    backbone = keras_effspine.EffSpineNetBackbone.from_preset(name)
    models = [
        keras_effspine.RetinaNet.from_preset(name, num_classes=3, bounding_box_format="xyxy"),
        keras_effspine.ImageClassifier.from_preset(name, num_classes=3),
        keras_effspine.SemanticSegmenter.from_preset(name, num_classes=3),
    ]
    for model in models:
        for one, other in zip(model.backbone.weights, backbone.weights, strict=True):
            assert one.path.split("/")[-2:] == other.path.split("/")[-2:]
            np.testing.assert_array_equal(one, other)

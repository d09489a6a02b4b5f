"""The backbone that the package brings with trained weights."""

import numpy as np
import pytest

import keras_effspine
from keras_effspine.pretrained.shipped import list_presets

pytestmark = pytest.mark.integration

NAME = "m0_cifar10"


@pytest.fixture(scope="module")
def backbone():
    return keras_effspine.EffSpineNetBackbone.from_preset(NAME)


def test_it_is_m0_with_the_weights_of_its_file(backbone):
    assert backbone.count_params() == list_presets()["m0"].parameters
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))
    again = keras_effspine.EffSpineNetBackbone.from_preset(NAME)
    np.testing.assert_array_equal(backbone(images), again(images))
    random = keras_effspine.EffSpineNetBackbone.from_preset(NAME, load_weights=False)
    assert not np.allclose(backbone(images), random(images))


def test_every_task_starts_from_it(backbone):
    models = [
        keras_effspine.RetinaNet.from_preset(NAME, num_classes=3, bounding_box_format="xyxy"),
        keras_effspine.ImageClassifier.from_preset(NAME, num_classes=3),
        keras_effspine.SemanticSegmenter.from_preset(NAME, num_classes=3),
    ]
    for model in models:
        for one, other in zip(model.backbone.weights, backbone.weights, strict=True):
            assert one.path.split("/")[-2:] == other.path.split("/")[-2:]
            np.testing.assert_array_equal(one, other)

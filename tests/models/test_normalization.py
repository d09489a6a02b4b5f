"""Normalisation without the batch, in a backbone and in what stands on it."""

import json

import keras
import numpy as np
import pytest
from ladder import Ladder
from model_cases import CASES, IMAGES

from keras_effspine import EffSpineNetBackbone, ImageClassifier, MaskRCNN, RetinaNet
from keras_effspine.errors import RecipeError
from keras_effspine.layers.evo_norm import EvoNormS0
from keras_effspine.profiling import profile_model
from keras_effspine.tasks.backbone import build_backbone
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe import parse_recipe

pytestmark = pytest.mark.integration

KINDS = {"group_norm": keras.layers.GroupNormalization, "evonorm_s0": EvoNormS0}


@pytest.fixture(scope="module")
def detectors():
    keras.utils.set_random_seed(0)
    return {kind: RetinaNet(Ladder(normalization=kind), 3, "xywh", head_layers=1) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_one_trains_as_it_does_in_a_batch_of_four(detectors, kind):
    model = detectors[kind]
    kinds = {type(layer) for layer in model.layers}
    assert KINDS[kind] in kinds
    assert not any(issubclass(one, keras.layers.BatchNormalization) for one in kinds)
    heads = [la for la in model.layers if type(la) is KINDS[kind] and "head" in la.name]
    assert len(heads) == 2 * 5
    together = model(IMAGES, training=True)
    for row in range(len(IMAGES)):
        alone = model(IMAGES[row : row + 1], training=True)
        for name, values in alone.items():
            np.testing.assert_allclose(values[0], together[name][row], rtol=1e-3, atol=1e-4)
    assert not model.non_trainable_weights


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_is_saved_and_counted(detectors, kind, tmp_path):
    model = detectors[kind]
    CASES["detection"].compiled(model, run_eagerly=True)
    labels = {name: values[:1] for name, values in CASES["detection"].labels.items()}
    before = model.get_weights()
    (loss,) = model.fit(IMAGES[:1], labels, verbose=0).history["loss"]
    moved = [np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert np.isfinite(loss) and np.mean(moved) > 0.5
    copy = RetinaNet.from_config(json.loads(json.dumps(model.get_config())))
    copy.set_weights(model.get_weights())
    fused = model.fuse_for_inference()
    for name, values in model(IMAGES, training=False).items():
        np.testing.assert_array_equal(copy(IMAGES, training=False)[name], values)
        np.testing.assert_allclose(fused(IMAGES)[name], values, atol=1e-4)
    assert profile_model(model, 64).total.parameters == sum(w.size for w in model.get_weights())


def test_evonorm_takes_the_place_of_the_activation_behind_it(detectors):
    layers = {layer.name: layer for layer in detectors["evonorm_s0"].layers}
    assert layers["stem_evonorm"].nonlinear and "stem_swish" not in layers
    assert not layers["block01_unit1_project_evonorm"].nonlinear
    assert "block01_unit1_project_bn" not in layers


def test_all_heads_have_it():
    backbone = EffSpineNetBackbone(
        width_multiplier=0.1,
        endpoint_width=8,
        normalization="evonorm_s0",
        input_shape=(64, 64, 3),
    )
    model = MaskRCNN(backbone, 2, "xywh", dense_width=8, num_proposals=8, sampled_regions=8)
    assert not any(isinstance(la, keras.layers.BatchNormalization) for la in model.layers)
    assert np.isfinite(model(IMAGES[:1])["confidence"]).all()
    assert np.isfinite(ImageClassifier(backbone, 2)(IMAGES[:1])).all()


def test_a_recipe_sets_it_and_a_wrong_name_is_one_line():
    def built(name):
        recipe, start = resolve_preset(
            parse_recipe({"preset": "m0", "backbone": {"normalization": name}})
        )
        return build_backbone(recipe, start)

    assert built("evonorm_s0").get_config()["normalization"] == "evonorm_s0"
    with pytest.raises(RecipeError, match="must be one of batch_norm, group_norm, evonorm_s0"):
        built("layer_norm")

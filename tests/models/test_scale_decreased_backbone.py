"""Classification networks and their pyramids as keras-cv backbones."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_effspine import RetinaNet, ScaleDecreasedBackbone, load_model
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.profiling import profile_model
from keras_effspine.topology.efficientdet import compound_scaling
from keras_effspine.topology.staged_networks import NETWORKS

pytestmark = pytest.mark.integration

NECKS = {
    "bifpn": {"network": "tiny_mbconv", "neck_repeats": 1},
    "fpn": {"network": "tiny_resnet"},
    "separable_fpn": {"network": "tiny_mbconv"},
    "ssdlite": {"network": "tiny_mbconv", "width_multiplier": 0.05},
}
LABELS = {
    "boxes": np.array([[[4, 4, 30, 30], [0, 0, 60, 60]]], "float32"),
    "classes": np.array([[1, 0]], "float32"),
}


def tiny(of, *stages):
    """A network with fewer stages: what a stage is is told by its place in the network `of`."""
    kept = tuple(NETWORKS[of].stages[number - 1] for number in stages)
    stages = tuple(dataclasses.replace(stage, width=8, repeats=1) for stage in kept)
    return dataclasses.replace(NETWORKS[of], stages=stages, stem_width=8, top_width=8)


@pytest.fixture(scope="module")
def backbones():
    keras.utils.set_random_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(NETWORKS, "tiny_mbconv", tiny("efficientnet", 1, 2, 3, 4, 5, 6))
        patch.setitem(NETWORKS, "tiny_resnet", tiny("resnet50", 1, 2, 3, 4))
        yield {
            neck: ScaleDecreasedBackbone(neck=neck, endpoint_width=8, **arguments)
            for neck, arguments in NECKS.items()
        }


def images(height=64, width=64):
    return np.random.default_rng(0).uniform(0, 255, (1, height, width, 3)).astype("float32")


def test_its_presets_are_those_of_the_package():
    assert set(ScaleDecreasedBackbone.presets) == set(list_presets("ScaleDecreasedBackbone"))
    assert set(ScaleDecreasedBackbone.presets) <= set(RetinaNet.presets)


def test_efficientdets_are_the_presets_of_their_coefficients():
    for phi in range(3):
        preset, scaling = list_presets()[f"efficientdet_d{phi}"], compound_scaling(phi)
        config = json.loads((preset.folder / "config.json").read_text())["config"]
        assert config == scaling.backbone()
        assert preset.input_size == scaling.input_size
        layers = preset.model_arguments.get("RetinaNet", {}).get("head_layers", 3)
        assert layers == scaling.head_layers


@pytest.mark.parametrize("neck", NECKS)
def test_levels_have_their_strides_at_any_size(backbones, neck):
    backbone = backbones[neck]
    levels = [f"P{level}" for level in range(2, 10 if neck == "ssdlite" else 8)]
    assert list(backbone.pyramid_level_inputs) == levels
    for level, x in backbone.pyramid(levels)(images(100, 75)).items():
        stride = 2 ** int(level[1])
        assert tuple(x.shape[1:3]) == (-(-100 // stride), -(-75 // stride))
    places = 1 if neck == "ssdlite" else 8
    assert backbone(images()).shape == (1, places, places, 8)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_without_a_neck_has_its_own_levels(network):
    backbone = ScaleDecreasedBackbone(network=network, width_multiplier=0.05)
    assert list(backbone.pyramid_level_inputs) == ["P2", "P3", "P4", "P5"]
    assert tuple(backbone(images(100, 75)).shape[1:3]) == (4, 3)


@pytest.mark.parametrize(("stride", "levels"), [(16, "P4"), (8, "P3")])
def test_a_dilated_network_goes_no_further_down_and_reads_as_far_around(stride, levels):
    arguments = {"network": "mobilenet_v2", "width_multiplier": 0.05}
    dilated = ScaleDecreasedBackbone(output_stride=stride, **arguments)
    plain = ScaleDecreasedBackbone(**arguments)
    assert list(dilated.pyramid_level_inputs)[-1] == levels
    assert dilated(images()).shape[1] == 64 // stride
    rates = [layer.dilation_rate[0] for layer in dilated.layers if hasattr(layer, "dilation_rate")]
    assert max(rates) == 32 // stride
    # With the weights of the network that is not dilated each place of a coarse map is computed.
    dilated.set_weights(plain.get_weights())
    names = {16: "stage6_unit1_spatial_depthwise", 8: "stage4_unit1_spatial_depthwise"}
    coarse, fine = (
        keras.Model(model.inputs, model.get_layer(names[stride]).output)(images())
        for model in (plain, dilated)
    )
    assert fine.shape[1] == 2 * coarse.shape[1]
    np.testing.assert_allclose(fine[:, 1::2, 1::2], coarse, atol=1e-5)


def test_its_config_makes_the_same_backbone_and_is_plain_json(backbones):
    for backbone in backbones.values():
        config = json.loads(json.dumps(backbone.get_config()))
        copy = ScaleDecreasedBackbone.from_config(config)
        assert copy.get_config() == backbone.get_config()
        assert [w.shape for w in copy.weights] == [w.shape for w in backbone.weights]


@pytest.mark.parametrize("neck", NECKS)
def test_a_detector_on_it_learns_is_saved_and_folded(backbones, neck, tmp_path):
    model = RetinaNet(
        backbones[neck],
        num_classes=2,
        bounding_box_format="xywh",
        head_layers=1,
        predictor="ssdlite" if neck == "ssdlite" else "retinanet",
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, global_clipnorm=1.0),
        classification_loss="focal",
        box_loss="smoothl1",
        run_eagerly=True,
    )
    before = model.get_weights()
    (loss,) = model.fit(images(), LABELS, verbose=0).history["loss"]
    assert np.isfinite(loss)
    moved = [np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert np.mean(moved) > 0.5  # of a single place batch normalisation leaves nothing
    expected = model(images(), training=False)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", compile=False)
    fused = model.fuse_for_inference()
    left = [la.name for la in fused.layers if isinstance(la, keras.layers.BatchNormalization)]
    # What makes P6 of P5, and P7 of P6, reads them before they are normalised.
    assert left == (["p5_bn", "p6_bn"] if "fpn" in neck and neck != "bifpn" else [])
    for name, values in expected.items():
        np.testing.assert_array_equal(loaded(images(), training=False)[name], values)
        np.testing.assert_allclose(fused(images())[name], values, atol=1e-4)


@pytest.mark.parametrize("neck", NECKS)
def test_its_layers_tell_what_they_are_for(backbones, neck):
    roles = backbones[neck].layer_roles()
    untold = {layer.name for layer in backbones[neck].layers} - set(roles)
    assert all(name.startswith(("images", "average")) for name in untold), untold
    assert (roles["stage3_unit1_project_conv"].part, roles["stem_conv"].part) == ("blocks", "stem")
    levels = {role.level for role in roles.values() if role.part == "endpoints"}
    assert levels == ({6, 7, 8, 9} if neck == "ssdlite" else {3, 4, 5, 6, 7})
    counted = profile_model(backbones[neck], 64)
    assert {"stem", "blocks", "endpoints"} <= counted.by("part").keys()


def test_upsampled_nodes_are_counted_where_they_run(backbones):
    """The paper counts 1x1 convolutions enlarged, which are upsampled after them; no others."""
    total = profile_model(backbones["bifpn"], 64).total
    assert total.published == total.executed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "vgg"}, "`network` must be one of efficientnet, mobilenet_v2"),
        ({"neck": "nas"}, "`neck` must be one of fpn, separable_fpn, bifpn, ssdlite, or None"),
        ({"output_stride": 4}, "`output_stride` must be 8, 16 or 32"),
        ({"neck": "fpn", "output_stride": 16}, "and 32 with a neck"),
        ({"neck": "fpn", "has_top": True}, "`has_top` is of a network without a neck"),
        ({"network": "resnet50", "neck": "ssdlite"}, "stands on a network of MBConvs"),
        ({"endpoint_width": 0}, "`endpoint_width` must be at least 1"),
        ({"neck_repeats": 0}, "`neck_repeats` must be at least 1"),
        ({"depth_multiplier": 0}, "`depth_multiplier` must be positive"),
        ({"stochastic_depth_rate": 1.0}, r"`stochastic_depth_rate` must lie in \[0, 1\)"),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScaleDecreasedBackbone(**{"network": "efficientnet", **arguments})


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="did you mean endpoint_width"):
        ScaleDecreasedBackbone(network="efficientnet", endpoints_width=8)

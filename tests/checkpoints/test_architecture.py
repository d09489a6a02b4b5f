"""From a checkpoint's layers to the arguments of a model, without building it."""

import pytest

from keras_effspine.checkpoints.architecture import (
    backbone_arguments,
    class_count,
    head_arguments,
    known_preset,
)
from keras_effspine.checkpoints.checkpoint_file import CheckpointFile
from keras_effspine.checkpoints.object_graph import read_object_graph
from keras_effspine.checkpoints.tf1_names import read_tf1_names
from keras_effspine.errors import CheckpointError
from keras_effspine.topology.spinenet import SPECS


def mobile_widths(*by_level):
    return tuple(by_level[block.level - 1] for block in SPECS["spinenet_mobile"].table.blocks)


@pytest.mark.parametrize(
    ("name", "read", "backbone", "head"),
    [
        (
            "tf2_spinenet",
            read_object_graph,
            {
                "family": "spinenet",
                "variant": None,
                "widths": SPECS["spinenet"].widths(0.05),
                "block_repeats": 1,
                "stem_width": 64,
                "endpoint_width": 6,
                "resample_alpha": 0.5,
            },
            {"head_layers": 1, "head_width": 4, "separable_heads": False},
        ),
        (
            "tf2_mobile",
            read_object_graph,
            {
                "family": "spinenet_mobile",
                "variant": None,
                "widths": mobile_widths(2, 3, 6, 12, 16, 16, 16),
                "block_repeats": 1,
                "stem_width": 1,
                "endpoint_width": 5,
            },
            {"head_layers": 2, "head_width": 5, "separable_heads": True},
        ),
        (
            "tf1_spinenet",
            read_tf1_names,
            {
                "family": "spinenet",
                "variant": "tf1",
                "widths": SPECS["spinenet"].widths(0.05),
                "block_repeats": 2,
                "stem_width": 64,
                "endpoint_width": 6,
                "resample_alpha": 0.5,
            },
            {"head_layers": 1, "head_width": 4, "separable_heads": False},
        ),
        (
            "tf1_mobile",
            read_tf1_names,
            {
                "family": "spinenet_mobile",
                "variant": "tf1",
                "widths": mobile_widths(8, 8, 16, 24, 32, 32, 32),
                "block_repeats": 1,
                "stem_width": 8,
                "endpoint_width": 5,
            },
            {"head_layers": 2, "head_width": 5, "separable_heads": True},
        ),
    ],
)
def test_shapes_tell_the_architecture(unpacked, name, read, backbone, head):
    saved = read(CheckpointFile(unpacked(name)))
    assert backbone_arguments(saved) == backbone
    assert head_arguments(saved) == head
    assert class_count(saved) == 91
    assert (saved.averaged > 0) == (name in ("tf2_mobile", "tf1_spinenet"))


def test_an_architecture_of_the_package_is_known_whatever_its_endpoints():
    arguments = {
        "family": "spinenet",
        "widths": SPECS["spinenet"].widths(0.65),
        "block_repeats": 1,
        "stem_width": 64,
        "endpoint_width": 256,  # as in the published checkpoint, tensorflow/tpu#767
        "resample_alpha": 0.5,
    }
    assert known_preset(arguments).name == "spinenet_49s"
    assert known_preset({**arguments, "block_repeats": 2}) is None


@pytest.fixture
def tf1(unpacked, tensors_of):
    return tensors_of(next(unpacked("tf1_mobile").glob("*.index")).with_suffix(""))


def test_averages_are_taken_and_momentum_is_not(unpacked):
    saved = read_tf1_names(CheckpointFile(unpacked("tf1_spinenet")))
    stem = saved.outside["convolutions"][0]
    assert stem.keys == {"kernel": "spinenet/conv2d/kernel/ExponentialMovingAverage"}
    statistics = saved.outside["norms"][0].keys["moving_mean"]
    assert statistics == "spinenet/batch_normalization/moving_mean"
    graph = read_object_graph(CheckpointFile(unpacked("tf2_mobile")))
    assert (
        graph.outside["convolutions"][0]
        .keys["kernel"]
        .endswith("/.OPTIMIZER_SLOT/optimizer/average/.ATTRIBUTES/VARIABLE_VALUE")
    )


def test_a_classifier_and_a_mask_rcnn_are_refused(tf1, write_names):
    backbone = {name: x for name, x in tf1.items() if not name.startswith("retinanet/")}
    for head in ("classification_head", "rpn_head"):
        prefix = write_names({**backbone, f"{head}/dense/kernel": [[1.0]]}, head)
        with pytest.raises(CheckpointError, match=f"without RetinaNet's head.*begin with {head}, "):
            read_tf1_names(CheckpointFile(prefix))


def test_foreign_checkpoints_are_refused(write_names):
    prefix = write_names({"resnet50/conv2d/kernel": [[1.0]], "global_step": 3})
    with pytest.raises(
        CheckpointError, match=r"holds neither .*begin with global_step, resnet50\."
    ):
        read_tf1_names(CheckpointFile(prefix))


def test_a_graph_without_a_detector_is_refused(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.v = tf.Variable(1.0)
    prefix = tf.train.Checkpoint(net=module).write(str(tmp_path / "net"))
    with pytest.raises(CheckpointError, match="no model of tf-models-official .*its root has net"):
        read_object_graph(CheckpointFile(prefix))
    prefix = tf.train.Checkpoint(backbone=module).write(str(tmp_path / "backbone"))
    with pytest.raises(CheckpointError, match="a backbone without RetinaNet's head"):
        read_object_graph(CheckpointFile(prefix))


def test_a_missing_layer_is_refused(tf1, write_names):
    tensors = {name: x for name, x in tf1.items() if "class-1-5/" not in name}
    with pytest.raises(CheckpointError, match="class_net has no layer 1-5"):
        read_tf1_names(CheckpointFile(write_names(tensors)))
    policy = "spinenet_mbconv/sub_policy4/scale_permuted_block_6/"
    tensors = {name: x for name, x in tf1.items() if not name.startswith(f"{policy}conv2d/")}
    saved = read_tf1_names(CheckpointFile(write_names(tensors)))
    with pytest.raises(CheckpointError, match="35 convolutions within blocks, .* multiple of 36"):
        backbone_arguments(saved)


def test_heads_of_another_kind_are_refused(tf1, write_names):
    name = "retinanet/box_net/box-predict/pointwise_kernel"
    saved = read_tf1_names(CheckpointFile(write_names({**tf1, name: tf1[name][..., :24]})))
    with pytest.raises(CheckpointError, match="has 24 channels, not the 36 of 9 anchors"):
        head_arguments(saved)
    name = "retinanet/class_net/class-predict/pointwise_kernel"
    saved = read_tf1_names(CheckpointFile(write_names({**tf1, name: tf1[name][..., :30]})))
    with pytest.raises(CheckpointError, match="has 30 channels, which 9 anchors do not share"):
        class_count(saved)

"""Counting a model from its graph."""

import keras
import keras_cv
import pytest
from keras import layers

from keras_effspine import EffSpineNetBackbone, ImageClassifier, RetinaNet
from keras_effspine.errors import ProfilingError
from keras_effspine.layers.region_layer import JoinRegions, PartRegions
from keras_effspine.layers.roi_align import RoiAlign
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.profiling import profile_model
from keras_effspine.profiling.profile import PARTS

pytestmark = pytest.mark.integration


def detector(**arguments):
    backbone = EffSpineNetBackbone(width_multiplier=0.3, endpoint_width=16, **arguments)
    return RetinaNet(backbone, num_classes=2, bounding_box_format="xywh", head_layers=1)


@pytest.fixture(scope="module")
def counted():
    return profile_model(detector(), 128)


def cost_of(layer, *shapes):
    """`profile_model` of a model with one layer that counts, on pictures of 8 x 6 px."""
    images = keras.Input((None, None, 3))
    inputs = [layers.Concatenate()([images] * (shape // 3)) for shape in shapes] or [images]
    model = keras.Model(images, layer(inputs if len(inputs) > 1 else inputs[0]))
    return profile_model(model, (8, 6)).total


@pytest.mark.parametrize(
    ("layer", "macs", "element_wise", "parameters"),
    [
        # (8 / 2) * (6 / 2) places; the kernel; the bias, half an operation each
        (layers.Conv2D(5, 3, 2, "same"), 12 * 27 * 5, 12 * 5 / 2, 27 * 5 + 5),
        (layers.Conv2D(6, 1, groups=3, use_bias=False), 48 * 6, 0, 6),
        (layers.DepthwiseConv2D(3, padding="same", use_bias=False), 48 * 9 * 3, 0, 27),
        (layers.SeparableConv2D(5, 3, padding="same"), 48 * 3 * (9 + 5), 48 * 5 / 2, 27 + 15 + 5),
        (layers.Dense(4), 48 * 12, 48 * 4 / 2, 16),
        (layers.BatchNormalization(), 0, 48 * 3, 6),
        (layers.Activation("swish"), 0, 48 * 3 / 2, 0),
        (layers.Activation("relu"), 0, 0, 0),
        (layers.GlobalAveragePooling2D(), 0, 48 * 3 / 2, 0),
        (layers.MaxPooling2D(3, 2, "same"), 0, 12 * 3 * 9 / 2, 0),
        (layers.AveragePooling2D(2), 0, 12 * 3 * 4 / 2, 0),
        (layers.ZeroPadding2D(1), 0, 0, 0),
        (layers.Reshape((-1,)), 0, 0, 0),
    ],
    ids=lambda value: value.name if isinstance(value, layers.Layer) else "",
)
def test_each_layer_costs_what_it_does(layer, macs, element_wise, parameters):
    total = cost_of(layer)
    assert (total.macs, total.published, total.parameters) == (
        macs,
        macs + element_wise,
        parameters,
    )
    assert total.executed == total.published


@pytest.mark.parametrize(
    ("layer", "operations"),
    [
        (layers.Add(), 2),
        (layers.Multiply(), 2),
        (layers.Average(), 3),
        (WeightedFusion(), 8),
    ],
)
def test_joining_three_maps_costs_operations_on_each_element(layer, operations):
    assert cost_of(layer, 6, 6, 6).published == operations * 48 * 6 / 2


def test_parts_blocks_and_levels_add_up_to_the_whole(counted):
    for key in ("part", "block", "level", "layer", "kind"):
        sums = counted.by(key).values()
        for quantity in ("parameters", "all_parameters", "macs", "published", "executed"):
            expected = getattr(counted.total, quantity)
            assert sum(getattr(one, quantity) for one in sums) == pytest.approx(expected)


def test_parameters_are_those_of_the_model(counted):
    model = detector()
    trainable = sum(v.shape.num_elements() for v in model.trainable_variables)
    assert counted.total.parameters == trainable
    assert counted.total.all_parameters == model.count_params()


def test_every_part_and_block_and_level_is_there(counted):
    assert set(counted.by("part")) == set(PARTS) - {"backbone"}
    assert list(counted.by("block")) == [*range(1, 19), None]
    assert set(range(1, 8)) <= set(counted.by("level"))
    levels = {one.block: one.level for one in counted.layers if one.block}
    assert [levels[block] for block in (1, 2, 8, 15, 17)] == [1, 2, 6, 3, 7]


@pytest.fixture(scope="module")
def resnet():
    """A ResNet of keras-cv with two stages, at strides 4 and 8."""
    return keras_cv.models.ResNetBackbone(
        stackwise_filters=[8, 16],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        include_rescaling=True,
    )


def test_a_backbone_that_does_not_tell_is_one_part_with_the_levels_of_its_strides(resnet):
    counted = profile_model(resnet, 64)
    assert set(counted.by("part")) == {"backbone"}
    assert list(counted.by("block")) == [None]
    assert counted.total.all_parameters == resnet.count_params()
    assert [one.level for one in counted.layers if one.kind == "Conv2D"][:1] == [1]  # the stem
    levels = counted.by("level")
    assert list(levels) == [0, 1, 2, 3]
    assert levels[2].parameters > 0
    first = counted.layers[0]
    assert (first.kind, first.level, first.output) == ("Rescaling", 0, (64, 64, 3))
    assert counted.layers[-1].level == 3
    # Stage 2 reads 16 x 16 places and works at 8 x 8.
    assert counted.layers[-1].output == (8, 8, 64)


def test_what_reads_such_a_backbone_is_a_head(resnet):
    model = ImageClassifier(resnet, num_classes=2)
    parts = profile_model(model, 64).by("part")
    assert set(parts) == {"backbone", "heads"}
    assert parts["backbone"].all_parameters == resnet.count_params()
    assert parts["heads"].parameters == 64 * 2 + 2


def test_a_backbone_alone_tells_its_parts():
    backbone = EffSpineNetBackbone(width_multiplier=0.1, endpoint_width=8)
    parts = profile_model(backbone, 64).by("part")
    assert set(parts) == set(PARTS) - {"backbone"}
    assert parts["heads"].parameters == 0  # the average of the endpoints alone


def test_a_model_without_a_backbone_is_a_head():
    images = keras.Input((8, 8, 3))
    counted = profile_model(keras.Model(images, layers.Conv2D(2, 1, name="p3_conv")(images)))
    assert set(counted.by("part")) == {"heads"}


def test_a_shared_head_is_computed_on_each_level_and_its_weights_counted_once(counted):
    calls = [one for one in counted.layers if one.layer == "box_head_prediction"]
    sizes = {one.level: one.output[0] for one in calls}
    assert sizes == {3: 16, 4: 8, 5: 4, 6: 2, 7: 1}
    assert [one.cost.parameters > 0 for one in calls] == [True, False, False, False, False]


def test_upsampling_is_published_at_the_large_size_and_executed_at_the_small():
    counted = profile_model(detector(), 128)
    # Block 6 (L3) reads block 5 (L4): 16 x 16 instead of 8 x 8 places.
    convolution = next(one for one in counted.layers if one.layer == "block06_from05_conv")
    assert convolution.cost.published == 4 * convolution.cost.executed
    normalisation = next(one for one in counted.layers if one.layer == "block06_from05_bn")
    assert normalisation.cost.published == 4 * normalisation.cost.executed
    same_level = next(one for one in counted.layers if one.layer == "block04_from02_conv")
    assert same_level.cost.published == same_level.cost.executed
    assert counted.total.executed < counted.total.published


def test_a_model_is_counted_at_any_size_and_shape():
    model = detector()
    wide = profile_model(model, (64, 128))
    square = profile_model(model, 128)
    assert wide.image_size == (64, 128)
    assert wide.total.parameters == square.total.parameters
    assert wide.total.macs == pytest.approx(square.total.macs / 2, rel=0.01)
    odd = profile_model(model, 101)
    p3 = next(one for one in odd.layers if one.layer == "p3_conv")
    assert p3.output[:2] == (13, 13)


def test_a_model_of_fixed_size_is_counted_at_it():
    model = detector(input_shape=(64, 64, 3))
    assert profile_model(model).image_size == (64, 64)
    with pytest.raises(ProfilingError, match="cannot be counted at 128x128 px"):
        profile_model(model, 128)


@pytest.mark.parametrize("size", [None, 0, -3, (8,), (8, 2.5), "ab"])
def test_an_impossible_size_is_refused(size):
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(1, 1)])
    with pytest.raises(ProfilingError, match="height and width, whole numbers of pixels above 0"):
        profile_model(model, size)


def test_a_layer_of_unknown_cost_is_named():
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, layers.UpSampling2D(name="up")(images))
    with pytest.raises(ProfilingError, match="Layer 'up': it is not known what a UpSampling2D"):
        profile_model(model)


def test_a_model_without_a_graph_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(ProfilingError, match="only a functional model with one input"):
        profile_model(Own(name="own"), 64)


def test_a_model_within_is_counted_layer_by_layer_for_each_of_its_regions():
    images = keras.Input((32, 32, 4))
    pyramid = layers.Conv2D(4, 1, strides=8, padding="same", name="p3")(images)
    boxes = layers.Reshape((100, 4))(layers.Dense(25, name="boxes")(pyramid))
    head = keras.Model(
        crops := keras.Input((3, 3, 4)), layers.Conv2DTranspose(5, 2, 2, name="grow")(crops)
    )
    crops = RoiAlign(3, (3,))([pyramid], boxes)
    model = keras.Model(images, PartRegions(100)(head(JoinRegions()(crops))))
    (grow,) = (one for one in profile_model(model).layers if one.layer == "grow")
    assert grow.cost.parameters == 2 * 2 * 4 * 5 + 5
    assert grow.cost.macs == 100 * 9 * 2 * 2 * 4 * 5
    assert grow.cost.published == grow.cost.macs + 100 * 36 * 5 / 2

"""ImageClassifier: what it computes, keeps and refuses."""

import keras
import keras_cv
import numpy as np
import pytest
from keras_cv.src.utils.preset_utils import save_to_preset
from ladder import Ladder
from model_cases import CASES
from model_tester import ModelTester

from keras_effspine import EffSpineNetBackbone, ImageClassifier
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.topology.published import published_rows

pytestmark = pytest.mark.integration


class TestImageClassifier(ModelTester):
    """The tests of all task models."""

    case = CASES["classification"]


@pytest.fixture(scope="module")
def backbone():
    return EffSpineNetBackbone(width_multiplier=0.1, endpoint_width=8)


def small_backbone_of_keras_cv():
    return keras_cv.models.ResNetBackbone(
        stackwise_filters=[64, 64],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        include_rescaling=True,
        input_shape=(64, 64, 3),
        block_type="basic_block",
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype("float32")


def test_it_is_the_average_pooled_and_a_linear_layer(backbone, images):
    model = ImageClassifier(backbone, num_classes=3, dropout_rate=0.2)
    features = keras.ops.convert_to_numpy(model.backbone(images)).mean((1, 2))
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in model.get_layer("predictions").weights)
    logits = features @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(model(images, training=False), expected, rtol=1e-4)


def test_it_reads_each_level_of_the_pyramid_where_it_is_told(backbone, images):
    model = ImageClassifier(backbone, num_classes=3, pooling="pyramid", activation=None)
    names = model.backbone.pyramid_level_inputs
    levels = [model.get_layer(names[f"P{level}"]).output for level in range(3, 8)]
    logits, *maps = keras.Model(model.inputs[0], [model.output, *levels]).predict(images, verbose=0)
    features = np.concatenate([one.mean((1, 2)) for one in maps], -1)
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in model.get_layer("predictions").weights)
    np.testing.assert_allclose(logits, features @ kernel + bias, rtol=1e-4, atol=1e-5)
    assert model.get_config()["pooling"] == "pyramid"


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_it_learns_from_a_teacher_as_from_labels_that_are_mixed(images, share):
    student, teacher = (CASES["classification"].build(seed) for seed in (0, 1))
    size = len(student.weights)
    student.learn_from(teacher, share)
    student.compile(optimizer="sgd", loss="categorical_crossentropy")
    labels = np.eye(student.num_classes, dtype="float32")[[0, 1, 1, 2]]
    answers, taught = student(images), keras.ops.convert_to_numpy(teacher(images))
    mixed = (1 - share) * labels + share * taught
    expected = -(mixed * np.log(keras.ops.convert_to_numpy(answers))).sum(-1).mean()
    np.testing.assert_allclose(student.compute_loss(images, labels, answers), expected, rtol=1e-4)
    measured = student.compute_loss(images, labels, answers, training=False)
    hard = -(labels * np.log(keras.ops.convert_to_numpy(answers))).sum(-1).mean()
    np.testing.assert_allclose(measured, hard, rtol=1e-4)
    assert len(student.weights) == size, "the teacher is no part of the model"
    if share == 0.3:
        history = student.fit(images, labels, batch_size=len(images), verbose=0).history
        np.testing.assert_allclose(history["loss"], [expected], rtol=1e-4)


def test_a_teacher_of_other_classes_and_labels_without_shares_are_refused(images):
    student = CASES["classification"].build(0)
    with pytest.raises(ValueError, match="`teacher` must have outputs of the shape"):
        student.learn_from(CASES["classification"].build(0, num_classes=7))
    with pytest.raises(ValueError, match="Received: share=1.5"):
        student.learn_from(student, 1.5)
    student.learn_from(CASES["classification"].build(1))
    student.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="learns from one-hot labels"):
        student.compute_loss(images, np.array([0, 1, 1, 2]), student(images))


def test_a_backbone_of_keras_cv_is_taken():
    backbone = small_backbone_of_keras_cv()
    model = ImageClassifier(backbone, num_classes=4)
    assert model.output_shape == (None, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1"),
        ({"pooling": "sum"}, "`pooling` must be 'avg', 'max' or 'pyramid'"),
        ({"dropout_rate": 1.0}, r"`dropout_rate` must lie in \[0, 1\)"),
    ],
)
def test_arguments_out_of_range_are_refused(backbone, changes, message):
    with pytest.raises(ValueError, match=message):
        ImageClassifier(**{"backbone": backbone, "num_classes": 2, **changes})


def test_a_backbone_with_several_outputs_is_refused():
    backbone = small_backbone_of_keras_cv()
    several = keras.Model(backbone.inputs, [backbone.outputs[0], backbone.layers[5].output])
    with pytest.raises(ValueError, match="must have one output"):
        ImageClassifier(several, num_classes=2)


def test_a_preset_is_the_papers_classifier():
    model = ImageClassifier.from_preset("m0")
    assert model.output_shape == (None, 1000)
    assert (model.backbone.endpoint_width, model.backbone.use_space_to_depth) == (256, False)
    assert ImageClassifier.from_preset("m0", num_classes=7).num_classes == 7


def test_a_preset_with_weights_keeps_the_configuration_that_it_was_trained_in(tmp_path):
    backbone = Ladder(endpoint_width=16)
    save_to_preset(backbone, str(tmp_path / "mine"))
    model = ImageClassifier.from_preset(str(tmp_path / "mine"), num_classes=2)
    assert (model.backbone.endpoint_width, model.backbone.use_space_to_depth) == (16, True)
    weights = zip(model.backbone.get_weights(), backbone.get_weights(), strict=True)
    assert all((one == other).all() for one, other in weights)


def test_the_input_sizes_are_those_of_the_paper():
    presets = list_presets("EffSpineNetBackbone")
    rows = [row for row in published_rows() if row.task == "classification"]
    sizes = {row.model: row.input_size for row in rows if row.model in presets}
    assert sizes == {"d0": 224, "d1": 240, "d2": 256}
    for name, size in sizes.items():
        assert presets[name].input_sizes["classification"] == size
        assert ImageClassifier.presets[name]["metadata"]["input_size"] == size

"""A step of a supernet is the mean of the steps of its networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from beta_ladder import BetaLadder
from small_ladder import SmallLadder, write_preset

from keras_effspine.models.slicing import slice_weights
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.searching.sandwich import RANDOM, Sandwich, _distance
from keras_effspine.searching.space import SearchSpace
from keras_effspine.searching.supernet import build_supernet, cut_out
from keras_effspine.training.recipe import Recipe

pytestmark = pytest.mark.integration

CLASSES = ("blue", "red")
BETAS = (1, 10, 4, 4, 10, 1)


@pytest.fixture
def made(tmp_path):
    """Function from a backbone to its recipe, `Pretrained`, space and compiled supernet."""

    def make(backbone):
        start = find_pretrained(write_preset(tmp_path / "preset", backbone))
        options = {"classifier_backbone": "detection"}
        recipe = Recipe(task="classification", preset=start.name, options=options, image_size=32)
        space = SearchSpace(backbone.spec, (1, 4, 10))
        model = build_supernet(recipe, CLASSES, start, space.choices)
        model.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy", jit_compile=False)
        return recipe, start, space, model

    return make


@pytest.fixture(scope="module")
def batch():
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    return tf.constant(images), tf.one_hot([0, 1, 1, 0], 2)


def gradients(sandwich, model, batch, widths, taught=None):
    inputs, whole = model.training_inputs(batch)
    return sandwich._gradients(inputs, whole, tf.constant(widths, "int32"), taught)


def test_a_slice_learns_as_the_network_that_stands_alone(made, batch):
    recipe, start, space, supernet = made(BetaLadder())
    alone = cut_out(supernet, BETAS, recipe, CLASSES, start)
    alone.compile(loss="categorical_crossentropy", jit_compile=False)
    sandwich = Sandwich(supernet, space, seed=0)
    loss, _, found = gradients(sandwich, supernet, batch, space.widths(BETAS))
    with tf.GradientTape() as tape:
        expected_loss = alone.compute_loss(batch[0], batch[1], alone(batch[0], training=True))
    expected = tape.gradient(expected_loss, [w.value for w in alone.trainable_variables])
    assert float(loss) == float(expected_loss)
    # A gradient is sliced as its weight is, and is zero beside the slice.
    total = sum(float(tf.reduce_sum(abs(gradient))) for gradient in found)
    for weight, gradient in zip(supernet.trainable_variables, found, strict=True):
        weight.assign(gradient)
    slice_weights(supernet, alone)
    for weight, gradient in zip(alone.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(weight, gradient, rtol=1e-4, atol=1e-7)
    assert total == pytest.approx(sum(float(tf.reduce_sum(abs(g))) for g in expected), rel=1e-4)
    assert total > 0


def test_a_step_is_the_mean_of_the_biggest_the_smallest_and_random_networks(made, batch):
    *_, space, supernet = made(SmallLadder())
    sandwich = Sandwich(supernet, space, seed=3)
    supernet.optimizer.build(supernet.trainable_variables)
    sandwich.on_train_batch_begin(0)
    backbone, drawn = supernet.backbone, sandwich._drawn.numpy()
    before = [w.numpy() for w in supernet.trainable_variables]
    losses, sums = [], 0.0
    _, taught, _ = gradients(sandwich, supernet, batch, backbone.block_widths)
    networks = (backbone.block_widths, backbone.least_widths, *drawn)
    for number, widths in enumerate(networks):
        loss, _, found = gradients(sandwich, supernet, batch, widths, taught if number else None)
        losses.append(float(loss))
        sums = sums + np.array([g.numpy() for g in found], object)
    logs = sandwich.train_step(batch)
    assert float(logs["loss"]) == pytest.approx(np.mean(losses), rel=1e-5)
    assert len(networks) == 2 + RANDOM
    for was, now, total in zip(before, supernet.trainable_variables, sums, strict=True):
        np.testing.assert_allclose(now, was - 0.5 * total / len(networks), rtol=1e-4, atol=1e-5)


def test_what_is_drawn_depends_on_the_seed_and_the_step(made):
    *_, space, supernet = made(SmallLadder())

    def drawn(seed, step):
        sandwich = Sandwich(supernet, space, seed)
        supernet.optimizer.iterations.assign(step)
        sandwich.on_train_batch_begin(0)
        return sandwich._drawn.numpy().tolist()

    assert drawn(0, 5) == drawn(0, 5)
    assert len({str(drawn(*pair)) for pair in ((0, 5), (0, 6), (1, 5))}) == 3


def test_the_distance_from_the_biggest_is_relative_to_its_length():
    levels = [tf.constant([[3.0, 4.0]]), tf.constant([[0.0, 2.0]])]
    assert float(_distance(levels, levels)) == 0.0
    assert float(_distance([0 * level for level in levels], levels)) == pytest.approx(1.0)
    doubled = [2 * levels[0], levels[1]]
    assert float(_distance(doubled, levels)) == pytest.approx(0.5)

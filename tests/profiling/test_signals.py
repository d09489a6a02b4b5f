"""Signal propagation: known gains, dead blocks, and the command."""

import json

import keras
import keras_cv
import numpy as np
import pytest
from ladder import Ladder
from model_cases import TinyBackbone

from keras_effspine import RetinaNet
from keras_effspine.errors import ProfilingError
from keras_effspine.models.layer_roles import LayerRole
from keras_effspine.profiling.signals import noise, signals

pytestmark = pytest.mark.integration

GAINS = (2.0, 0.5, 3.0)
WIDTH = 6


class Stack(keras_cv.models.Backbone):
    """Rotations of the channels, each as a block, times a gain."""

    def __init__(self):
        inputs = keras.Input((None, None, WIDTH))
        x = keras.layers.Rescaling(0.5, 1.0, name="stem")(inputs)
        for number in range(1, len(GAINS) + 1):
            x = keras.layers.Conv2D(WIDTH, 1, name=f"turn{number}")(x)
            x = keras.layers.Activation("relu" if number == 3 else "linear", name=f"b{number}")(x)
        super().__init__(inputs=inputs, outputs=x)

    def layer_roles(self):
        roles = {"stem": LayerRole("stem")}
        for number in range(1, len(GAINS) + 1):
            roles |= {name: LayerRole("blocks", number) for name in (f"turn{number}", f"b{number}")}
        return roles


def test_a_known_stack_has_the_gains_that_are_worked_out_by_hand():
    random, stack = np.random.default_rng(0), Stack()
    for number, gain in enumerate(GAINS, start=1):
        turn, _ = np.linalg.qr(random.normal(size=(WIDTH, WIDTH)))
        shift = np.full(WIDTH, 0.25 * (number == 2))
        stack.get_layer(f"turn{number}").set_weights([gain * turn[None, None], shift])
    images = random.normal(0.0, 4.0, (4, 64, 64, WIDTH)).astype("float32")
    stem, first, second, third, output = signals(stack, images)
    # Half of a deviation of 4 plus 1: a mean square of 1, a variance of 4.
    assert (stem.place, stem.mean_square, stem.variance) == (
        "stem",
        pytest.approx(1.0, rel=0.05),
        pytest.approx(4.0, rel=0.02),
    )
    # A rotation keeps both sums over channels; a gain is squared.
    assert first.place == "block 1"
    assert first.mean_square == pytest.approx(4 * stem.mean_square, rel=1e-4)
    assert first.variance == pytest.approx(4 * stem.variance, rel=1e-4)
    assert second.variance == pytest.approx(stem.variance, rel=1e-4)
    # ReLU of what is nearly Gaussian with variance s: mean square and variance together s / 2 and
    # what the means add.
    before = 9 * (second.mean_square + second.variance)
    assert third.mean_square + third.variance == pytest.approx(before / 2, rel=0.3)
    assert (output.place, output.variance) == ("output", third.variance)
    assert not any(one.is_dead for one in (stem, first, second, third))


def test_a_dead_block_shows_and_the_model_stays_as_it_was():
    keras.utils.set_random_seed(0)
    model = RetinaNet(Ladder(), 2, "xywh", head_layers=1)
    images = noise(2, 64)
    assert not any(one.is_dead for one in signals(model, images))
    fusion = model.get_layer("block05_fusion")
    fusion.set_weights([np.full_like(w, -1.0) for w in fusion.get_weights()])
    before = model.get_weights()
    found = signals(model, images)
    dead = [one.place for one in found if one.is_dead]
    assert dead[:2] == ["fusion of block 5", "block 5"] and "P6" in dead
    assert not {"block 3", "block 4", "P3", "P4"} & set(dead)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_noise_is_as_bright_as_photographs():
    pictures = noise(4, 64)
    assert pictures.shape == (4, 64, 64, 3)
    assert pictures.mean() == pytest.approx(118, abs=1) and pictures.std() == pytest.approx(
        58, abs=1
    )


def test_a_backbone_that_does_not_tell_is_named():
    with pytest.raises(ProfilingError, match="does not tell what its layers are for"):
        signals(TinyBackbone(), noise(1, 64))


def test_the_command_measures_noise_and_pictures(effspine, small_shapes, tmp_path):
    ended = effspine(
        *("profile", "--preset", "m0", "--image-size", 64, "--signals"),
        *("--set", "backbone.normalization=evonorm_s0", "--out", tmp_path / "signals.json"),
    )
    assert (ended.status, ended.err) == (0, "")
    assert "fusion of block 17" in ended.out and "dead" not in ended.out
    written = json.loads((tmp_path / "signals.json").read_text())
    assert [one["place"] for one in written["noise"]][-3:] == ["P7", "output", "output"]
    assert all(np.isfinite(one["variance"]) for one in written["pictures"])
    assert written["noise"] != written["pictures"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--paper", "--signals"], "leave out --signals and --set"),
        (["--signals", "--set", "backbone.normalization=none"], "must be one of batch_norm"),
        (["--signals", "--data", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_measured_is_one_line(effspine, options, message):
    ended = effspine("profile", *options)
    assert ended.status == 2
    assert message in ended.err and ended.err.count("\n") == 1

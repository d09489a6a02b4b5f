"""The optimizer that a recipe describes."""

import keras
import numpy as np
import pytest

from keras_effspine.errors import RecipeError
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.optimizer import build_optimizer, rate_schedule


def rate_after(optimizer, step):
    optimizer.iterations.assign(step)
    return float(optimizer.learning_rate)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_the_rate_rises_over_the_warm_up_and_falls_to_zero_at_the_end(name):
    optimizer = build_optimizer(
        Optimization(optimizer=name, learning_rate=0.4, warmup=0.2), steps=1000
    )
    assert rate_after(optimizer, 0) == 0
    assert rate_after(optimizer, 100) == pytest.approx(0.2)
    assert rate_after(optimizer, 200) == pytest.approx(0.4)
    assert rate_after(optimizer, 600) == pytest.approx(0.2, abs=1e-3)
    assert rate_after(optimizer, 1000) == pytest.approx(0, abs=1e-6)
    assert rate_after(optimizer, 1500) == pytest.approx(0, abs=1e-6)


def test_without_warm_up_the_rate_starts_at_its_peak():
    optimizer = build_optimizer(Optimization(learning_rate=0.4, warmup=0), steps=10)
    assert rate_after(optimizer, 0) == pytest.approx(0.4)
    assert rate_after(optimizer, 5) == pytest.approx(0.2)


def test_the_rate_of_the_paper_rises_in_2000_steps_and_drops_twice_before_the_end():
    optimization = Optimization(
        optimizer="sgd",
        learning_rate=0.28,
        schedule="step",
        drops=((30, 0.1), (10, 0.01)),
        warmup=2000,
        warmup_start=0.0067,
    )
    optimizer = build_optimizer(optimization, steps=650 * 462, steps_per_epoch=462)
    assert rate_after(optimizer, 0) == pytest.approx(0.0067)
    assert rate_after(optimizer, 1000) == pytest.approx((0.0067 + 0.28) / 2)
    for epoch, rate in ((100, 0.28), (619.9, 0.28), (620, 0.028), (639.9, 0.028), (640, 0.0028)):
        assert rate_after(optimizer, int(epoch * 462)) == pytest.approx(rate), epoch
    assert rate_after(optimizer, 650 * 462) == pytest.approx(0.0028)


def test_l2_moves_kernels_as_a_term_of_the_loss_would():
    optimization = Optimization(
        optimizer="sgd",
        momentum=0.0,
        nesterov=False,
        learning_rate=0.5,
        warmup=0,
        schedule="step",
        drops=(),
        weight_decay=0.1,
        decay="l2",
    )
    optimizer = build_optimizer(optimization, steps=10)
    kernel, bias = (keras.Variable(np.full(2, 4.0, "float32"), name=n) for n in ("kernel", "bias"))
    optimizer.build([kernel, bias])
    optimizer.apply([np.ones(2, "float32"), np.ones(2, "float32")])
    np.testing.assert_allclose(kernel, 4.0 - 0.5 * (1 + 0.1 * 4.0), rtol=1e-6)
    np.testing.assert_allclose(bias, 4.0 - 0.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decay": "l2"}, "'l2' belongs to 'sgd'"),
        ({"warmup": 1.5}, "a share below 1 or a whole number of steps"),
        ({"drops": ((10, 0.01), (30, 0.1))}, "the one furthest from the end first"),
        ({"momentum": 1.0}, "less than 1"),
        ({"schedule": "stairs"}, "'cosine', 'step' or 'exponential'"),
    ],
)
def test_values_that_do_not_fit_together_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Optimization(**values)


@pytest.mark.parametrize(
    ("values", "steps", "message"),
    [
        ({"warmup": 2000}, 2000, r"rises for 2000 steps .*the run has 2000: .*warmup=0\.05"),
        ({"warmup": 0, "schedule": "step"}, 300, r"30 epochs before the end .*step 0 of 300"),
        ({"warmup": 0.5, "schedule": "step"}, 590, "step 290 of 590, before .* 295 steps"),
    ],
)
def test_a_rate_that_would_not_reach_its_peak_is_refused(values, steps, message):
    with pytest.raises(RecipeError, match=message):
        build_optimizer(Optimization(**values), steps, steps_per_epoch=10)


@pytest.mark.parametrize(
    ("values", "halved_at"),
    [
        ({"warmup": 0.2}, 600),
        ({"warmup": 0}, 500),
        ({"warmup": 100, "schedule": "step"}, 700),
        ({"warmup": 0.1, "schedule": "step", "drops": ()}, 100),
        ({"warmup": 0, "schedule": "exponential", "exponential": (0.7, 10)}, 200),
    ],
)
def test_the_step_from_which_the_rate_is_half_its_peak(values, halved_at):
    assert rate_schedule(Optimization(**values), 1000, steps_per_epoch=10).halved_at() == halved_at


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_of_few_steps_has_finite_rates(steps):
    optimizer = build_optimizer(Optimization(warmup=0.99), steps)
    assert all(np.isfinite(rate_after(optimizer, step)) for step in range(steps + 1))


@pytest.mark.parametrize("name", ["adamw", "sgd"])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_weight_decay_and_clipping_can_be_left_out(name, clip_norm):
    optimization = Optimization(optimizer=name, weight_decay=0, warmup=0, clip_norm=clip_norm)
    optimizer = build_optimizer(optimization, steps=4)
    kernel = keras.Variable(np.ones(3, "float32"), name="kernel")
    optimizer.build([kernel])
    optimizer.apply([np.zeros(3, "float32")])
    np.testing.assert_array_equal(kernel, np.ones(3))


def test_the_gradient_is_clipped_as_a_whole():
    optimization = Optimization(
        optimizer="sgd", learning_rate=1, warmup=0, weight_decay=0, clip_norm=5
    )
    optimizer = build_optimizer(optimization, steps=10**6)
    first, second = (keras.Variable(np.zeros(1, "float32")) for _ in range(2))
    optimizer.build([first, second])
    optimizer.apply([np.array([30.0], "float32"), np.array([40.0], "float32")])
    moved = np.concatenate([first, second])
    # Nesterov's first step goes 1.9 times as far.
    np.testing.assert_allclose(moved, [-3 * 1.9, -4 * 1.9], rtol=1e-5)


@pytest.fixture(scope="module")
def detector():
    import keras_effspine

    backbone = keras_effspine.EffSpineNetBackbone(
        widths=[8] * 18, endpoint_width=8, input_shape=(None, None, 3)
    )
    return keras_effspine.RetinaNet(
        backbone=backbone, num_classes=2, bounding_box_format="xyxy", head_layers=1
    )


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_of_a_detector_only_kernels_decay(detector, name):
    optimizer = build_optimizer(
        Optimization(optimizer=name, learning_rate=0.1, weight_decay=0.5, warmup=0), steps=100
    )
    variables = detector.trainable_variables
    for variable in variables:
        variable.assign(np.ones(variable.shape, "float32"))
    optimizer.build(variables)
    optimizer.apply([np.zeros(variable.shape, "float32") for variable in variables])
    shrunk, kept = set(), set()
    for variable in variables:
        value = np.unique(np.asarray(variable))
        assert len(value) == 1
        (kept if value[0] == 1 else shrunk).add(variable.path.rpartition("/")[2])
    assert shrunk == {"kernel", "depthwise_kernel", "pointwise_kernel"} & shrunk
    assert "kernel" in shrunk
    assert {"gamma", "beta", "bias", "fusion_weights"} <= kept
    assert not any("kernel" in name for name in kept)


def test_the_rate_of_efficientnet_falls_by_three_percent_every_2_4_epochs():
    optimization = Optimization(
        optimizer="rmsprop", learning_rate=0.256, warmup=1565, schedule="exponential", decay="l2"
    )
    optimizer = build_optimizer(optimization, steps=350 * 313, steps_per_epoch=313)
    assert isinstance(optimizer, keras.optimizers.RMSprop)
    assert (optimizer.rho, optimizer.momentum, optimizer.epsilon) == (0.9, 0.9, 1e-3)
    assert optimizer.l2 == optimization.weight_decay
    for epoch, drops in ((5, 2), (7.1, 2), (7.3, 3), (240.1, 100)):
        assert rate_after(optimizer, round(epoch * 313)) == pytest.approx(
            0.256 * 0.97**drops, rel=1e-4
        )

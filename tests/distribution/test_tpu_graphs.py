"""The graphs that TPUStrategy would give a TPU can be compiled for one."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

HERE = pathlib.Path(__file__).parent
TASKS = ("detection", "semantic_segmentation", "classification", "instance_segmentation")
STEPS = ("train", "evaluate", "predict")


@pytest.fixture(scope="module")
def kernels():
    """Operations with a kernel for TPUs."""
    return set(json.loads((HERE / "xla_tpu_jit_ops.json").read_text())["ops"])


@pytest.fixture(scope="module")
def graphs():
    support = str(HERE.parent / "support")
    run = subprocess.run(
        [sys.executable, str(HERE / "tpu_graphs.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([support, *sys.path])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    result = json.loads(run.stdout.splitlines()[-1])
    if "skip" in result:
        pytest.skip(f"TPUStrategy cannot be made without a TPU: {result['skip']}")
    assert result["replicas"] == 4
    return result


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("task", TASKS)
def test_every_operation_of_a_step_has_a_kernel_for_tpus(graphs, kernels, task, step):
    assert set(graphs["tasks"][task]["graphs"][step]["ops"]) - kernels == set()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("task", TASKS)
def test_every_shape_of_a_step_is_static(graphs, task, step):
    assert graphs["tasks"][task]["graphs"][step]["not_static"] == []


@pytest.mark.parametrize("task", TASKS)
def test_a_training_step_sums_gradients_and_statistics_over_the_replicas(graphs, task):
    """A sum for each gradient, three for each normalisation, and one for a divisor of a loss."""
    model = graphs["tasks"][task]
    train = model["graphs"]["train"]["ops"]
    normalisations = train["RsqrtGrad"]
    assert train["CrossReplicaSum"] >= model["variables"] + 3 * normalisations + (
        task != "classification"  # whose loss is a mean
    )
    assert train["StatelessRandomUniformV2"] > 0, "stochastic depth"
    assert model["gradient_norm_is_clipped"]


@pytest.mark.parametrize("task", TASKS)
def test_a_training_step_is_left_to_the_strategy_to_compile(graphs, task):
    assert graphs["tasks"][task]["xla_of_its_own"] is False


def test_prediction_ends_with_detections(graphs):
    predict, evaluate = (graphs["tasks"]["detection"]["graphs"][s] for s in ("predict", "evaluate"))
    assert predict["ops"]["TopKV2"] > 0, "suppression"
    assert "TopKV2" not in evaluate["ops"], "which is not paid for where nobody asks for it"


def test_suppression_of_many_candidates_has_kernels_and_static_shapes(graphs, kernels):
    assert set(graphs["suppression"]["ops"]) - kernels == set()
    assert graphs["suppression"]["not_static"] == []
    assert graphs["suppression"]["ops"]["TopKV2"] > 2


def test_a_metric_of_detections_is_measured_in_the_evaluation_step(graphs, kernels):
    with_metric = graphs["metrics"]["in operations"]
    assert set(with_metric["ops"]) - kernels == set()
    assert with_metric["not_static"] == []
    assert with_metric["ops"]["TopKV2"] > 0


def test_of_keras_cvs_metric_only_its_own_python_code_has_no_kernel(graphs, kernels):
    """It keeps detections in Python lists, and says itself that it is not for TPUs."""
    assert set(graphs["metrics"]["keras-cv's"]["ops"]) - kernels == {"EagerPyFunc"}


@pytest.mark.parametrize(
    ("control", "operation"),
    [("numpy_function", "PyFunc"), ("bicubic resize", "ResizeBicubic")],
)
def test_an_operation_without_a_kernel_is_noticed(graphs, kernels, control, operation):
    assert operation in set(graphs["controls"][control]["ops"]) - kernels


def test_a_shape_that_depends_on_values_is_noticed(graphs):
    assert "Where" in graphs["controls"]["boolean_mask"]["not_static"]

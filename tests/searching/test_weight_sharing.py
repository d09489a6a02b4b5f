"""One network is trained, its slices are measured, and the best one is shipped with its weights."""

import pickle
import types

import keras
import numpy as np
import pytest
from small_ladder import SmallLadder

from keras_effspine.errors import RunFolderError, SearchError, StoppedError
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.preset import read_preset
from keras_effspine.searching import slice_scores, weight_sharing
from keras_effspine.searching import supernet_training as module
from keras_effspine.searching.plan import plan_search
from keras_effspine.searching.sandwich import Sandwich
from keras_effspine.searching.search import run_plan
from keras_effspine.searching.supernet import build_supernet
from keras_effspine.searching.trained_supernet import TrainedSupernet
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.recipe_changes import override

pytestmark = pytest.mark.integration

BETAS = (1, 4, 10)


def quiet(line):
    pass


def plan_of(recipe, **changes):
    recipe = override(recipe, {"steps": 4, **changes})
    return plan_search(recipe, BETAS, 1e9, report=quiet, weight_sharing=True)


@pytest.fixture(scope="module", autouse=True)
def few_pictures():
    """Statistics are taken from four batches."""
    with pytest.MonkeyPatch.context() as patch:
        for one in (slice_scores, weight_sharing):
            patch.setattr(one, "RECALIBRATED_ON", 8)
        yield


@pytest.fixture(scope="module")
def searched(recipe, tmp_path_factory):
    """The folder of a search that has ended, and what it said."""
    out, said = tmp_path_factory.mktemp("searches") / "search", []
    run_plan(plan_of(recipe), out, algorithm="random", candidates=2, report=said.append)
    return out, said


def test_a_search_ends_in_a_preset_that_needs_no_training(searched, recipe):
    out, said = searched
    assert "Training one network that holds all candidates" in said[1]
    assert "with the preset's own distribution" in "".join(said)
    assert "Each is a slice of one network" in (out / "report.md").read_text()
    start = find_pretrained(out / "best")
    assert start.predicts and start.class_names == ("blue", "red") and start.image_size == 32
    # It says what the supernet says while the winner is selected.
    plan = plan_of(recipe)
    supernet = TrainedSupernet.open(out / "supernet", plan.space)
    model = start.read_model()
    betas = tuple(model.backbone.betas)
    metrics = supernet.metrics(betas, 0)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(model(images), supernet._model(images))
    # So does a worker, to which the evaluator is pickled.
    plan.evaluator.prepare(out, quiet)
    worker = pickle.loads(pickle.dumps(plan.evaluator))
    assert worker.evaluate(betas, 0, out / "work", {}).score == metrics["top1"]
    assert metrics["top1"] == read_preset(out / "best").trained["measured"]["top1"]


def test_from_the_command_line_a_search_goes_on_and_trains_nothing_again(
    searched, preset, pictures, effspine, monkeypatch
):
    out, _ = searched
    monkeypatch.setattr(module, "train_supernet", None)
    options = (
        f"--task classification --preset {preset} --data {pictures} --reserve 2 --image-size 32 "
        "--batch-size 2 --steps 4 --set evaluations=2 --set classifier_backbone=detection "
        "--algorithm random --betas 1,4,10 --multiply-adds 1e9 --weight-sharing --candidates 3"
    )
    run = effspine("search", *options.split(), "--out", out)
    assert run.status == 0, run.err
    assert "Going on: 2 evaluated before." in run.out
    assert "the winner, trained, is" in run.out
    assert run.out.count("score") > 3


def test_a_search_that_trains_each_candidate_is_another(searched, recipe):
    out, _ = searched
    other = plan_search(override(recipe, {"steps": 4}), BETAS, 1e9, report=quiet)
    with pytest.raises(RunFolderError, match="holds another search"):
        run_plan(other, out, algorithm="random", candidates=2, report=quiet)
    with pytest.raises(RunFolderError, match="evaluator"):
        run_plan(plan_of(recipe, steps=5), out, algorithm="random", candidates=2, report=quiet)


def test_a_training_that_was_interrupted_goes_on(searched, recipe, tmp_path, monkeypatch):
    plan, (out, _) = plan_of(recipe), searched
    begin = Sandwich.on_train_batch_begin

    def interrupted(self, batch, logs=None):
        begin(self, batch, logs)
        if self._supernet.optimizer.iterations == 3:
            raise KeyboardInterrupt

    said = []
    with monkeypatch.context() as patched:
        patched.setattr(Sandwich, "on_train_batch_begin", interrupted)
        with pytest.raises(StoppedError, match="Stopped with 0 candidates evaluated"):
            run_plan(plan, tmp_path / "search", algorithm="random", report=said.append)
    assert said[-1] == "The network of all candidates is kept as it is at step 3."
    assert not (tmp_path / "search" / "best").exists()
    said.clear()
    plan.evaluator.prepare(tmp_path / "search", said.append)
    assert "4 steps of 2, of which 3 are done" in said[0]
    one, other = (
        TrainedSupernet(module.RunFolder.open(folder / "supernet"), plan.space)
        for folder in (out, tmp_path / "search")
    )
    for a, b in zip(one._model.weights, other._model.weights, strict=True):
        if "moving" not in a.path:
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=a.path)


def test_rehearsals_and_candidates_of_another_seed_have_statistics_of_other_pictures(
    searched, recipe
):
    out, _ = searched
    supernet = TrainedSupernet.open(out / "supernet", plan_of(recipe).space)
    statistics = []
    for seed in (0, 0, 1):
        supernet.metrics((1, 4, 10), seed)
        layer = supernet._model.get_layer("stem_bn")
        statistics.append(keras.ops.convert_to_numpy(layer.moving_mean))
    np.testing.assert_array_equal(statistics[0], statistics[1])
    assert not np.array_equal(statistics[0], statistics[2])


def test_several_devices_are_refused(recipe, tmp_path, monkeypatch):
    replicas = types.SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(module, "build_strategy", lambda name: replicas)
    with pytest.raises(SearchError, match="trains on one device, not on 2"):
        run_plan(plan_of(recipe), tmp_path / "search", candidates=1, report=quiet)


def test_blocks_that_cannot_be_shared_are_refused(recipe, monkeypatch):
    recipe = override(recipe, {"backbone.stochastic_depth_rate": 0.0})
    task = type(find_task("classification"))
    backbone = SmallLadder()
    backbone.spec = types.SimpleNamespace(
        table=types.SimpleNamespace(name="others", blocks=[types.SimpleNamespace(kind="residual")]),
        resample_alpha=None,
    )
    assert isinstance(backbone, ScalePermutedBackbone)
    made = types.SimpleNamespace(backbone=backbone)
    monkeypatch.setattr(task, "build_model", lambda *arguments: made)
    with pytest.raises(SearchError, match="MBConv blocks .* Search without --weight-sharing"):
        build_supernet(recipe, ("a", "b"), find_pretrained(recipe.preset), BETAS)

"""Runs that are stopped, killed, broken or repeated."""

import io
import os
import shutil
import signal
import zipfile

import keras
import numpy as np
import pytest

import keras_effspine
from keras_effspine.errors import RunFolderError, StoppedError, TrainingError
from keras_effspine.optimizers import MovingAverages
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.batch_log import BatchLog
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.training.checkpoint import Checkpoint
from keras_effspine.training.curves import Curves
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


def quietly(recipe, out):
    said = []
    folder, _ = train(recipe, out, report=said.append, verbose=0)
    return folder, said


def stop_at(monkeypatch, step, error=KeyboardInterrupt):
    """Makes the run end with an error after a step."""
    write = Curves.on_train_batch_end

    def stop(self, batch, logs=None):
        write(self, batch, logs)
        if steps_taken(self.model) == step:
            raise error

    monkeypatch.setattr(Curves, "on_train_batch_end", stop)


def weights_of(folder):
    return keras_effspine.load_model(folder.path, last=True).get_weights()


@pytest.fixture
def whole(counting_recipe, once):
    """A run that nothing stopped, which all tests share."""
    return once("counted", lambda folder: quietly(counting_recipe, folder)[0])


@pytest.fixture
def complete(whole, tmp_path):
    """A copy of it."""
    return RunFolder.open(shutil.copytree(whole.path, tmp_path / "run"))


@pytest.mark.parametrize("step", [3, 4, 5])
def test_a_stopped_run_goes_on_to_the_weights_of_one_that_was_not(
    whole, counting_recipe, tmp_path, monkeypatch, step
):
    with monkeypatch.context() as context:
        stop_at(context, step)
        with pytest.raises(StoppedError, match=f"Stopped at step {step} of 8; the same command"):
            quietly(counting_recipe, tmp_path / "stopped")
    resumed, said = quietly(counting_recipe, tmp_path / "stopped")
    assert any(f"8 steps of 3, of which {step} are done" in line for line in said)
    for one, other in zip(weights_of(whole), weights_of(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    model = keras_effspine.load_model(resumed.path, last=True)
    assert int(model.optimizer.iterations) == 8
    history = resumed.read_json("metrics.json")["history"]
    # Step 4 ends an epoch; stopped there, the run owes the measurement, and makes it later.
    assert [entry["step"] for entry in history] == [4, 8]


def test_a_complete_run_is_measured_and_not_trained_again(complete, counting_recipe, tmp_path):
    weights, result = weights_of(complete), complete.read_json("metrics.json")["result"]
    _, said = quietly(counting_recipe, tmp_path / "run")
    assert any("of which 8 are done" in line for line in said)
    assert complete.read_json("metrics.json")["result"] == result
    for one, other in zip(weights_of(complete), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_recipe_is_refused_and_the_difference_named(complete, counting_recipe, tmp_path):
    other = override(counting_recipe, {"batch_size": 2, "optimization.learning_rate": 0.5})
    with pytest.raises(RunFolderError) as raised:
        quietly(other, tmp_path / "run")
    assert "batch_size: 3; now 2" in str(raised.value)
    assert "optimization.learning_rate: 0.01; now 0.5" in str(raised.value)
    assert "seed" not in str(raised.value)


def test_a_second_process_on_the_folder_is_turned_away(counting_recipe, tmp_path):
    with RunFolder.claim(tmp_path / "run", counting_recipe, ("a",)):
        with pytest.raises(RunFolderError, match="another process is training in this folder"):
            with RunFolder.claim(tmp_path / "run", counting_recipe, ("a",)):
                pass
    with RunFolder.claim(tmp_path / "run", counting_recipe, ("a",)):
        pass  # let go of


def test_a_broken_checkpoint_is_named(complete, counting_recipe, tmp_path):
    complete.model_file.write_bytes(complete.model_file.read_bytes()[:1000])
    with pytest.raises(RunFolderError, match=r"model\.keras: cannot be loaded"):
        quietly(counting_recipe, tmp_path / "run")


def test_a_loss_that_is_not_a_number_names_the_step_and_its_pictures(
    counting_recipe, handful, tmp_path, monkeypatch
):
    recipe = override(
        counting_recipe,
        {"optimization.learning_rate": 1e30, "optimization.clip_norm": None, "batch_size": 2},
    )
    with pytest.raises(TrainingError) as raised:
        quietly(recipe, tmp_path / "run")
    message = str(raised.value)
    step = int(message.split()[1].rstrip(":"))
    assert f"Step {step}: the loss is" in message
    log = BatchLog(handful.records)
    batches = training_batches(
        handful.records,
        ImageDecoder(handful.records),
        lambda sample: {},
        64,
        2,
        recipe.seed,
        log=log,
    )
    keras.utils.set_random_seed(recipe.seed)
    for _ in batches.take(step):
        pass
    assert f"(pictures {', '.join(map(str, log.image_ids(step - 1)))})" in message
    assert not (tmp_path / "run" / "model.keras").exists()


def test_weights_that_are_not_finite_are_never_kept(counting_recipe, tmp_path):
    folder, _ = quietly(counting_recipe, tmp_path / "run")
    before = folder.model_file.read_bytes()
    model = keras_effspine.load_model(folder.path, last=True)
    model.optimizer.iterations.assign(9)
    model.weights[0].assign(np.full(model.weights[0].shape, np.nan))
    checkpoint = Checkpoint(folder, MovingAverages(model))
    checkpoint.set_model(model)
    with pytest.raises(TrainingError, match="kernel is no longer finite"):
        checkpoint.save()
    assert folder.model_file.read_bytes() == before


def test_a_full_disk_is_one_clear_line(counting_recipe, tmp_path, monkeypatch):
    def full(self, filepath, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(RunFolderError, match=r"model\.keras: cannot be written .*No space left"):
        quietly(counting_recipe, tmp_path / "run")


def test_ctrl_c_ends_the_command_line_with_status_130(
    counting, handful, effspine, tmp_path, monkeypatch
):
    stop_at(monkeypatch, 2)
    options = ["--image-size", 64, "--batch-size", 2, "--steps", 4, "--out", tmp_path / "run"]
    data = ["--data", handful.file, "--images", handful.images]
    ended = effspine("train", "--task", "counting", *data, *options)
    assert ended.status == 130
    assert "Stopped at step 2 of 4; the same command goes on from there." in ended.out
    assert "Traceback" not in ended.err


def test_sigterm_keeps_a_checkpoint_as_ctrl_c_does(counting_recipe, tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    write = Curves.on_train_batch_end

    def terminate(self, batch, logs=None):
        write(self, batch, logs)
        if int(self.model.optimizer.iterations) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Curves, "on_train_batch_end", terminate)
    with pytest.raises(StoppedError, match="Stopped at step 3 of 8"):
        quietly(counting_recipe, tmp_path / "run")
    model = keras_effspine.load_model(tmp_path / "run", last=True)
    assert int(model.optimizer.iterations) == 3
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_stream_goes_on_where_it_stopped(handful):
    def batches(first_batch):
        keras.utils.set_random_seed(0)
        stream = training_batches(
            handful.records,
            ImageDecoder(handful.records),
            lambda sample: {"classes": sample["classes"][:1]},
            64,
            1,
            3,
            Augmentation(scale_jitter=(0.5, 2.0), mosaic=0.5),
            first_batch=first_batch,
        )
        return [images.numpy() for images, _ in stream.take(10 - first_batch)]

    for one, other in zip(batches(0)[7:], batches(7), strict=True):
        np.testing.assert_array_equal(one, other)


def scores(monkeypatch, values):
    """Makes measurements give these values one after the other."""
    from counting_task import _Evaluator, _Result

    values = iter(values)

    def result(self):
        found = _Result(0.0)
        found.metrics["exactness"] = next(values)
        return found

    monkeypatch.setattr(_Evaluator, "result", result)


def test_the_best_model_is_kept_beside_the_last(counting_recipe, tmp_path, monkeypatch):
    scores(monkeypatch, [0.3, 0.8, 0.8, None])
    folder, _ = quietly(override(counting_recipe, {"evaluations": 4}), tmp_path / "run")
    steps = {
        name: int(keras_effspine.load_model(folder.path / name).optimizer.iterations)
        for name in ("best.keras", "model.keras")
    }
    assert steps == {"best.keras": 4, "model.keras": 8}
    assert folder.read_json("metrics.json")["best"]["step"] == 4


def test_a_run_ends_when_its_patience_does_and_stays_ended(counting_recipe, tmp_path, monkeypatch):
    # The rate is half its peak from step 5 on.
    recipe = override(counting_recipe, {"evaluations": 8, "patience": 2})
    scores(monkeypatch, [0.7, 0.8, 0.3, 0.3, 0.3, 0.7])
    folder, said = quietly(recipe, tmp_path / "run")
    assert any("Not better than at step 2 for 2 measurements: the run ends" in s for s in said)
    assert int(keras_effspine.load_model(folder.path, last=True).optimizer.iterations) == 6
    scores(monkeypatch, [0.7])
    quietly(recipe, tmp_path / "run")
    assert int(keras_effspine.load_model(folder.path, last=True).optimizer.iterations) == 6


def test_a_run_may_go_on_under_another_strategy(counting_recipe, tmp_path, monkeypatch):
    with monkeypatch.context() as context:
        stop_at(context, 3)
        with pytest.raises(StoppedError):
            quietly(override(counting_recipe, {"strategy": "auto"}), tmp_path / "run")
    folder, said = quietly(override(counting_recipe, {"strategy": "cpu"}), tmp_path / "run")
    assert any("of which 3 are done" in line for line in said)
    assert int(keras_effspine.load_model(folder.path, last=True).optimizer.iterations) == 8


def test_users_get_the_averages_and_the_weights_are_kept_to_train_on(counting_recipe, tmp_path):
    recipe = override(counting_recipe, {"optimization.ema": 0.5})
    folder, _ = quietly(recipe, tmp_path / "run")
    plain, _ = quietly(override(recipe, {"optimization.ema": None}), tmp_path / "plain")
    with zipfile.ZipFile(folder.model_file) as archive:
        with np.load(io.BytesIO(archive.read("trained_weights.npz"))) as arrays:
            trained = [arrays[name] for name in arrays.files]
    for average, weight, alone in zip(weights_of(folder), trained, weights_of(plain), strict=True):
        np.testing.assert_array_equal(weight, alone)  # averaging does not change what is learnt
        assert not np.array_equal(average, weight)
    measured, otherwise = (run.read_json("metrics.json")["history"] for run in (folder, plain))
    assert measured != otherwise

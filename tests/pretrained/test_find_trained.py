"""Trained models by name: run folders and presets with weights."""

import numpy as np
import pytest

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.errors import PresetError, RunFolderError
from keras_effspine.pretrained.find_trained import find_trained
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.registry import find_task

pytestmark = pytest.mark.integration

BLOOD_CELLS = "m1_bccd"


@pytest.fixture(scope="module")
def blood_cells():
    return keras_effspine.RetinaNet.from_preset(BLOOD_CELLS)


def test_a_preset_with_weights_is_small_and_says_how_it_came_about():
    preset = list_presets("RetinaNet")[BLOOD_CELLS]
    size = sum(file.stat().st_size for file in preset.folder.iterdir())
    assert size < 4e6
    assert preset.trained["class_names"] == ["WBC", "RBC", "Platelets"]
    assert 0.5 < preset.trained["measured"]["AP"] < 1
    assert preset.trained["command"] and preset.trained["licence"]
    assert BLOOD_CELLS in keras_effspine.RetinaNet.presets_with_weights
    assert "m1" not in keras_effspine.RetinaNet.presets_with_weights


def test_its_weights_are_loaded_and_not_drawn(blood_cells):
    random = keras_effspine.RetinaNet.from_preset(BLOOD_CELLS, load_weights=False)
    assert blood_cells.num_classes == random.num_classes == 3
    assert blood_cells.count_params() == list_presets()[BLOOD_CELLS].parameters
    kernel = blood_cells.get_layer("stem_conv").kernel.numpy()
    assert kernel.dtype == "float32"
    np.testing.assert_array_equal(kernel, kernel.astype("float16"))
    assert not np.array_equal(kernel, random.get_layer("stem_conv").kernel.numpy())
    statistics = blood_cells.get_layer("stem_bn").moving_variance.numpy()
    assert not np.allclose(statistics, 1.0)


@pytest.mark.real_data
def test_it_measures_what_it_says(blood_cells, real_data):
    preset = list_presets()[BLOOD_CELLS]
    trained = find_trained(BLOOD_CELLS)
    assert (trained.image_size, trained.class_names) == (
        preset.input_size,
        ("WBC", "RBC", "Platelets"),
    )
    test = load_records(real_data / "bccd" / "test.json", real_data / "bccd" / "JPEGImages")
    result = evaluate(find_task(trained.task), blood_cells, test, trained.image_size).result()
    measured = preset.trained["measured"]
    assert result.metrics["AP"] == pytest.approx(measured["AP"], abs=2e-3)
    assert result.metrics["AP50"] == pytest.approx(measured["AP50"], abs=2e-3)


def test_what_is_no_trained_model_is_named_with_those_there_are(tmp_path):
    for source, words in (
        ("m1", "without a trained model"),
        (str(tmp_path / "m1"), "there is no such run folder"),
        (str(tmp_path), "not a run folder"),
    ):
        with pytest.raises(RunFolderError, match=rf"{words}.*Presets with.*{BLOOD_CELLS}"):
            find_trained(source)


def test_a_run_folder_opens_as_well(counting_recipe, tmp_path):
    from keras_effspine.training.train import train

    folder, _ = train(counting_recipe, tmp_path / "run", report=print, verbose=0)
    trained = find_trained(str(folder.path))
    assert (trained.run, trained.task) == (folder.path, "counting")
    assert (trained.image_size, trained.batch_size) == (64, 3)
    assert trained.read_model().count_params() > 0


def test_a_preset_has_no_data_of_its_own_to_be_measured_on(effspine):
    ended = effspine("evaluate", BLOOD_CELLS)
    assert ended.status == 2
    assert f"{BLOOD_CELLS}: a preset has no data of its own; name some with --data." in ended.err


def test_a_preset_says_what_it_lacks_to_predict(blood_cells, tmp_path):
    blood_cells.save_to_preset(tmp_path / "mine", class_names=["a", "b", "c"], input_size=64)
    with pytest.raises(PresetError, match=r"mine: cannot predict, for lack of: task\. "):
        find_trained(str(tmp_path / "mine"))

"""A detector learns a handful of pictures by heart: the whole way agrees with itself.

Wrong labels, a wrong loss, a wrong decoding or a wrong measure would each keep the average
precision down.
"""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import keras_effspine
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import evaluation_batches, training_batches
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


def images_of(record_set, size):
    batches = evaluation_batches(record_set, ImageDecoder(record_set), size, 4)
    return next(batches.as_numpy_iterator())["images"]


def test_a_handful_of_pictures_is_learnt_by_heart(trained_run):
    assert trained_run.result.metrics["AP"] > 0.9
    assert trained_run.result.metrics["AP50"] > 0.9


def test_the_run_folder_holds_what_the_run_was_and_what_came_of_it(trained_run, handful):
    folder = trained_run.folder
    assert {path.name for path in folder.path.iterdir() if path.name[0] != "."} == {
        *("model.keras", "best.keras", "run.json", "metrics.json", "predictions.json"),
        *("examples.png", "tensorboard", "thresholds.json"),
    }
    run = json.loads((folder.path / "run.json").read_text())
    assert run["keras_effspine"] == keras_effspine.__version__
    assert tuple(run["class_names"]) == handful.records.class_names == folder.class_names
    assert run["recipe"] == folder.recipe.model_dump(mode="json")
    assert (folder.recipe.image_size, folder.recipe.data.data) == (128, str(handful.file))
    metrics = json.loads((folder.path / "metrics.json").read_text())
    assert metrics["measured_on"] == "training"
    assert metrics["result"]["stats"] == trained_run.result.metrics
    assert [entry["step"] for entry in metrics["history"]] == [80, 160]
    assert metrics["pictures_that_could_not_be_decoded"] == []
    with Image.open(folder.path / "examples.png") as image:
        assert min(image.size) > 400
    events = [path for path in folder.tensorboard.rglob("*") if path.is_file()]
    assert all(path.stat().st_size > 200 for path in events)
    assert {path.parent.name for path in events} == {"training", "measured"}
    assert any("4 pictures of 6 classes: 160 steps of 4" in line for line in trained_run.said)
    assert any(line.startswith("step 160: AP") for line in trained_run.said)


def test_the_predictions_that_are_kept_are_those_that_were_measured(trained_run, handful):
    task = find_task("detection")
    evaluator = task.evaluator(handful.records)
    found = json.loads((trained_run.folder.path / "predictions.json").read_text())
    class_of = {id: index for index, id in enumerate(handful.records.category_ids)}
    for record in handful.records.records:
        mine = [entry for entry in found if entry["image_id"] == record.image_id]
        truth = task.truth(record)
        output = type(truth)(
            boxes=np.array([entry["bbox"] for entry in mine]).reshape(-1, 4),
            classes=np.array([class_of[entry["category_id"]] for entry in mine], "int64"),
            scores=np.array([entry["score"] for entry in mine]),
        )
        evaluator.add(record, output)
    assert evaluator.result().metrics == trained_run.result.metrics


def test_saving_and_loading_changes_no_bit_of_a_prediction(
    trained_run, trained_model, handful, tmp_path
):
    images = images_of(handful.records, 128)
    before = trained_model.predict_on_batch(images)
    assert before["num_detections"].min() > 0
    trained_model.save(tmp_path / "again.keras")
    after = keras_effspine.load_model(tmp_path / "again.keras", compile=False).predict_on_batch(
        images
    )
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key])


def test_a_reloaded_model_trains_on_where_it_stopped(trained_run, handful):
    recipe = trained_run.folder.recipe
    model = keras_effspine.load_model(trained_run.folder.path, last=True)
    assert isinstance(model.optimizer, keras.optimizers.AdamW)
    assert int(model.optimizer.iterations) == 160
    assert float(model.optimizer.learning_rate) < 1e-5
    model.run_eagerly = True  # two steps take less time than one trace
    batches = training_batches(
        handful.records,
        ImageDecoder(handful.records),
        find_task("detection").batch_fields(handful.records),
        recipe.image_size,
        recipe.batch_size,
        recipe.seed,
        Augmentation(scale_jitter=(1.0, 1.0), flip=False),
    )
    history = model.fit(batches, steps_per_epoch=2, verbose=0, shuffle=False)
    assert int(model.optimizer.iterations) == 162
    assert history.history["loss"][0] < 0.5  # from scratch it starts above 2


@pytest.mark.real_data
@pytest.mark.slow
def test_a_handful_of_coco_is_learnt_by_heart(coco_handful, overfit, tmp_path):
    """AP 1.000 after 120 steps; the test takes two to three minutes on two cores."""
    _, result = train(overfit(coco_handful), tmp_path / "run", verbose=0)
    assert result.metrics["AP"] > 0.9

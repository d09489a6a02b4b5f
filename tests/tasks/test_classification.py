"""Classification as a task: labels, outputs, their measure, and a run from start to end."""

import dataclasses
import json
import types

import numpy as np
import pytest
import tensorflow as tf
from small_classes import class_folders

from keras_effspine.data.loading import load_records
from keras_effspine.data.record import RecordSet
from keras_effspine.errors import DataError, RecipeError, RunFolderError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.tasks.classification import Classes, Classification
from keras_effspine.tasks.inference import evaluate
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return class_folders(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def records(folder):
    return load_records(folder)


@pytest.fixture(scope="module")
def recipe(folder, ladder):
    return Recipe(
        task="classification",
        preset=ladder,
        data=Data(data=str(folder)),
        image_size=64,
        batch_size=8,
        steps=50,
        evaluations=2,
        options={
            "classifier_backbone": "detection",
            "label_smoothing": 0.1,
            "dropout_rate": 0.1,
        },
        optimization=Optimization(optimizer="sgd", learning_rate=0.05, warmup=0.1),
        augmentation=CommonAugmentation(scale_jitter=(0.9, 1.1)),
        batch_norm_momentum=0.8,
    )


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    return train(recipe, tmp_path_factory.mktemp("runs") / "run", report=print, verbose=0)


def test_a_run_learns_and_leaves_a_run_folder(run):
    folder, result = run
    assert result.metrics["top1"] == 1.0
    assert result.metrics["top5"] is None
    measured = json.loads((folder.path / "metrics.json").read_text())
    assert measured["result"]["top1"] == 1.0
    predicted = json.loads((folder.path / "predictions.json").read_text())
    assert [one["classes"][0] for one in predicted] == ["blue"] * 3 + ["red"] * 3
    assert predicted[0]["scores"][0] == pytest.approx(1 - predicted[0]["scores"][1], abs=1e-4)


def test_a_run_is_measured_and_predicted_from_the_command_line(run, effspine, folder, tmp_path):
    evaluated = effspine("evaluate", run[0].path, "--out", tmp_path / "m.json")
    assert (evaluated.status, evaluated.err) == (0, "")
    assert json.loads((tmp_path / "m.json").read_text())["result"]["top1"] == 1.0
    image = folder / "val" / "red" / "0.jpg"
    predicted = effspine("predict", run[0].path, image, "--out", tmp_path / "p.png")
    assert (predicted.status, predicted.err) == (0, "")
    assert (tmp_path / "p.png").is_file()


def test_a_run_may_have_another_as_its_teacher(run, recipe, records):
    taught = []
    student = types.SimpleNamespace(learn_from=lambda *arguments: taught.append(arguments))
    Classification().before_training(student, recipe, records.class_names)
    assert not taught
    recipe = override(recipe, {"teacher": str(run[0].path), "teacher_share": 0.25})
    Classification().before_training(student, recipe, records.class_names)
    ((teacher, share),) = taught
    assert teacher.output_shape == (None, 2) and share == 0.25
    with pytest.raises(RecipeError, match="knows the classes blue, red, not those .* red, blue"):
        Classification().before_training(student, recipe, records.class_names[::-1])
    recipe = override(recipe, {"teacher": "m0"})
    with pytest.raises(RunFolderError, match="m0: a preset without a trained model"):
        Classification().before_training(student, recipe, records.class_names)


def test_labels_are_one_of_as_many_as_there_are_classes(records):
    fields = Classification().batch_fields(records)
    assert fields({"label": tf.constant(1)}).numpy().tolist() == [0.0, 1.0]


def test_an_output_holds_the_first_five_classes(records):
    predictions = np.array([[0.1, 0.0, 0.3, 0.2, 0.05, 0.35], [1.0, 0, 0, 0, 0, 0]], "float32")
    (output,) = Classification().outputs(predictions, np.ones((2, 2)), records.records[:1])
    assert output.classes.tolist() == [5, 2, 3, 0, 4]
    np.testing.assert_allclose(output.scores, [0.35, 0.3, 0.2, 0.1, 0.05], rtol=1e-6)


def test_accuracy_counts_pictures_without_a_prediction_as_mistakes(records):
    names = tuple("abcdefg")
    seven = [dataclasses.replace(records.records[0], image_label=label) for label in range(7)]
    record_set = RecordSet(tuple(seven), names, tuple(range(7)), "made up")
    evaluator = Classification().evaluator(record_set)
    for record in seven[:6]:
        evaluator.add(record, Classes(np.arange(5), np.full(5, 0.2)))
    metrics = evaluator.result().metrics
    assert metrics == {"top1": pytest.approx(1 / 7), "top5": pytest.approx(5 / 7)}
    assert len(evaluator.result().tables()) == 2


def test_the_truth_as_prediction_is_right_and_its_neighbour_wrong(records):
    for shift, top1 in ((0, 1.0), (1, 0.0)):
        evaluator = Classification().evaluator(records)
        for record in records.records:
            label = (record.image_label + shift) % 2
            evaluator.add(record, Classes(np.array([label]), np.array([0.9])))
        assert evaluator.result().metrics["top1"] == top1


def test_the_most_probable_class_is_drawn_at_any_score(records):
    image = np.full((60, 80, 3), 128, "uint8")
    task, names = Classification(), records.class_names
    shown = task.draw(image, Classes(np.array([1, 0]), np.array([0.2, 0.1])), names, 0.3)
    other = task.draw(image, Classes(np.array([0, 1]), np.array([0.2, 0.1])), names, 0.3)
    nothing = task.draw(image, Classes(np.array([], int)), names, 0.3)
    assert (shown != 128).any() and (shown != other).any()
    assert (nothing == 128).all() and nothing.shape == shown.shape
    assert (image == 128).all()


def test_data_without_classes_are_refused(handful, records):
    with pytest.raises(DataError, match=r"4 pictures have no class to learn, such as .*000001"):
        Classification().check(handful.records)
    with pytest.raises(DataError, match="no picture has a class to be measured against"):
        Classification().evaluator(handful.records).result()
    Classification().check(records)
    alike = tuple(record for record in records.records if record.image_label == 1)
    with pytest.raises(DataError, match="all pictures are of the class red: there is nothing to"):
        Classification().check(dataclasses.replace(records, records=alike))


def test_the_backbone_is_the_papers_or_that_of_a_detector(recipe, records):
    task, recipe = Classification(), override(recipe, {"preset": "m0"})
    start, paper = find_pretrained(recipe.preset), {"classifier_backbone": "paper"}
    paper = task.build_model(override(recipe, paper), ("a", "b"), start)
    detector = task.build_model(recipe, ("a", "b"), start)
    assert (paper.backbone.endpoint_width, paper.backbone.use_space_to_depth) == (256, False)
    assert (detector.backbone.endpoint_width, detector.backbone.use_space_to_depth) == (24, True)
    assert detector.dropout_rate == 0.1
    evaluator = evaluate(task, detector, records, 64, batch_size=4)
    assert len(evaluator.predictions()) == 12

"""Runs of the other tasks that are stopped go on as if they had not been."""

import keras
import numpy as np
import pytest
from model_cases import TinyBackbone
from small_classes import class_folders
from small_data import small_record_set
from small_maps import write_mask_folder

import keras_effspine
from keras_effspine.data.formats.coco_saving import save_coco
from keras_effspine.errors import StoppedError
from keras_effspine.training.curves import Curves
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


def small_backbone(recipe, start, **changes):
    """One normalised convolution at output stride 8, in place of a preset's backbone."""
    images = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 128, -1.0)(images)
    x = keras.layers.Conv2D(8, 8, strides=8, padding="same")(x)
    x = keras.layers.BatchNormalization(momentum=recipe.batch_norm_momentum)(x)
    return keras.Model(images, x)


def pyramid_backbone(recipe, start, **changes):
    """Seven convolutions with the levels that a detector reads."""
    return TinyBackbone()


def write_instances(folder):
    """COCO's layout, with masks and crowds."""
    (folder / "annotations").mkdir(parents=True)
    records = small_record_set(folder / "train")
    save_coco(records, folder / "annotations/instances_train.json")
    return folder


@pytest.mark.parametrize(
    ("task", "write", "backbone", "values"),
    [
        ("semantic_segmentation", write_mask_folder, small_backbone, {}),
        ("classification", class_folders, small_backbone, {"dropout_rate": 0.3}),
        (
            "instance_segmentation",
            write_instances,
            pyramid_backbone,
            {"num_proposals": 20, "sampled_regions": 8},
        ),
    ],
)
def test_a_stopped_run_of_a_task_ends_with_the_same_bits(
    task, write, backbone, values, tmp_path, monkeypatch
):
    monkeypatch.setattr("keras_effspine.tasks.backbone.build_backbone", backbone)
    recipe = Recipe(
        task=task,
        data=Data(data=str(write(tmp_path / "data"))),
        image_size=64,
        batch_size=3,
        steps=6,
        evaluations=1,
        optimization=Optimization(learning_rate=0.01),
        **values,
    )
    train(recipe, tmp_path / "whole", report=print, verbose=0)
    write_curves = Curves.on_train_batch_end

    def stop(self, batch, logs=None):
        write_curves(self, batch, logs)
        if steps_taken(self.model) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Curves, "on_train_batch_end", stop)
        with pytest.raises(StoppedError, match="Stopped at step 3 of 6; the same command"):
            train(recipe, tmp_path / "stopped", report=print, verbose=0)
    said = []
    train(recipe, tmp_path / "stopped", report=said.append, verbose=0)
    assert any("6 steps of 3, of which 3 are done" in line for line in said)
    whole, stopped = (
        keras_effspine.load_model(tmp_path / name, last=True) for name in ("whole", "stopped")
    )
    for one, other in zip(
        whole.weights + whole.optimizer.variables,
        stopped.weights + stopped.optimizer.variables,
        strict=True,
    ):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    assert int(stopped.optimizer.iterations) == 6

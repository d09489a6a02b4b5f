"""Runs of segmentation and classification that are stopped go on as if they had not been."""

import keras
import numpy as np
import pytest
from small_classes import class_folders
from small_maps import write_mask_folder

import keras_effspine
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


@pytest.mark.parametrize(
    ("task", "write", "values"),
    [
        ("semantic_segmentation", write_mask_folder, {}),
        ("classification", class_folders, {"dropout_rate": 0.3}),
    ],
)
def test_a_stopped_run_of_a_task_ends_with_the_same_bits(
    task, write, values, tmp_path, monkeypatch
):
    monkeypatch.setattr("keras_effspine.tasks.backbone.build_backbone", small_backbone)
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

"""Mask R-CNN learns a handful of pictures by heart: hundreds of steps, which are traced."""

import keras
import pytest

from keras_effspine.training.recipe import Data
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


def learnt_by_heart(recipe, folder):
    """Measures of a run whose options suit a handful of small pictures."""
    keras.utils.set_random_seed(0)
    options = {"num_proposals": 200, "sampled_regions": 128, "canonical_size": 56.0}
    changes = {"task": "instance_segmentation", "options": options, "steps": 400}
    _, result = train(recipe.model_copy(update=changes), folder, verbose=0)
    return result.metrics


@pytest.mark.slow
def test_a_handful_of_shapes_is_learnt_by_heart(handful, overfit, tmp_path):
    recipe = overfit(Data(data=str(handful.file), images=str(handful.images)))
    metrics = learnt_by_heart(recipe, tmp_path / "run")
    assert metrics["box_AP"] > 0.9 and metrics["mask_AP"] > 0.7


@pytest.mark.real_data
@pytest.mark.slow
def test_a_handful_of_coco_is_learnt_by_heart(coco_handful, overfit, tmp_path):
    metrics = learnt_by_heart(overfit(coco_handful), tmp_path / "run")
    assert metrics["box_AP"] > 0.9 and metrics["mask_AP"] > 0.8

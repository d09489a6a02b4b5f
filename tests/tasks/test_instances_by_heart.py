"""Mask R-CNN learns a handful of pictures by heart: hundreds of steps, which are traced."""

import dataclasses

import keras
import pytest

from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.formats.coco_saving import save_coco
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
def test_a_handful_of_coco_is_learnt_by_heart(real_data, overfit, tmp_path):
    everything = load_coco(real_data / "coco100/instances.json", real_data / "coco100/images")
    whole = [r for r in everything.records if len(r.boxes) and not r.is_crowd.any()]
    # Objects of some size can be told apart at 128 pixels.
    large = [r for r in whole if (r.boxes[:, 2:].min() > 0.1 * max(r.width, r.height))]
    few = tuple(sorted(large, key=lambda r: r.image_id)[:4])
    save_coco(dataclasses.replace(everything, records=few), tmp_path / "few.json")
    data = Data(data=str(tmp_path / "few.json"), images=str(few[0].path.parent))
    metrics = learnt_by_heart(overfit(data), tmp_path / "run")
    assert metrics["box_AP"] > 0.9 and metrics["mask_AP"] > 0.8

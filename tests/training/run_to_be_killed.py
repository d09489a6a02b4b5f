"""Trains the counting task with a checkpoint after every step, and says when it begins.

The arguments are a recipe as JSON and the run folder.
"""

import sys

from keras_effspine.tasks import registry
from keras_effspine.training import train as module
from keras_effspine.training.checkpoint import Checkpoint
from keras_effspine.training.recipe import Recipe

if __name__ == "__main__":
    registry.TASKS["counting"] = ("counting_task", "Counting")
    module.Checkpoint = lambda *args: Checkpoint(*args, seconds=0)
    recipe = Recipe.model_validate_json(sys.argv[1])
    print("begins", flush=True)
    module.train(recipe, sys.argv[2], report=lambda line: None, verbose=0)

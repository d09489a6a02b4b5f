"""Training from random weights on a small set of pictures, in minutes.

effspine train --preset m0 --data shapes --out runs/first
"""

from keras_effspine.training.recipe import Optimization, Recipe

RECIPE = Recipe(
    preset="m0",
    batch_size=8,
    steps=900,
    evaluations=3,
    batch_norm_momentum=0.9,
    optimization=Optimization(learning_rate=0.03, warmup=0.05),
)

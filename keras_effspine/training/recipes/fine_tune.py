"""Training on a set of your own: length, learning rate and normalisation follow from its size.

    effspine train --recipe fine_tune --preset m1_bccd --data train.json --images folder \\
        --val-data val.json --out runs/mine

What is picked, and why, is printed before training. Once the learning rate has fallen by half, the
run ends when a quarter of it goes by without a better measurement; `best.keras` is the model of the
best one.
"""

from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Recipe

RECIPE = Recipe(
    preset="m1",
    steps=None,
    epochs=None,
    evaluations=20,
    patience=5,
    batch_norm_momentum=None,
    frozen=None,
    optimization=Optimization(learning_rate=None, warmup=0.05),
)

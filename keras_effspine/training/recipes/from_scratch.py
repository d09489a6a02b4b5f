"""Training from random weights on a small set of pictures, in minutes to hours.

effspine train --preset m0 --data shapes --out runs/first
"""

from keras_effspine.training.recipe import Recipe

RECIPE = Recipe(preset="m0", batch_size=8, steps=600, batch_norm_momentum=0.9)

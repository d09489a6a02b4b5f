"""The training step of a supernet (BigNAS, arXiv:2003.11142)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.searching.space import SearchSpace
from keras_effspine.training.steps_taken import steps_taken

RANDOM = 2
"""Random networks a step, beside the biggest and the smallest; BigNAS' number."""


class Sandwich(keras.callbacks.Callback):
    """Trains the biggest, the smallest and some random networks of a supernet in each step.

    The gradient of a step is the mean of theirs. All of them learn from the labels, and all but
    the biggest also from it: their endpoints, which are equally wide in every network, are to be
    like its own. (BigNAS has image classifiers, whose probabilities it distils alone. Endpoints are
    what the networks of all tasks have in common, and labels help while the biggest knows nothing
    yet.)

    A callback of `fit`: it draws the random networks before each step, by the seed and the step.

    Args:
        model: what `build_supernet` made, compiled; its `train_step` becomes the one here.
        space: `SearchSpace` that random networks are drawn from.
        seed: of the networks.
        imitation: weight of the mean over the endpoints of the squared distance from those of the
            biggest network over their squared length.
    """

    def __init__(self, model: Any, space: SearchSpace, seed: int, imitation: float = 1.0) -> None:
        super().__init__()
        self._supernet, self._space, self._seed = model, space, seed
        self._imitation = imitation
        self._backbone = model.backbone
        graph, table = model.training_graph, model.backbone.spec.table
        levels = [
            self._backbone.get_layer(self._backbone.pyramid_level_inputs[f"P{level}"]).output
            for level, _ in table.outputs
        ]
        self._graph = keras.Model(graph.inputs, {"predicted": graph.output, "levels": levels})
        self._drawn = tf.Variable(tf.zeros((RANDOM, space.blocks), "int32"), trainable=False)
        # Each is traced and optimised once, not once for each network of a step: a step is eager,
        # and calls them.
        self._of_biggest = tf.function(self._gradients)
        self._of_other = tf.function(self._gradients)
        self._update = tf.function(self._updated)
        model.train_step, model.run_eagerly = self.train_step, True

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        random = np.random.default_rng([self._seed, steps_taken(self._supernet)])
        betas = [self._space.betas(self._space.sample(random)) for _ in range(RANDOM)]
        self._drawn.assign([self._space.widths(one) for one in betas])

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step, in the place of the model's own."""
        biggest, smallest = self._backbone.block_widths, self._backbone.least_widths
        inputs, batch = self._supernet.training_inputs(data)
        loss, taught, gradients = self._of_biggest(inputs, batch, tf.constant(biggest, "int32"))
        losses, of_all = [loss], [gradients]
        for widths in (tf.constant(smallest, "int32"), *tf.unstack(self._drawn)):
            loss, _, gradients = self._of_other(inputs, batch, widths, taught)
            losses.append(loss)
            of_all.append(gradients)
        self._update(of_all)
        return {"loss": tf.reduce_mean(losses)}

    def _updated(self, of_all):
        """Moves the weights by the mean of the networks' gradients."""
        means = [tf.add_n(gradients) / len(of_all) for gradients in zip(*of_all, strict=True)]
        weights = self._supernet.trainable_variables
        self._supernet.optimizer.apply_gradients(zip(means, weights, strict=True))

    def _gradients(self, inputs, batch, widths, taught=None):
        """Loss, endpoints and gradients of a network."""
        model, (images, labels, sample_weight) = self._supernet, batch
        self._backbone.selected.assign(widths)
        with tf.GradientTape() as tape:
            found = self._graph(inputs, training=True)
            loss = model.compute_loss(
                x=images,
                y=labels,
                y_pred=found["predicted"],
                sample_weight=sample_weight,
                training=True,
            )
            if taught is not None:
                loss += self._imitation * _distance(found["levels"], taught)
            scaled = model.optimizer.scale_loss(loss)
        variables = [weight.value for weight in model.trainable_variables]
        zero = tf.UnconnectedGradients.ZERO
        return loss, found["levels"], tape.gradient(scaled, variables, unconnected_gradients=zero)


def _distance(levels, taught):
    """Mean over levels of the squared distance over the squared length."""
    distances = []
    for level, goal in zip(levels, taught, strict=True):
        level, goal = tf.cast(level, "float32"), tf.cast(goal, "float32")
        length = tf.reduce_sum(goal**2)
        distances.append(tf.reduce_sum((level - goal) ** 2) / (length + 1e-6))
    return tf.add_n(distances) / len(distances)

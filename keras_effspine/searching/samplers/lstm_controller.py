"""Reinforcement learning with a recurrent controller (arXiv:1611.01578, arXiv:1802.03268)."""

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.searching.samplers.advantage import Advantage
from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.space import Candidate


class LstmController(Sampler):
    """An LSTM that chooses block by block, each choice known to the next ones.

    It recommends the candidate of the likeliest choices, one after the other.

    Args:
        blocks, choices, seed: those of `Sampler`.
        units: width of the LSTM, ENAS' by default.
        learning_rate: Adam's. ENAS' 3.5e-4 is for tens of thousands of candidates.
        entropy: weight of the entropy of each choice beside an advantage of about 1.
    """

    def __init__(
        self,
        blocks: int,
        choices: int,
        seed: int,
        units: int = 64,
        learning_rate: float = 0.01,
        entropy: float = 0.1,
    ) -> None:
        super().__init__(blocks, choices, seed)
        seeds = keras.random.SeedGenerator(seed)  # so that equal shapes are not equal weights
        small = keras.initializers.RandomUniform(-0.1, 0.1, seed=seeds)
        self._units = units
        self._advantage = Advantage()
        # The last row stands for what comes before the first choice.
        self._embedding = keras.layers.Embedding(choices + 1, units, small)
        self._cell = keras.layers.LSTMCell(
            units, kernel_initializer=small, recurrent_initializer=small
        )
        self._head = keras.layers.Dense(choices, kernel_initializer=small)
        # A vector for each block, so that the controller knows which one it chooses for.
        self._place = keras.Variable(small((blocks, units)), name="place")
        self._optimizer = keras.optimizers.Adam(learning_rate)
        self._entropy = entropy
        self._unrolled(None, tf.zeros((blocks, choices)))  # makes the weights
        self._optimizer.build(self._weights())
        self._sample = tf.function(lambda noise: self._unrolled(None, noise)[0])
        self._update = tf.function(self._step)

    def _weights(self):
        layers = (self._embedding, self._cell, self._head)
        return [self._place, *(w for layer in layers for w in layer.trainable_variables)]

    def _unrolled(self, chosen, noise):
        """Chosen places `(blocks,)`, the sum of their log-chances, and of the entropies.

        Args:
            chosen: int tensor `(blocks,)` of what was chosen before, or None to choose now.
            noise: float tensor `(blocks, choices)` that is added to the logits to choose.
        """
        states = [tf.zeros((1, self._units)), tf.zeros((1, self._units))]
        before = tf.constant([self.choices])
        places, log_chance, entropy = [], 0.0, 0.0
        for block in range(self.blocks):
            inputs = self._embedding(before) + self._place[block]
            output, states = self._cell(inputs, states)
            logs = tf.nn.log_softmax(self._head(output))[0]
            if chosen is None:
                place = tf.argmax(logs + noise[block], output_type="int32")
            else:
                place = chosen[block]
            places.append(place)
            log_chance += logs[place]
            entropy -= tf.reduce_sum(tf.exp(logs) * logs)
            before = tf.reshape(place, [1])
        return tf.stack(places), log_chance, entropy

    def _step(self, chosen, advantage):
        with tf.GradientTape() as tape:
            _, log_chance, entropy = self._unrolled(chosen, None)
            loss = -advantage * log_chance - self._entropy * entropy
        weights = self._weights()
        gradients = tape.gradient(loss, [w.value for w in weights])
        self._optimizer.apply([tf.convert_to_tensor(g) for g in gradients], weights)

    def _choose(self, noise: np.ndarray) -> Candidate:
        return tuple(int(n) for n in self._sample(tf.constant(noise, "float32")))

    def ask(self) -> Candidate:
        return self._choose(self.random.gumbel(size=(self.blocks, self.choices)))

    def learn(self, candidate: Candidate, score: float | None) -> None:
        if score is not None:
            advantage = self._advantage.of(score)
            self._update(tf.constant(candidate, "int32"), tf.constant(advantage, "float32"))

    def recommend(self) -> Candidate:
        """The likeliest choices."""
        return self._choose(np.zeros((self.blocks, self.choices)))

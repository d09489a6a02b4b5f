"""Which picture stands at which place of an endless, shuffled stream."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


class Rounds:
    """Rounds over all pictures, in each of which a picture stands as often as it is to be shown.

    Where it is to be shown 2.3 times it stands in each round twice or three times, 2.3 times in the
    mean. No buffer holds the order: a permutation can be asked for any place at once, so that a run
    goes on anywhere.

    Args:
        count: number of pictures.
        repeats: float `(count,)` from 1, how often each is shown for one with 1; None for all 1.
            They are scaled a little, so that a round has a whole number of places.

    Attributes:
        length: places in a round.

    Raises:
        ValueError: if there is not one for each picture, or one is below 1.
    """

    def __init__(self, count: int, repeats: np.ndarray | None = None) -> None:
        self.length = self._count = count
        self._ends = None
        if repeats is None:
            return
        repeats = np.asarray(repeats, "float64")
        if repeats.shape != (count,) or not (repeats >= 1).all() or not np.isfinite(repeats).all():
            raise ValueError(
                f"`repeats` must be {count} numbers from 1, one a picture. "
                f"Received: {repeats.shape}, from {repeats.min(initial=np.inf)}"
            )
        self.length = round(float(repeats.sum()))
        ends = np.cumsum(repeats) * (self.length / repeats.sum())
        self._ends = tf.constant(np.append(ends[:-1], self.length), "float64")

    def record_at(self, place: tf.Tensor, seeds: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """The position of the record at a place of the stream, int64 scalar.

        Args:
            place: int64 scalar, from 0.
            seeds: function from the number of a round to int `(2,)`, for TensorFlow's stateless
                random numbers.
        """
        seed = seeds(place // self.length)
        place = tf.random.experimental.index_shuffle(place % self.length, seed, self.length - 1)
        if self._ends is None:
            return place
        # The places of a round lie one apart on a line on which each picture has a part as long as
        # it is to be shown often; where the first lies is drawn for each round.
        start = tf.random.stateless_uniform([], seed, dtype="float64")
        return self._at(tf.cast(place, "float64")[None] + start)[0]

    def drawn(self, number: int, seed: tf.Tensor) -> tf.Tensor:
        """Records drawn at random, each as often as it is to be shown: int64 `(number,)`.

        Args:
            number: how many.
            seed: int `(2,)`.
        """
        if self._ends is None:
            return tf.random.stateless_uniform([number], seed, maxval=self._count, dtype="int64")
        return self._at(tf.random.stateless_uniform([number], seed, dtype="float64") * self.length)

    def _at(self, places):
        found = tf.searchsorted(self._ends, places, side="right", out_type="int64")
        return tf.minimum(found, self._count - 1)

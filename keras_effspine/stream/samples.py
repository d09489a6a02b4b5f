"""The samples of a training stream: one augmented picture each, or four of them."""

import numpy as np
import tensorflow as tf

from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.colour_jitter import colour_jitter
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.label_reader import LabelReader
from keras_effspine.stream.mosaic import join_tiles, mosaic_tiles
from keras_effspine.stream.placement import place_image, random_placement
from keras_effspine.stream.rand_augment import rand_augment
from keras_effspine.stream.rounds import Rounds

_TILES = 4

# What a random number is for, so that no two are the same by accident.
_ORDER, _PLACEMENT, _COLOUR, _IS_MOSAIC, _SPLIT, _TILE, _SUBSTITUTE, _POLICY = range(8)


class TrainingSamples:
    """An endless stream in which each place can be asked for at once.

    What stands at a place depends on the seed and on the place alone. In the place of a picture
    that cannot be decoded stands another one, chosen by the same rule, so that no other place
    changes.

    Args:
        decoder: `ImageDecoder`.
        labels: `LabelReader`.
        count: int, number of the records.
        image_size: int, height and width of the pictures.
        augmentation: `Augmentation`.
        seed: int.
        mosaics: number of places, from the first on, at which there may be mosaics; None for all.
        repeats: float `(count,)`, how often each picture is shown for one with 1; None for all 1.
        tile_size: side in pixels of the parts of pictures that are shown, or None.
    """

    def __init__(
        self,
        decoder: ImageDecoder,
        labels: LabelReader,
        count: int,
        image_size: int,
        augmentation: Augmentation,
        seed: int,
        mosaics: int | None = None,
        repeats: np.ndarray | None = None,
        tile_size: int | None = None,
    ) -> None:
        self._decoder = decoder
        self._labels = labels
        self._count = count
        self._size = image_size
        self._augmentation = augmentation
        self._seed = seed
        self._mosaics = tf.int64.max if mosaics is None else mosaics
        self._rounds = Rounds(count, repeats)
        self._scale = None if tile_size is None else image_size / tile_size

    def at(self, place: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """The sample at a place of the stream; to be used in `tf.data.Dataset.map`.

        Args:
            place: int64 scalar, from 0.

        Returns:
            Pair of the sample (see `stream.pipeline.training_batches`) and the positions of its
            records, int64 `(4,)`, -1 where it is made of fewer.
        """
        share = self._augmentation.mosaic
        if not share:
            sample, index = self._single(place)
        else:
            chosen = tf.random.stateless_uniform([], self._seeds(_IS_MOSAIC, place)) < share
            sample, index = tf.cond(
                chosen & (place < self._mosaics),
                lambda: self._mosaic(place),
                lambda: self._single(place),
            )
        return objects_in_sight(sample), index

    def _single(self, place):
        canvas = (self._size, self._size)
        sample, index = self._image(place * _TILES, self._record_at(place), canvas)
        return sample, tf.pad(index[None], [[0, _TILES - 1]], constant_values=-1)

    def _mosaic(self, place):
        others = self._rounds.drawn(_TILES - 1, self._seeds(_TILE, place))
        first = [self._record_at(place), *tf.unstack(others)]
        tiles = mosaic_tiles(self._size, self._seeds(_SPLIT, place))
        images = [
            self._image(place * _TILES + tile, index, tuple(tf.unstack(size)))
            for tile, (index, (_, size)) in enumerate(zip(first, tiles, strict=True))
        ]
        samples, indices = zip(*images, strict=True)
        return join_tiles(samples, [corner for corner, _ in tiles], self._size), tf.stack(indices)

    def _image(self, number, first_index, canvas):
        """The sample of one picture, and its index; `number` is its place among all tiles."""

        def attempt(index):
            encoded = self._decoder.read(index)
            seed, focus = self._seeds(_PLACEMENT, number), None
            if self._scale is not None:
                focus = self._labels.focus(index, seed, encoded.shape)
            placement = random_placement(
                encoded.shape, canvas, self._augmentation, seed, self._scale, focus
            )
            part, decoded = self._decoder.decode(encoded, placement)
            labels, is_read = self._labels.read(index, placement, canvas)
            return index, placement, part, decoded & is_read, labels

        def another(tries, *_):
            seeds = self._seeds(_SUBSTITUTE, number) + [tries * 2**40, 0]
            index = tf.random.stateless_uniform([], seeds, maxval=self._count, dtype="int64")
            return tries + 1, *attempt(index)

        _, index, placement, image, _, labels = tf.while_loop(
            lambda tries, index, placement, image, usable, labels: ~usable,
            another,
            (tf.constant(1, "int64"), *attempt(first_index)),
        )
        if self._augmentation.photometric:
            seeds = self._seeds(_COLOUR, number)
            image = colour_jitter(image, self._augmentation.photometric, seeds)
        changes, magnitude = self._augmentation.rand_augment
        if changes:
            image = rand_augment(image, changes, magnitude, self._seeds(_POLICY, number))
        return {"image": place_image(image, placement, canvas), **labels}, index

    def _record_at(self, place):
        return self._rounds.record_at(place, lambda number: self._seeds(_ORDER, number))

    def _seeds(self, purpose, number):
        return tf.stack([tf.constant(self._seed * 8 + purpose, "int64"), number])


def objects_in_sight(sample: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """A sample without what was cropped away: less than a pixel of an object is none to learn."""

    def in_sight(boxes):
        return tf.reduce_min(boxes[:, 2:] - boxes[:, :2], axis=1) >= 1.0

    if "boxes" not in sample:
        return sample
    objects, crowds = in_sight(sample["boxes"]), in_sight(sample["crowds"])
    names = [name for name in ("boxes", "classes", "masks") if name in sample]
    seen: dict[str, tf.Tensor] = {name: sample[name][objects] for name in names}
    return {**sample, **seen, "crowds": sample["crowds"][crowds]}

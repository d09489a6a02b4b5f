"""From records to batches of fixed shapes with tf.data."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import object_arrays
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.batch_log import BatchLog
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.label_reader import LabelReader
from keras_effspine.stream.placement import letterbox, place_image, scale_of
from keras_effspine.stream.samples import TrainingSamples, objects_in_sight


def training_batches(
    record_set: RecordSet,
    decoder: ImageDecoder,
    fields: Callable[[dict[str, tf.Tensor]], Any],
    image_size: int,
    batch_size: int,
    seed: int,
    augmentation: Augmentation | None = None,
    first_batch: int = 0,
    shard: tuple[int, int] = (0, 1),
    log: BatchLog | None = None,
    labels: Sequence[str] = ("objects",),
    steps: int | None = None,
    repeats: np.ndarray | None = None,
    tile_size: int | None = None,
    steps_per_epoch: int | None = None,
) -> tf.data.Dataset:
    """A stream of shuffled, augmented batches, endless where nothing else is asked for.

    Each sample depends on the seed and on its place in the stream alone, whatever the number of
    threads or workers.

    Args:
        record_set: `RecordSet`.
        decoder: `ImageDecoder` of the record set.
        fields: function from a sample to the labels of a task. A sample is a dictionary of
            `"image"` float32 `(image_size, image_size, 3)`, and of what `labels` ask for.
        image_size: int, height and width of the pictures.
        batch_size: int, pictures in a batch of all workers together.
        seed: int.
        augmentation: `Augmentation`; None means its defaults.
        first_batch: int, number of batches of the stream to leave out: where a run goes on.
        shard: pair of this worker's number, from 0, and the number of workers. Each batch is cut
            into as many parts, of which this worker reads the one of its number; in order they are
            the batch of a single worker, as `tf.distribute` cuts and joins batches.
        log: `BatchLog` that is told what each batch holds, or None.
        labels: names of what a sample holds beside its picture:
            `"objects"` gives `"boxes"` float32 `(boxes, 4)` xyxy in pixels of the sample,
            `"classes"` int32 `(boxes,)`, and `"crowds"` float32 `(crowds, 4)`, the boxes of crowds,
            which are not among the others;
            `"instances"` gives the same and `"masks"` uint8 `(boxes, 112, 112)`, of each object
            what lies in its box: 1 where it is, 0 beside it, 255 where no mask is known;
            `"semantic"` gives `"semantic"` uint8 `(image_size, image_size)`, class indices, 255
            where none is known and beside the picture;
            `"image"` gives `"label"` int32 scalar, the class of the whole picture, or -1.
        steps: int, number of batches of the run, which `augmentation.mosaic_until` is a share of;
            None for a run without end, all of which has mosaics.
        repeats: float `(records,)` from 1, how often each picture is shown in the time in which one
            with 1 is shown once; None shows all alike.
        tile_size: side in pixels of the parts of the pictures that samples show, scaled to
            `image_size`; half of them lie around an object. None shows pictures as a whole.
        steps_per_epoch: int, number of batches after which the stream ends, for Keras' epochs. Each
            time it is gone through it begins elsewhere, at the first picture of an order, so that
            epochs differ. None for no end.

    Returns:
        `tf.data.Dataset` of pairs of pictures `(part, image_size, image_size, 3)`, RGB in [0, 255],
        and labels, where `part` is the batch size over the number of workers. Every batch is full:
        a stream without end has no remainder.

    Raises:
        ValueError: if there is no such shard, the parts would not be equal, or there are no labels
            of a name.
    """
    worker, workers = shard
    if not 0 <= worker < workers:
        raise ValueError(f"The workers are numbered from 0. Received: shard {worker} of {workers}")
    if batch_size % workers:
        raise ValueError(
            f"A batch is divided equally among the workers. Received: batch_size {batch_size} "
            f"for {workers} workers"
        )
    part = batch_size // workers
    records = record_set.records
    reader = LabelReader(records, decoder, labels)
    augmentation = augmentation or Augmentation()
    mosaics = None if steps is None else round(augmentation.mosaic_until * steps) * batch_size
    samples = TrainingSamples(
        *(decoder, reader, len(records), image_size, augmentation, seed, mosaics, repeats),
        tile_size,
    )

    def labelled(number):
        place = number // part * batch_size + worker * part + number % part
        sample, index = samples.at(place)
        return index, sample["image"], fields(sample)

    def images_and_targets(number, batch):
        index, images, targets = batch
        if log is not None:
            log.note(number, index)
        return images, targets

    numbers = tf.data.Dataset.range(first_batch * part, tf.int64.max)
    if steps_per_epoch is not None:
        numbers = _epoch_numbers(seed, len(records), steps_per_epoch * part)
    dataset = numbers.map(labelled, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(part, drop_remainder=True).enumerate(first_batch)
    dataset = dataset.map(images_and_targets)
    if steps_per_epoch is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps_per_epoch))
    return dataset.prefetch(tf.data.AUTOTUNE)


def _epoch_numbers(seed, images, count):
    """So many places of the stream from the begin of an order on, of another one each time."""
    orders = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).take(1)
    return orders.flat_map(
        lambda order: tf.data.Dataset.range(order * images, order * images + count)
    )


def labelled_batches(
    record_set: RecordSet,
    decoder: ImageDecoder,
    fields: Callable[[dict[str, tf.Tensor]], Any],
    image_size: int,
    batch_size: int,
    labels: Sequence[str] = ("objects",),
) -> tf.data.Dataset:
    """Each picture once, in order, letterboxed, with its labels: to validate on.

    In the place of a picture that cannot be decoded stands the next one, so that the number of
    batches is known.

    Args:
        record_set, decoder, fields, image_size, labels: as in `training_batches`.
        batch_size: int, pictures in a batch; the last one may hold fewer.

    Returns:
        `tf.data.Dataset` of pairs as of `training_batches`.
    """
    count, canvas = len(record_set.records), (image_size, image_size)
    reader = LabelReader(record_set.records, decoder, labels)

    def attempt(index):
        encoded = decoder.read(index)
        placement = letterbox(encoded.shape, canvas)
        part, decoded = decoder.decode(encoded, placement)
        found, is_read = reader.read(index, placement, canvas)
        return index, placement, part, decoded & is_read, found

    def labelled(index):
        _, placement, part, _, found = tf.while_loop(
            lambda index, placement, part, usable, found: ~usable,
            lambda index, *_: attempt((index + 1) % count),
            attempt(index),
        )
        sample = {"image": place_image(part, placement, canvas), **found}
        return sample["image"], fields(objects_in_sight(sample))

    dataset = tf.data.Dataset.range(count).map(labelled, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def evaluation_batches(
    record_set: RecordSet, decoder: ImageDecoder, image_size: int, batch_size: int
) -> tf.data.Dataset:
    """Each picture once, in order, letterboxed, in full batches.

    A picture has its place in a batch whether or not it can be decoded, so that several workers
    that each read all of them have the same batches.

    Args:
        record_set: `RecordSet`.
        decoder: `ImageDecoder` of the record set.
        image_size: int, height and width of the pictures.
        batch_size: int, pictures in a batch. Black ones with the index -1 and the scale 1 fill up
            the last batch, and stand for pictures that cannot be decoded.

    Returns:
        `tf.data.Dataset` of dictionaries: `"images"` `(batch, image_size, image_size, 3)`, RGB in
        [0, 255]; `"index"` int64 `(batch,)`, positions of the records; `"scale"` float32
        `(batch, 2)`, pixels of the batch over pixels of the original along y and x.
    """
    count = len(record_set.records)

    def image_at(index):
        encoded = decoder.read(index)
        placement = letterbox(encoded.shape, (image_size, image_size))
        part, decoded = decoder.decode(encoded, placement)
        image = place_image(part, placement, (image_size, image_size))
        return {
            "images": image,
            "index": tf.where(decoded, index, -1),
            "scale": tf.where(decoded, scale_of(placement), tf.ones([2])),
        }

    def nothing():
        return {
            "images": tf.zeros([image_size, image_size, 3]),
            "index": tf.constant(-1, "int64"),
            "scale": tf.ones([2]),
        }

    def image_or_nothing(index):  # a lambda here, AutoGraph cannot parse, and a notebook is told so
        return tf.cond(index < count, lambda: image_at(index), nothing)

    end = -(-count // batch_size) * batch_size
    dataset = tf.data.Dataset.range(end)
    dataset = dataset.map(image_or_nothing, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def most_objects(record_set: RecordSet) -> int:
    """Greatest number of objects in one picture, crowds not counted; at least 1."""
    lengths, _, _, is_crowd = object_arrays(record_set.records)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    return max(1, int(np.bincount(owners[~is_crowd]).max(initial=0)))

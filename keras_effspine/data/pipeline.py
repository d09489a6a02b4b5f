"""From records to batches of fixed shapes with tf.data."""

import numpy as np
import tensorflow as tf

from keras_effspine.data import augmentation

_SHUFFLE_SEED, _SCALE_SEED, _FLIP_SEED = range(3)


def training_batches(
    record_set,
    decoder,
    fields,
    image_size,
    batch_size,
    seed,
    scale_jitter=(1.0, 1.0),
    flip=True,
    first_batch=0,
    log=None,
):
    """An endless stream of shuffled, augmented batches.

    Each picture's augmentation depends on the seed and on its place in the stream alone.

    Args:
        record_set: `RecordSet`; annotations of crowds are left out.
        decoder: `PictureDecoder` of the record set.
        fields: function from a sample to the labels of a task. A sample is a dictionary of
            `"image"` float32 `(image_size, image_size, 3)`, `"boxes"` float32 `(boxes, 4)` xyxy in
            its pixels, and `"classes"` int32 `(boxes,)`.
        image_size: int, height and width of the pictures.
        batch_size: int.
        seed: int.
        scale_jitter: pair of the least and the greatest multiple of the letterbox's scale.
        flip: bool, whether pictures are mirrored at random.
        first_batch: int, number of batches of the stream to leave out: where a run goes on.
        log: `BatchLog` that is told what each batch holds, or None.

    Returns:
        `tf.data.Dataset` of pairs of pictures `(batch_size, image_size, image_size, 3)`, RGB in
        [0, 255], and labels.
    """
    count = len(record_set.records)
    objects = _Objects(record_set)

    def augment(number, index, image):
        boxes, classes = objects.of(index)
        image, boxes, _ = augmentation.random_scale_and_crop(
            image, boxes, image_size, scale_jitter, _stream_seed(seed, number, _SCALE_SEED)
        )
        if flip:
            image, boxes = augmentation.random_flip(
                image, boxes, _stream_seed(seed, number, _FLIP_SEED)
            )
        # Less than a pixel of an object in sight is no object to learn.
        seen = tf.reduce_min(boxes[:, 2:] - boxes[:, :2], axis=1) >= 1.0
        sample = {"image": image, "boxes": boxes[seen], "classes": classes[seen]}
        return index, image, fields(sample)

    def pictures_and_labels(number, batch):
        index, images, labels = batch
        if log is not None:
            log.note(number, index)
        return images, labels

    def shuffled(number):
        # A permutation that can be asked for any place in the stream at once: a run goes on
        # anywhere, and no buffer holds the indices.
        passed, place = number // count, number % count
        seeds = _stream_seed(seed, passed, _SHUFFLE_SEED)
        return number, tf.random.experimental.index_shuffle(place, seeds, count - 1)

    numbers = tf.data.Dataset.range(first_batch * batch_size, tf.int64.max)
    dataset = _decoded(numbers.map(shuffled), decoder)
    dataset = dataset.map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(batch_size, drop_remainder=True).enumerate(first_batch)
    return dataset.map(pictures_and_labels).prefetch(tf.data.AUTOTUNE)


def evaluation_batches(record_set, decoder, image_size, batch_size):
    """Each picture once, in order, letterboxed; the last batch may be smaller.

    Args:
        record_set: `RecordSet`.
        decoder: `PictureDecoder` of the record set.
        image_size: int, height and width of the pictures.
        batch_size: int.

    Returns:
        `tf.data.Dataset` of dictionaries: `"images"` `(batch, image_size, image_size, 3)`, RGB in
        [0, 255]; `"index"` int64 `(batch,)`, positions of the records; `"scale"` float32
        `(batch, 2)`, pixels of the batch over pixels of the original along y and x.
    """

    def prepare(_, index, image):
        image, _, scale = augmentation.letterbox(image, tf.zeros([0, 4]), image_size)
        return {"images": image, "index": index, "scale": scale}

    dataset = _decoded(tf.data.Dataset.range(len(record_set.records)).enumerate(), decoder)
    dataset = dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def most_objects(record_set):
    """Greatest number of objects in one picture, crowds not counted; at least 1."""
    return max([1, *(int(np.sum(~record.is_crowd)) for record in record_set.records)])


def _decoded(numbered_indices, decoder):
    """Adds the decoded picture to `(number, index)`; leaves out what cannot be decoded."""
    dataset = numbered_indices.map(
        lambda number, index: (number, index, *decoder.decode(index)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    dataset = dataset.filter(lambda number, index, image, decoded: decoded)
    return dataset.map(lambda number, index, image, decoded: (number, index, image))


def _stream_seed(seed, number, purpose):
    return tf.stack([tf.constant(seed * 8 + purpose, "int64"), number])


class _Objects:
    """All objects of a record set as ragged tensors, so that a graph can look them up."""

    def __init__(self, record_set):
        kept = [~record.is_crowd for record in record_set.records]
        records = list(zip(record_set.records, kept, strict=True))
        boxes = np.concatenate([np.zeros((0, 4)), *(r.boxes[keep] for r, keep in records)])
        boxes[:, 2:] += boxes[:, :2]
        classes = np.concatenate([np.zeros(0, "int32"), *(r.classes[keep] for r, keep in records)])
        lengths = [int(keep.sum()) for keep in kept]
        self._boxes = tf.RaggedTensor.from_row_lengths(boxes.astype("float32"), lengths)
        self._classes = tf.RaggedTensor.from_row_lengths(classes.astype("int32"), lengths)

    def of(self, index):
        """Boxes `(boxes, 4)`, xyxy in the picture's pixels, and classes `(boxes,)`."""
        return self._boxes[index], self._classes[index]

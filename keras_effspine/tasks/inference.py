"""Running a model over a data set: predictions for every picture, and their measure."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.tiles import Tiles
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import evaluation_batches
from keras_effspine.tasks.mirrored_images import mirrored_images
from keras_effspine.tasks.task import Task
from keras_effspine.tasks.tiled_predictions import TiledPredictions


def predict_records(
    task: Task,
    model: keras.Model,
    record_set: RecordSet,
    image_size: int,
    batch_size: int = 8,
    decoder: ImageDecoder | None = None,
    flip: bool = False,
    tiles: Tiles | None = None,
) -> Iterator[tuple[Record, Any]]:
    """Predicts every picture of a record set.

    Where the model was made for several replicas, each of them predicts its part of a batch. Under
    several workers all of them have to call this with the same data; each reads all pictures and
    gets all predictions.

    Args:
        task: `Task`.
        model: the task's model.
        record_set: `RecordSet`.
        image_size: int, height and width at which the model sees the pictures.
        batch_size: int, pictures predicted at a time on all replicas together; raised to a multiple
            of their number. The last batch is padded, so that the model is traced once.
        decoder: `ImageDecoder` of the record set, to learn afterwards which pictures failed.
        flip: whether each picture is looked at mirrored, too, in twice the time; see
            `Task.fuse_mirrored`.
        tiles: `Tiles` in which pictures are looked at; None for pictures as a whole.

    Yields:
        Pairs of a record and the task's output for it. Pictures that cannot be decoded are left
        out; `decoder.failed` counts them.

    Raises:
        DataError: if more than a tenth of the pictures cannot be decoded.
    """
    decoder = decoder or ImageDecoder(record_set)
    # Only TensorFlow's models have a strategy.
    strategy = getattr(model, "distribute_strategy", None)
    replicas = strategy.num_replicas_in_sync if strategy else 1
    batch_size = -(-batch_size // replicas) * replicas

    def predict(images):
        return task.predict(model, images if replicas == 1 else _cut(images, strategy))

    if tiles is not None:
        canvas = image_size, image_size
        yield from TiledPredictions(
            task, predict, record_set, canvas, tiles, batch_size, decoder, decoder.upright, flip
        )
        return
    batches = evaluation_batches(record_set, decoder, image_size, batch_size)
    with decoder.failures_as_data_errors():
        for batch in batches.as_numpy_iterator():
            found = np.flatnonzero(batch["index"] >= 0)
            scales = batch["scale"][found]
            records = [record_set.records[index] for index in batch["index"][found]]

            def outputs_for(images, found=found, scales=scales, records=records):
                predictions = keras.tree.map_structure(lambda rows: rows[found], predict(images))
                return task.outputs(predictions, scales, records)

            outputs = outputs_for(batch["images"])
            if flip:
                mirrored = outputs_for(mirrored_images(batch["images"], found, scales, records))
                outputs = list(map(task.fuse_mirrored, outputs, mirrored, records))
            yield from zip(records, outputs, strict=True)


def _cut(images, strategy):
    """A batch in equal parts, one a replica, such that Keras joins what they predict in order."""
    replicas = strategy.num_replicas_in_sync
    size = len(images) // replicas
    # Keras joins the first replicas of all workers, then their second ones, and so on.
    replicas_a_worker = len(strategy.extended.worker_devices)

    def part(context):
        worker, replica = divmod(context.replica_id_in_sync_group, replicas_a_worker)
        first = (replica * (replicas // replicas_a_worker) + worker) * size
        return images[first : first + size]

    return strategy.experimental_distribute_values_from_function(part)


def evaluate(
    task: Task,
    model: keras.Model,
    record_set: RecordSet,
    image_size: int,
    batch_size: int = 8,
    decoder: ImageDecoder | None = None,
    observe: Callable[[Record, Any], None] = lambda *pair: None,
    flip: bool = False,
    tiles: Tiles | None = None,
) -> Any:
    """Predicts every picture of a record set and measures the predictions.

    Args:
        task, model, record_set, image_size, batch_size, decoder, flip, tiles: as in
            `predict_records`.
        observe: function that is given each record and its output in passing.

    Returns:
        The task's evaluator, to which every output was added; see `Task.evaluator`.
    """
    evaluator = task.evaluator(record_set)
    for record, output in predict_records(
        task, model, record_set, image_size, batch_size, decoder, flip, tiles
    ):
        evaluator.add(record, output)
        observe(record, output)
    return evaluator

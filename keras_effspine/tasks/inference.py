"""Running a model over a data set: predictions for every picture, and their measure."""

import numpy as np

from keras_effspine.data.decoding import PictureDecoder
from keras_effspine.data.pipeline import evaluation_batches


def predict_records(task, model, record_set, image_size, batch_size=8, decoder=None):
    """Predicts every picture of a record set.

    Args:
        task: `Task`.
        model: the task's model.
        record_set: `RecordSet`.
        image_size: int, height and width at which the model sees the pictures.
        batch_size: int; the last batch is padded to it, so that the model is traced once.
        decoder: `PictureDecoder` of the record set, to learn afterwards which pictures failed.

    Yields:
        Pairs of a record and the task's output for it. Pictures that cannot be decoded are left
        out; `decoder.failed` counts them.

    Raises:
        DataError: if more than a tenth of the pictures cannot be decoded.
    """
    decoder = decoder or PictureDecoder(record_set)
    batches = evaluation_batches(record_set, decoder, image_size, batch_size)
    with decoder.failures_as_data_errors():
        for batch in batches.as_numpy_iterator():
            images = batch["images"]
            missing = batch_size - len(images)
            padded = np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])
            records = [record_set.records[index] for index in batch["index"]]
            predictions = task.predict(model, padded)
            yield from zip(records, task.outputs(predictions, batch["scale"], records), strict=True)


def evaluate(
    task, model, record_set, image_size, batch_size=8, decoder=None, observe=lambda *pair: None
):
    """Predicts every picture of a record set and measures the predictions.

    Args:
        task, model, record_set, image_size, batch_size, decoder: as in `predict_records`.
        observe: function that is given each record and its output in passing.

    Returns:
        The task's evaluator, to which every output was added; see `Task.evaluator`.
    """
    evaluator = task.evaluator(record_set)
    for record, output in predict_records(task, model, record_set, image_size, batch_size, decoder):
        evaluator.add(record, output)
        observe(record, output)
    return evaluator

"""Predictions for every picture of a data set."""

import numpy as np
import pytest

from keras_effspine.errors import DataError
from keras_effspine.tasks.classification import Classification
from keras_effspine.tasks.detection import Detection
from keras_effspine.tasks.inference import predict_records


class Looking(Detection):
    """Its output for a picture is what the model was shown of it."""

    def predict(self, model, images):
        return images

    def outputs(self, predictions, scales, records):
        return list(zip(predictions, scales, strict=True))

    def fuse_mirrored(self, output, mirrored, record):
        return output, mirrored


def test_a_picture_is_looked_at_mirrored_with_its_padding_where_it_was(handful):
    records = handful.records
    seen = list(predict_records(Looking(), None, records, 64, batch_size=2, flip=True))
    assert [record.image_id for record, _ in seen] == [r.image_id for r in records.records]
    for record, ((plain, scale), (mirrored, _)) in seen:
        width = round(record.width * scale[1])
        np.testing.assert_array_equal(mirrored[:, :width], plain[:, width - 1 :: -1][:, :width])
        np.testing.assert_array_equal(mirrored[:, width:], plain[:, width:])
        assert (mirrored != plain).any()


def test_a_task_that_cannot_join_two_looks_says_so():
    with pytest.raises(DataError, match="Classification does not look at mirrored pictures"):
        Classification().fuse_mirrored(None, None, None)

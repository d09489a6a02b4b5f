"""Label maps on their way into batches: they move with their picture."""

import numpy as np
import pytest
from PIL import Image
from small_maps import COLOURS, write_mask_folder

from keras_effspine.data.loading import load_records
from keras_effspine.errors import DataError
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches

SIZE = 64


@pytest.fixture
def folder(tmp_path):
    return write_mask_folder(tmp_path / "data", count=12)


def first_batch(records, decoder=None, **augmentation):
    augmentation = {"scale_jitter": (1.0, 1.0), "flip": False, **augmentation}
    batches = training_batches(
        records,
        decoder or ImageDecoder(records),
        lambda sample: sample["semantic"],
        SIZE,
        batch_size=12,
        seed=3,
        augmentation=Augmentation(**augmentation),
        labels=("semantic",),
    )
    assert batches.element_spec[1].shape == (12, SIZE, SIZE)
    return next(batches.as_numpy_iterator())


def share_that_agrees(images, labels):
    """Share of the labelled pixels whose colour is nearest to that of their class."""
    distance = np.abs(images[..., None, :] - COLOURS).sum(axis=-1)
    known = labels != 255
    return (distance.argmin(axis=-1) == labels)[known].mean(), known.mean()


@pytest.mark.parametrize(
    "augmentation",
    [
        {},
        {"flip": True, "scale_jitter": (0.3, 2.0)},
        {"quarter_turns": True, "vertical_flip": True},
        {"mosaic": 1.0, "scale_jitter": (0.5, 1.5)},
    ],
)
def test_labels_move_with_their_picture(folder, augmentation):
    images, labels = first_batch(load_records(folder, labels=("semantic",)), **augmentation)
    assert labels.dtype == "uint8"
    agreed, known = share_that_agrees(images, labels)
    assert agreed > 0.93, "all but the pixels between two blocks"
    assert known > 0.2
    assert set(np.unique(labels)) == {0, 1, 2, 255}


def test_what_lies_beside_the_picture_is_ignored(folder):
    _, labels = first_batch(load_records(folder, labels=("semantic",)), scale_jitter=(0.5, 0.5))
    assert (labels[:, 24:] == 255).all() and (labels[:, :, 32:] == 255).all()
    assert (labels[:, :24, :32] != 255).mean() > 0.8


def test_a_broken_mask_is_a_failed_picture_that_another_one_stands_for(folder):
    Image.fromarray(np.full((48, 64), 9, "uint8")).save(folder / "masks/5.png")
    records = load_records(folder, labels=("semantic",))
    decoder = ImageDecoder(records)
    images, labels = first_batch(records, decoder)
    assert share_that_agrees(images, labels)[0] > 0.93
    (line,) = decoder.describe()
    assert "images/5.png (image 5)" in line and "masks/5.png: holds the label 9" in line


def test_too_many_broken_masks_end_the_stream(folder):
    records = load_records(folder, labels=("semantic",))
    for index in range(4):
        (folder / f"masks/{index}.png").unlink()
    decoder = ImageDecoder(records)
    with pytest.raises(DataError, match=r"cannot be decoded: .*masks/\d\.png: not a readable"):
        with decoder.failures_as_data_errors():
            for _ in range(3):
                first_batch(records, decoder)

"""Reading the encoded picture of a record."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.images.image_bytes import open_image, read_image_bytes
from keras_effspine.data.record import Record


@pytest.fixture
def encoded():
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 10, 10)).save(stream, "PNG")
    return stream.getvalue()


def record_of(path, **where):
    nothing = np.zeros(0)
    return Record(1, path, 8, 6, np.zeros((0, 4)), nothing, nothing, nothing, **where)


def test_a_file_of_its_own_is_read_whole(tmp_path, encoded):
    (tmp_path / "a.png").write_bytes(encoded)
    record = record_of(tmp_path / "a.png")
    assert read_image_bytes(record) == encoded
    with open_image(record) as image:
        assert image.size == (8, 6)


def test_a_part_of_a_file_is_read_by_offset_and_length(tmp_path, encoded):
    (tmp_path / "shard").write_bytes(b"before" + encoded + b"after")
    record = record_of(tmp_path / "shard", offset=6, length=len(encoded))
    assert read_image_bytes(record) == encoded
    with open_image(record) as image:
        assert image.getpixel((0, 0)) == (200, 10, 10)
    rest = dataclasses.replace(record, length=None)
    assert read_image_bytes(rest) == encoded + b"after"


def test_a_file_that_ends_within_the_picture_is_named(tmp_path, encoded):
    (tmp_path / "shard").write_bytes(b"before" + encoded[:-5])
    record = record_of(tmp_path / "shard", offset=6, length=len(encoded))
    with pytest.raises(OSError, match=r"shard ends 5 bytes before the picture of image 1 does"):
        read_image_bytes(record)


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_image_bytes(record_of(tmp_path / "none"))

"""Reading the encoded picture of a record."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.picture_bytes import open_picture, read_picture_bytes
from keras_effspine.data.record import Record


@pytest.fixture
def picture():
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 10, 10)).save(stream, "PNG")
    return stream.getvalue()


def record_of(path, **where):
    nothing = np.zeros(0)
    return Record(1, path, 8, 6, np.zeros((0, 4)), nothing, nothing, nothing, **where)


def test_a_file_of_its_own_is_read_whole(tmp_path, picture):
    (tmp_path / "a.png").write_bytes(picture)
    record = record_of(tmp_path / "a.png")
    assert read_picture_bytes(record) == picture
    with open_picture(record) as image:
        assert image.size == (8, 6)


def test_a_part_of_a_file_is_read_by_offset_and_length(tmp_path, picture):
    (tmp_path / "shard").write_bytes(b"before" + picture + b"after")
    record = record_of(tmp_path / "shard", offset=6, length=len(picture))
    assert read_picture_bytes(record) == picture
    with open_picture(record) as image:
        assert image.getpixel((0, 0)) == (200, 10, 10)
    rest = dataclasses.replace(record, length=None)
    assert read_picture_bytes(rest) == picture + b"after"


def test_a_file_that_ends_within_the_picture_is_named(tmp_path, picture):
    (tmp_path / "shard").write_bytes(b"before" + picture[:-5])
    record = record_of(tmp_path / "shard", offset=6, length=len(picture))
    with pytest.raises(OSError, match=r"shard ends 5 bytes before the picture of image 1 does"):
        read_picture_bytes(record)


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_picture_bytes(record_of(tmp_path / "none"))

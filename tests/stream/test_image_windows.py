"""Pictures of every kind, and what only calls itself a picture."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.image_windows import read_window
from keras_effspine.stream.pipeline import evaluation_batches, training_batches

WIDTH, HEIGHT = 60, 40


def scene():
    """A smooth picture of which no two corners look alike."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [4 * x, 6 * y, 255 - 2 * x - 3 * y]
    return np.stack(planes, axis=-1).clip(0, 255).astype("uint8")


def record_of(path, width=WIDTH, height=HEIGHT):
    return Record(
        image_id=path.name,
        path=path,
        width=width,
        height=height,
        boxes=np.zeros((0, 4)),
        classes=np.zeros(0, "int64"),
        areas=np.zeros(0),
        is_crowd=np.zeros(0, bool),
    )


def saved(path, image, **options):
    image.save(path, **options)
    return record_of(path)


def with_orientation(path, orientation, **size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(scene()).save(path, exif=exif, quality=95)
    return record_of(path, **size)


def as_viewed(path):
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image))


def grey(image):
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


@pytest.mark.parametrize(
    ("mode", "suffix", "wanted", "tolerance"),
    [
        ("RGB", "jpg", scene(), 12),
        ("RGB", "png", scene(), 0),
        ("RGB", "bmp", scene(), 0),
        ("RGB", "tif", scene(), 0),
        ("L", "png", grey(scene()), 0),
        ("L", "jpg", grey(scene()), 4),
        ("LA", "png", grey(scene()), 0),
        ("RGBA", "png", scene(), 0),
        ("CMYK", "jpg", scene(), 12),
        ("P", "gif", np.asarray(Image.fromarray(scene()).convert("P").convert("RGB")), 0),
    ],
)
def test_pictures_of_every_mode_are_read_as_they_look(tmp_path, mode, suffix, wanted, tolerance):
    image = Image.fromarray(scene()).convert(mode)
    if "A" in mode:
        image.putalpha(7)  # what is all but transparent keeps its colour
    record = saved(tmp_path / f"one.{suffix}", image)
    found = read_image(record)
    assert found.dtype == "uint8"
    np.testing.assert_allclose(found.astype(int), wanted.astype(int), atol=tolerance)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_to_eight_not_cut_off(tmp_path, suffix):
    values = np.linspace(0, 65535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype("uint16")
    found = read_image(saved(tmp_path / f"one.{suffix}", Image.fromarray(values)))
    np.testing.assert_allclose(found, np.repeat(values[..., None] / 257, 3, axis=-1), atol=0.51)


def test_an_adobe_cmyk_jpeg_is_not_negative(tmp_path):
    # Photoshop writes inverted CMYK and says so in an APP14 segment; Pillow writes it as well.
    Image.new("CMYK", (WIDTH, HEIGHT), (255, 0, 0, 0)).save(tmp_path / "cyan.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "cyan.jpg").read_bytes()
    red, green, blue = read_image(record_of(tmp_path / "cyan.jpg"))[5, 5]
    assert red < 20
    assert green > 235
    assert blue > 235


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    found = read_image(record_of(tmp_path / "film.gif"))
    assert found.shape == (HEIGHT, WIDTH, 3)
    assert (found == [255, 0, 0]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_where_the_record_has_the_rotated_size(tmp_path, orientation):
    record = with_orientation(tmp_path / "photo.jpg", orientation, width=HEIGHT, height=WIDTH)
    if orientation < 5:
        with pytest.raises(ValueError, match="60x40 pixels, its annotation says 40x60"):
            read_image(record)
        return
    found = read_image(record).astype(int)
    np.testing.assert_allclose(found, as_viewed(record.path), atol=5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_taken_as_stored_where_the_record_has_the_stored_size(tmp_path, orientation):
    record = with_orientation(tmp_path / "photo.jpg", orientation)
    np.testing.assert_allclose(read_image(record).astype(int), scene(), atol=12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_means_as_a_viewer_shows_it(tmp_path, orientation):
    path = tmp_path / "photo.jpg"
    size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
    record = with_orientation(path, orientation, width=size[0], height=size[1])
    found = read_image(record, upright=True).astype(int)
    np.testing.assert_allclose(found, as_viewed(path), atol=5)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_the_pipeline_turns_pictures_as_reading_them_does(tmp_path, orientation):
    size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
    record = with_orientation(tmp_path / "a.jpg", orientation, width=size[0], height=size[1])
    records = RecordSet((record,), ("a",), (1,), "one")
    decoder = ImageDecoder(records, upright=True)
    for _ in range(2):  # the second time it is known as what it is
        (batch,) = evaluation_batches(records, decoder, 60, 1).as_numpy_iterator()
        part = batch["images"][0][: record.height, : record.width]
        np.testing.assert_allclose(part, as_viewed(record.path), atol=5)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_reduced_window_is_the_mean_of_what_it_stands_for(tmp_path, suffix, reduction):
    record = saved(tmp_path / f"one.{suffix}", Image.fromarray(scene()))
    window = (1, 2, 3, 4)
    content = record.path.read_bytes()
    found, is_plain = read_window(content, record, reduction, window)
    assert is_plain == (suffix == "jpg")
    part = scene()[reduction : 4 * reduction, 2 * reduction : 6 * reduction].astype("float64")
    means = part.reshape(3, reduction, 4, reduction, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(found, means, atol=12 if suffix == "jpg" else 0.51)


def png_header(width, height):
    """A PNG of a hundred bytes that claims to be of some size."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def png_of(width, height):
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, "PNG")
    return stream.getvalue()


def jpeg_of(width, height):
    """A JPEG whose header claims to be of some size."""
    stream = io.BytesIO()
    Image.fromarray(scene()).save(stream, "JPEG")
    content = bytearray(stream.getvalue())
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def jpeg():
    return jpeg_of(WIDTH, HEIGHT)


def film():
    stream = io.BytesIO()
    frames = [Image.new("P", (WIDTH, HEIGHT), colour) for colour in (0, 1)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    return stream.getvalue()


BAD = {
    "truncated.jpg": (jpeg()[:-400], WIDTH, "Invalid JPEG data|truncated"),
    "header_only.jpg": (jpeg()[:100], WIDTH, "."),
    "empty.jpg": (b"", WIDTH, "empty"),
    "text.jpg": (b"not a picture at all", WIDTH, "not a picture"),
    "bomb.png": (png_header(20_000, 20_000), 20_000, "decompression bomb"),
    "bomb.jpg": (jpeg_of(20_000, 20_000), 20_000, "decompression bomb"),
    "other_size.png": (png_of(70, 40), WIDTH, "70x40 pixels, its annotation says 60x40"),
    "truncated.png": (png_header(WIDTH, HEIGHT), WIDTH, "truncated|broken|incomplete"),
    "truncated.gif": (film()[:40], WIDTH, "."),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("training", [True, False])
def test_bad_pictures_are_skipped_counted_and_named(tmp_path, name, training):
    content, width, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    records = [saved(tmp_path / f"{i}.jpg", Image.fromarray(scene())) for i in range(11)]
    bad = record_of(tmp_path / name, width, width if width > WIDTH else HEIGHT)
    records = RecordSet((*records[:4], bad, *records[4:]), ("a",), (1,), "some.json")
    decoder = ImageDecoder(records)
    if training:
        batches = training_batches(records, decoder, lambda sample: 0, 32, 6, 0)
        batches = [images for images, _ in batches.take(4)]
        assert all(image.numpy().any() for images in batches for image in images)
    else:
        batches = list(evaluation_batches(records, decoder, 32, 6).as_numpy_iterator())
        seen = np.concatenate([batch["index"] for batch in batches])
        assert seen.tolist() == [-1 if i == 4 else i for i in range(12)]
    (line,) = decoder.describe()
    assert line.startswith(f"{tmp_path / name} (image {name}): ")
    assert re.search(message, line)


def test_thirty_two_bits_are_refused_in_words(tmp_path):
    record = saved(tmp_path / "one.tif", Image.new("F", (WIDTH, HEIGHT), 0.5))
    with pytest.raises(ValueError, match="32 bits a channel"):
        read_image(record)


def test_a_jpeg_decodes_to_the_same_before_and_after_it_is_known(tmp_path):
    record = saved(tmp_path / "one.jpg", Image.fromarray(scene()).resize((601, 403)))
    record = record_of(record.path, 601, 403)
    records = RecordSet((record,), ("a",), (1,), "one")
    decoder = ImageDecoder(records)
    first, second = (
        next(evaluation_batches(records, decoder, 100, 1).as_numpy_iterator()) for _ in range(2)
    )
    tf.nest.map_structure(np.testing.assert_array_equal, first, second)

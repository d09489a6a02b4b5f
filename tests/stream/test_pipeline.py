"""From records to batches."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_effspine.data.conversion import convert
from keras_effspine.data.loading import load_records
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.record_columns import ColumnRecords, RecordColumns
from keras_effspine.data.texts import Texts
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.batch_log import BatchLog
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import evaluation_batches, most_objects, training_batches
from keras_effspine.tasks.detection import Detection

pytestmark = pytest.mark.integration

CANVAS = 32
COUNT = 10


def colour_of(index):
    """A colour by which a picture is known again wherever it turns up."""
    return (20 * index + 30, 5, 250 - 20 * index)


def index_of(image):
    """The inverse of `colour_of`, from the brightest pixel of red."""
    return round((float(image[..., 0].max()) - 30) / 20)


@pytest.fixture(scope="module")
def record_set(tmp_path_factory):
    """Pictures of one colour each; picture `i` has `i % 3` boxes, picture 4 a crowd besides."""
    folder = tmp_path_factory.mktemp("pictures")
    records = []
    for index in range(COUNT):
        width, height = 40 + index, 30
        path = folder / f"{index}.png"
        Image.new("RGB", (width, height), colour_of(index)).save(path)
        boxes = [[2.0, 3.0, 20.0 + k, 16.0] for k in range(index % 3)]
        crowds = [False] * len(boxes)
        if index == 4:
            boxes, crowds = [*boxes, [1.0, 1.0, 30.0, 20.0]], [*crowds, True]
        records.append(
            Record(
                image_id=index,
                path=path,
                width=width,
                height=height,
                boxes=np.array(boxes, "float64").reshape(-1, 4),
                classes=np.arange(len(boxes)) + 1,
                areas=np.ones(len(boxes)),
                is_crowd=np.array(crowds, bool),
            )
        )
    return RecordSet(tuple(records), ("a", "b", "c", "d"), (1, 2, 3, 4), "made up")


def padded(sample, count=3):
    """Boxes and classes as they come, padded with -1."""
    missing = count - tf.shape(sample["classes"])[0]
    return {
        "boxes": tf.pad(sample["boxes"], [[0, missing], [0, 0]], constant_values=-1.0),
        "classes": tf.pad(sample["classes"], [[0, missing]], constant_values=-1),
    }


def stream(
    record_set,
    seed=0,
    batch_size=2,
    first_batch=0,
    shard=(0, 1),
    log=None,
    steps=None,
    repeats=None,
    **options,
):
    """A stream whose pictures all fit the canvas, unless `options` of `Augmentation` say else."""
    return training_batches(
        record_set,
        ImageDecoder(record_set),
        lambda sample: padded(sample, 12 if "mosaic" in options else 3),
        CANVAS,
        batch_size,
        seed,
        Augmentation(**{"scale_jitter": (1.0, 1.0), **options}),
        first_batch,
        shard,
        log,
        steps=steps,
        repeats=repeats,
    )


def batches_of(record_set, count, **options):
    return list(stream(record_set, **options).take(count).as_numpy_iterator())


def assert_same_batches(left, right):
    for one, other in zip(left, right, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_the_shapes_of_training_batches_are_fixed_before_the_first_one(record_set):
    decoder = ImageDecoder(record_set)
    images, _ = training_batches(record_set, decoder, padded, CANVAS, 4, 0).element_spec
    assert images.shape == (4, CANVAS, CANVAS, 3)
    assert images.dtype == tf.float32


def test_the_same_seed_gives_the_same_batches_and_another_seed_gives_others(record_set):
    jitter = {"scale_jitter": (0.5, 2.0)}
    first, second = (batches_of(record_set, 12, seed=3, **jitter) for _ in range(2))
    assert_same_batches(first, second)
    other = batches_of(record_set, 12, seed=4, **jitter)
    with pytest.raises(AssertionError):
        assert_same_batches(first, other)


def test_batches_do_not_depend_on_the_random_numbers_drawn_before(record_set):
    tf.random.set_seed(1)
    first = batches_of(record_set, 6, seed=3)
    tf.random.set_seed(1)
    np.random.uniform(size=7)
    tf.random.uniform([7])
    assert_same_batches(first, batches_of(record_set, 6, seed=3))


def test_every_picture_is_seen_once_a_pass_and_passes_differ_in_order(record_set):
    images = np.concatenate([images for images, _ in batches_of(record_set, 15)])
    passes = np.array([index_of(image) for image in images]).reshape(3, COUNT)
    assert all(sorted(one) == list(range(COUNT)) for one in passes.tolist())
    assert len({tuple(one) for one in passes.tolist()}) == 3


def test_pictures_are_repeated_as_asked_for_and_the_stream_goes_on_anywhere(record_set):
    repeats = np.ones(COUNT)
    repeats[[2, 7]] = 3.5, 2.5  # a round of fourteen
    whole = batches_of(record_set, 28, batch_size=4, repeats=repeats, mosaic=0.0)
    seen = [index_of(image) for images, _ in whole for image in images]
    counts = np.bincount(seen, minlength=COUNT)
    assert counts.tolist() == [8, 8, counts[2], 8, 8, 8, 8, counts[7], 8, 8]
    assert counts[2] + counts[7] == 8 * 6 and 24 < counts[2] < 32
    later = batches_of(record_set, 5, batch_size=4, repeats=repeats, mosaic=0.0, first_batch=23)
    assert_same_batches(whole[23:], later)
    parts = [
        batches_of(record_set, 28, batch_size=4, repeats=repeats, mosaic=0.0, shard=(number, 2))
        for number in range(2)
    ]
    joined = [
        tf.nest.map_structure(lambda *rows: np.concatenate(rows), *pair)
        for pair in zip(*parts, strict=True)
    ]
    assert_same_batches(whole, joined)


def test_no_picture_is_lost_where_the_batch_does_not_divide_their_number(record_set):
    images = np.concatenate([images for images, _ in batches_of(record_set, 5, batch_size=4)])
    seen = [index_of(image) for image in images]
    assert sorted(seen[:COUNT]) == sorted(seen[COUNT:]) == list(range(COUNT))


def test_a_batch_may_be_larger_than_the_data_set(record_set):
    ((images, _),) = batches_of(record_set, 1, batch_size=25)
    assert images.shape[0] == 25


def test_crowds_are_left_out_and_pictures_without_objects_stay(record_set):
    found = {}
    for images, labels in batches_of(record_set, 5, flip=False):
        for row, image in enumerate(images):
            found[index_of(image)] = labels["classes"][row].tolist()
    assert found[4] == [1, -1, -1]
    assert found[3] == [-1, -1, -1]
    assert found[5] == [1, 2, -1]
    assert most_objects(record_set) == 2


def test_boxes_are_in_the_pixels_of_the_batch_and_padding_is_minus_one(record_set):
    for images, labels in batches_of(record_set, 5, flip=False):
        for row, image in enumerate(images):
            index = index_of(image)
            width, count = 40 + index, index % 3
            height = round(30 * CANVAS / width)
            scale = np.array([CANVAS / width, height / 30] * 2)
            wanted = np.array([[2.0, 3.0, 22.0 + k, 19.0] for k in range(count)]).reshape(-1, 4)
            boxes = labels["boxes"][row]
            np.testing.assert_allclose(boxes[:count], wanted * scale, atol=1e-3)
            assert (boxes[count:] == -1).all()


def test_objects_cropped_to_less_than_a_pixel_are_not_learnt(record_set):
    for _, labels in batches_of(record_set, 60, scale_jitter=(0.05, 4.0)):
        real = labels["classes"] >= 0
        boxes = labels["boxes"][real]
        assert (boxes[:, 2:] - boxes[:, :2] >= 1).all()
        assert (labels["boxes"][~real] == -1).all()


def test_evaluation_sees_each_picture_once_in_order_with_its_scale(record_set):
    decoder = ImageDecoder(record_set)
    batches = list(evaluation_batches(record_set, decoder, CANVAS, 4).as_numpy_iterator())
    assert [len(batch["images"]) for batch in batches] == [4, 4, 4]
    indices = np.concatenate([batch["index"] for batch in batches])
    assert indices.tolist() == [*range(COUNT), -1, -1]
    for batch in batches:
        for image, index, scale in zip(*map(batch.get, ("images", "index", "scale")), strict=True):
            if index < 0:
                assert not image.any()
                assert scale.tolist() == [1, 1]
                continue
            assert index_of(image) == index
            width = 40 + index
            height = round(30 * CANVAS / width)
            np.testing.assert_allclose(scale, [height / 30, CANVAS / width], rtol=1e-6)
            assert not image[height:].any()


@pytest.mark.parametrize(
    ("mode", "suffix", "colour"),
    [
        ("L", "png", 90),
        ("L", "jpg", 90),
        ("LA", "png", (90, 128)),
        ("RGBA", "png", (90, 90, 90, 10)),
        ("P", "png", 90),
        ("1", "png", 1),
        ("I;16", "png", 90 * 257),
        ("CMYK", "jpg", (0, 0, 0, 165)),
        ("RGB", "bmp", (90, 90, 90)),
        ("L", "gif", 90),
    ],
)
def test_pictures_of_every_kind_decode_to_three_channels(
    tmp_path, record_set, mode, suffix, colour
):
    path = tmp_path / f"one.{suffix}"
    image = Image.new(mode, (40, 30), colour)
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    image.save(path)
    first = record_set.records[0]
    record = Record(**{**first.__dict__, "path": path})
    single = RecordSet((record,), ("a",), (1,), "one")
    decoder = ImageDecoder(single)
    (batch,) = evaluation_batches(single, decoder, 40, 1).as_numpy_iterator()
    value = 255 if mode == "1" else 90
    np.testing.assert_allclose(batch["images"][0, :30], value, atol=2)
    assert batch["images"].shape == (1, 40, 40, 3)


def test_the_most_objects_are_at_least_one(record_set):
    empty = RecordSet(record_set.records[:1], ("a",), (1,), "one")
    assert most_objects(empty) == 1


def test_a_mosaic_shows_four_pictures_with_their_objects(record_set):
    log = BatchLog(record_set)
    batches = training_batches(
        record_set,
        ImageDecoder(record_set),
        lambda sample: tf.RaggedTensor.from_tensor(sample["boxes"][None], ragged_rank=1),
        CANVAS,
        1,
        0,
        Augmentation(mosaic=1.0, scale_jitter=(1.0, 1.0)),
        log=log,
    )
    for number, (images, boxes) in enumerate(batches.take(10).as_numpy_iterator()):
        shown = log.image_ids(number)
        assert len(shown) == 4
        corners = images[0, [0, 0, -1, -1], [0, -1, 0, -1]]
        assert index_of(corners[:1]) == shown[0]
        objects = sum(index % 3 for index in shown)
        assert 0 <= len(boxes[0]) <= objects
        assert ((boxes[0] >= 0) & (boxes[0] <= CANVAS)).all()


def test_a_run_may_end_on_pictures_as_they_are(record_set):
    log = BatchLog(record_set)
    batches = stream(
        record_set, batch_size=2, mosaic=1.0, mosaic_until=0.6, steps=10, first_batch=3, log=log
    )
    for _ in batches.take(7):
        pass
    assert [len(log.image_ids(number)) for number in range(3, 10)] == [8] * 3 + [2] * 4


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_as_many_samples_are_mosaics_as_asked_for(record_set, share):
    log = BatchLog(record_set)
    for _ in stream(record_set, batch_size=1, mosaic=share, log=log).take(100):
        pass
    mosaics = np.mean([len(log.image_ids(number)) == 4 for number in range(100)])
    assert abs(mosaics - share) <= 0.15
    assert all(len(log.image_ids(number)) in (1, 4) for number in range(100))


def threads(dataset, count):
    options = tf.data.Options()
    options.threading.private_threadpool_size = count
    return list(dataset.with_options(options).take(10).as_numpy_iterator())


EVERYTHING = {
    "scale_jitter": (0.1, 2.0),
    "vertical_flip": True,
    "quarter_turns": True,
    "mosaic": 0.5,
    "photometric": 0.4,
}


def test_batches_do_not_depend_on_the_number_of_threads(record_set):
    assert_same_batches(
        threads(stream(record_set, **EVERYTHING), 1), threads(stream(record_set, **EVERYTHING), 8)
    )


def test_a_stream_goes_on_anywhere_with_all_augmentation(record_set):
    whole = batches_of(record_set, 12, seed=5, **EVERYTHING)
    rest = batches_of(record_set, 5, seed=5, first_batch=7, **EVERYTHING)
    assert_same_batches(whole[7:], rest)


@pytest.mark.parametrize("workers", [3])
def test_the_parts_of_all_workers_are_the_batches_of_one(record_set, workers):
    options = {"batch_size": 6, "first_batch": 2, **EVERYTHING}
    parts = [
        batches_of(record_set, 5, shard=(worker, workers), **options) for worker in range(workers)
    ]
    joined = [
        tf.nest.map_structure(lambda *rows: np.concatenate(rows), *step)
        for step in zip(*parts, strict=True)
    ]
    assert_same_batches(joined, batches_of(record_set, 5, **options))


@pytest.mark.parametrize(
    ("batch_size", "shard"), [(5, (0, 2)), (4, (2, 2)), (4, (-1, 2)), (4, (0, 0))]
)
def test_shards_that_make_no_sense_are_refused(record_set, batch_size, shard):
    with pytest.raises(ValueError, match="Received"):
        stream(record_set, batch_size=batch_size, shard=shard)


class CountedRecords(ColumnRecords):
    """Records that count how many of them were made."""

    made = 0

    def __getitem__(self, index):
        self.made += 1
        return super().__getitem__(index)


def test_a_million_records_start_at_once(record_set):
    few = RecordColumns.of(record_set.records)
    which = np.arange(10**6) % len(few.file_index)
    lengths = np.diff(few.object_ends, prepend=0)[which]
    # The objects of the first pictures serve all: what counts is how many records are made.
    many = dataclasses.replace(
        few,
        object_ends=np.minimum(np.cumsum(lengths), len(few.boxes)),
        image_ids=Texts.of([str(number) for number in range(10**6)]),
        names=Texts(few.names.blob, few.names.ends[which]),
        **{
            name: getattr(few, name)[which]
            for name in ("file_index", "offset", "length", "width", "height", "image_label")
        },
    )
    records = CountedRecords(many)
    lazy = RecordSet(records, record_set.class_names, record_set.category_ids, "lazy")
    assert most_objects(lazy) == most_objects(record_set)
    log = BatchLog(lazy)
    ((images, _),) = stream(lazy, log=log).take(1).as_numpy_iterator()
    assert len(set(log.image_ids(0))) == len(images)
    batches = evaluation_batches(lazy, ImageDecoder(lazy), CANVAS, 2)
    assert next(batches.as_numpy_iterator())["index"].tolist() == [0, 1]
    assert records.made < 1000  # what is made ahead


def test_a_cache_of_tfrecords_gives_the_batches_of_the_files_it_was_made_of(handful, tmp_path):
    convert({"train": handful.records}, "tfrecord", tmp_path / "cache")
    augmentation = Augmentation(scale_jitter=(0.5, 1.5), mosaic=0.5)

    def batches(records):
        fields = Detection().batch_fields(records, augmentation.images_a_sample)
        decoder = ImageDecoder(records)
        stream = training_batches(records, decoder, fields, 64, 2, 0, augmentation)
        return list(stream.take(3).as_numpy_iterator())

    for one, other in zip(
        batches(handful.records), batches(load_records(tmp_path / "cache")), strict=True
    ):
        np.testing.assert_array_equal(one[0], other[0])
        for name in one[1]:
            np.testing.assert_array_equal(one[1][name], other[1][name])


def test_a_long_stream_of_a_small_set_does_not_grow(record_set):
    def memory():
        return int(next(open("/proc/self/statm")).split()[1]) * os.sysconf("SC_PAGESIZE")

    if not os.path.exists("/proc/self/statm"):
        pytest.skip("needs Linux to tell the memory of a process")
    batches = iter(stream(record_set, batch_size=10, log=BatchLog(record_set, kept=50)))
    for _ in range(100):
        next(batches)
    before = memory()
    for _ in range(300):
        next(batches)
    # If every picture of 12 kB stayed, it would be 37 MB.
    assert memory() - before < 4e6

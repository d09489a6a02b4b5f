"""What the tests share."""

import os
import pathlib
import pickle
import sys
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import filelock
import pytest

LONGEST = ("training", "distribution", "tasks", "cli", "models")
"""Folders whose tests take longest."""


def pytest_collection_modifyitems(items):
    """The longest files first, so that processes that share the files end at about one time."""
    items.sort(key=lambda item: (*LONGEST, item.path.parent.name).index(item.path.parent.name))


@pytest.fixture(scope="module", autouse=True)
def seed():
    """Each file starts from the same random state, whatever its process has run before."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Function that makes something in a folder once for all processes that share the tests.

    Its arguments are a name, and a function from the folder to what is to be handed on.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def once(name, make):
        made = root / f"{name}.pickle"
        with filelock.FileLock(root / f"{name}.lock"):
            if not made.exists():
                made.write_bytes(pickle.dumps(make(root / name)))
        return pickle.loads(made.read_bytes())

    return once


@pytest.fixture(scope="module")
def eager_steps():
    """Steps run as they are written: one or two are soon computed, to trace one takes longer."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def real_data():
    """Folder of real pictures, named by EFFSPINE_TEST_DATA."""
    folder = os.environ.get("EFFSPINE_TEST_DATA")
    if not folder:
        pytest.skip("EFFSPINE_TEST_DATA does not name a folder of real pictures")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def small_shapes_cache(once):
    """A cache folder with a small embedded data set: 8 training and 4 validation pictures."""
    from keras_effspine.data.shapes.data_set import VERSION, write_shapes

    def write(folder):
        write_shapes(folder / VERSION, {"train": 8, "val": 4})
        return folder

    return once("cache", write)


@pytest.fixture
def small_shapes(small_shapes_cache, monkeypatch):
    """Makes the name "shapes" mean the small set, in place of the user's cache."""
    monkeypatch.setenv("EFFSPINE_CACHE", str(small_shapes_cache))
    return small_shapes_cache


@pytest.fixture(scope="session")
def handful(small_shapes_cache):
    """Four pictures with their annotations: `file`, `images`, and `records` as loaded."""
    from keras_effspine.data.loading import load_records
    from keras_effspine.data.shapes.data_set import VERSION

    folder = small_shapes_cache / VERSION
    file, images = folder / "val.json", folder / "val"
    return types.SimpleNamespace(file=file, images=images, records=load_records(file, images))


@pytest.fixture
def coco_handful(real_data, tmp_path):
    """`Data` of four pictures of COCO without crowds."""
    import dataclasses

    from keras_effspine.data.formats.coco import load_coco
    from keras_effspine.data.formats.coco_saving import save_coco
    from keras_effspine.training.recipe import Data

    everything = load_coco(real_data / "coco100/instances.json", real_data / "coco100/images")
    whole = [r for r in everything.records if len(r.boxes) and not r.is_crowd.any()]
    # Objects of some size can be told apart at 128 pixels.
    large = [r for r in whole if (r.boxes[:, 2:].min() > 0.1 * max(r.width, r.height))]
    few = tuple(sorted(large, key=lambda r: r.image_id)[:4])
    save_coco(dataclasses.replace(everything, records=few), tmp_path / "few.json")
    return Data(data=str(tmp_path / "few.json"), images=str(few[0].path.parent))


@pytest.fixture(scope="session")
def ladder(once):
    """Path of a preset with the least backbone that has all of Eff-SpineNet (`ladder.py`)."""
    from ladder import Ladder

    def save(folder):
        Ladder().save_to_preset(folder)
        return str(folder)

    return once("ladder", save)


@pytest.fixture(scope="session")
def overfit():
    """Function from data to a recipe that learns a handful of pictures by heart."""
    from keras_effspine.stream.augmentation import CommonAugmentation
    from keras_effspine.training.optimization import Optimization
    from keras_effspine.training.recipe import Recipe

    def recipe(data, **changes):
        values = {
            "preset": "m0",
            "data": data,
            "image_size": 128,
            "batch_size": 4,
            "steps": 240,
            "evaluations": 2,
            "optimization": Optimization(learning_rate=3e-3, weight_decay=0.0),
            "augmentation": CommonAugmentation(scale_jitter=(1.0, 1.0), flip=False),
            "batch_norm_momentum": 0.9,
        }
        return Recipe(**{**values, **changes})

    return recipe


@pytest.fixture(scope="session")
def trained_run(handful, overfit, once):
    """The one training run of a detector that all tests share.

    `folder` is the `RunFolder`, `result` the last measurement, `said` the lines of the report.
    """
    import keras
    from ladder import Ladder

    from keras_effspine.training.recipe import Data
    from keras_effspine.training.train import train

    def run(folder):
        keras.utils.set_random_seed(0)  # or the start, and what tests find, is another each time
        said = []
        start = folder.with_name("wide_ladder")
        Ladder(width_multiplier=2.0, endpoint_width=16).save_to_preset(start)
        data = Data(data=str(handful.file), images=str(handful.images))
        recipe = overfit(data, preset=str(start), steps=160)
        folder, result = train(recipe, folder, report=said.append, verbose=0)
        return types.SimpleNamespace(folder=folder, result=result, said=said)

    return once("trained", run)


@pytest.fixture(scope="session")
def trained_model(trained_run):
    """The model of the shared run as loaded from its file; not to be changed."""
    import keras_effspine

    return keras_effspine.load_model(trained_run.folder.path, last=True)


@pytest.fixture
def effspine(monkeypatch, capsys):
    """Runs the command line in this process; returns its `status`, `out` and `err`."""
    from keras_effspine.cli.main import main

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["effspine", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return types.SimpleNamespace(status=ended.value.code or 0, out=out, err=err)

    return run


@pytest.fixture
def counting(monkeypatch):
    """Makes the task "counting" known (`support/counting_task.py`)."""
    from keras_effspine.tasks import registry

    monkeypatch.setitem(registry.TASKS, "counting", ("counting_task", "Counting"))


@pytest.fixture
def counting_recipe(counting, handful):
    """A recipe that trains in seconds."""
    from keras_effspine.stream.augmentation import CommonAugmentation
    from keras_effspine.training.optimization import Optimization
    from keras_effspine.training.recipe import Data, Recipe

    return Recipe(
        task="counting",
        data=Data(
            data=str(handful.file),
            images=str(handful.images),
            val_data=str(handful.file),
        ),
        image_size=64,
        batch_size=3,
        steps=8,
        evaluations=2,
        optimization=Optimization(optimizer="sgd", learning_rate=0.01),
        augmentation=CommonAugmentation(scale_jitter=(0.9, 1.1)),
    )

"""The code that readers copy runs: the Python blocks of pages and docstrings."""

import os
import pathlib
import shutil

import keras
import keras_cv
import numpy as np
import pytest
import tensorflow as tf
from clips import write_clip
from sybil.document import Document, PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser

import keras_effspine
from keras_effspine.training import open_values

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = pathlib.Path(keras_effspine.__file__).parent
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if "    Example:\n" in path.read_text()]

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("eager_steps")]


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (2, 128, 128, 3)).astype("float32")


@pytest.fixture
def labels():
    """From the class that a block makes to labels for `images`, as `dataset` brings them."""
    random = np.random.default_rng(0)
    return {
        "SemanticSegmenter": random.integers(0, 21, (2, 128, 128)),
        "ImageClassifier": np.array([3, 7]),
        "MaskRCNN": {
            "boxes": np.array([[[20.0, 30.0, 90.0, 60.0]], [[5.0, 5.0, 40.0, 40.0]]]),
            "classes": np.array([[1.0], [2.0]]),
            "masks": np.ones((2, 1, 112, 112), "uint8"),
        },
        "RetinaNet": {
            "boxes": np.array([[[20.0, 30.0, 90.0, 60.0]], [[5.0, 5.0, 40.0, 40.0]]]),
            "classes": np.array([[1.0], [2.0]]),
        },
    }


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch, small_shapes, handful):
    """What pages name, in the folder in which they run: an export, a photo, and a video."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export" / "annotations").mkdir(parents=True)
    shutil.copytree(handful.images, "export/images")
    shutil.copy(handful.file, "export/annotations/instances_train.json")
    shutil.copy(handful.file, "export/annotations/instances_val.json")
    shutil.make_archive("my_export", "zip", "export")
    shutil.copy(sorted(handful.images.iterdir())[0], "photo.jpg")
    write_clip("street.mp4", frames=3, size=(96, 128))
    # As many steps as a page has time for, where a recipe picks their number.
    for name in ("FEWEST_STEPS", "FEWEST_EPOCHS", "MOST_EPOCHS"):
        monkeypatch.setattr(open_values, name, 1)


def run(document, images, labels):
    """Runs a document's blocks in order; what they use without making it is given to them."""
    document.namespace.update(images=images, np=np, keras=keras, keras_cv=keras_cv)
    document.namespace["keras_effspine"] = keras_effspine
    count = 0
    for example in document.examples():
        for name, found in labels.items():
            if f"{name}.from_preset" in example.parsed:
                dataset = tf.data.Dataset.from_tensor_slices((images, found)).batch(2)
                document.namespace["dataset"] = dataset
                break
        example.evaluate()
        count += 1
    return count


@pytest.mark.parametrize(
    "page", sorted(page for page in PAGES if "```python" in (ROOT / page).read_text())
)
def test_the_code_of_a_page_runs(page, images, labels):
    document = Document.parse(os.fspath(ROOT / page), PythonCodeBlockParser())
    assert run(document, images, labels) >= 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_code_of_a_docstring_runs(path, images, labels):
    document = PythonDocStringDocument.parse(os.fspath(path), PythonCodeBlockParser())
    assert run(document, images, labels) >= 1

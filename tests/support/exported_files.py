"""Exported files of tiny models, made once."""

import pathlib

import numpy as np
import pytest

SIZE = 64


@pytest.fixture(scope="session")
def exported(once, handful):
    """Function from a case of `model_cases` and a format to an exported file's path."""

    def make(case, format, **options):
        from model_cases import CASES

        from keras_effspine.exporting.export import export
        from keras_effspine.exporting.formats import FORMATS

        task = {"segmentation": "semantic_segmentation", "instances": "instance_segmentation"}

        def write(folder):
            folder.mkdir()
            pictures = handful.records if options.get("precision") == "int8" else None
            file = folder / f"model{FORMATS[format].suffix or ''}"
            done = export(
                CASES[case].build(),
                file,
                format=format,
                task=task.get(case, case),
                class_names=("a", "b", "c"),
                image_size=SIZE,
                pictures=pictures,
                **options,
            )
            return file, done

        name = "-".join([case, format, *(f"{k}={v}" for k, v in options.items())])
        return once(name.replace(" ", ""), write)

    return make


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(1).uniform(0, 255, (3, SIZE, SIZE, 3)).astype("float32")


@pytest.fixture
def copy_of(tmp_path):
    """Function that writes bytes as a file of a name."""

    def write(name, content) -> pathlib.Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write

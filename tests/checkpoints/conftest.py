"""Checkpoints that Google's code wrote, of narrow models with random weights.

`benchmarks/google_checkpoints.py` makes them and what these models compute; see its docstring.
"""

import pathlib
import zipfile

import numpy as np
import pytest

WRITTEN = pathlib.Path(__file__).with_name("written")


@pytest.fixture
def unpacked(tmp_path):
    """Function from the name of an archive to a folder with the checkpoint and its params.yaml."""

    def unpack(name):
        with zipfile.ZipFile(WRITTEN / f"{name}.zip") as archive:
            archive.extractall(tmp_path / name)
        return tmp_path / name

    return unpack


@pytest.fixture
def write_names(tmp_path):
    """Function that writes a checkpoint of TensorFlow 1 from a dictionary of values by name."""

    def write(tensors, name="written"):
        import tensorflow as tf

        values = [tf.constant(value) for value in tensors.values()]
        prefix = str(tmp_path / name)
        tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=values,
        )
        return pathlib.Path(prefix)

    return write


@pytest.fixture
def tensors_of():
    """Function from a checkpoint to a dictionary of its tensors."""

    def read(prefix):
        import tensorflow as tf

        reader = tf.train.load_checkpoint(str(prefix))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}

    return read


@pytest.fixture
def expected():
    """Function from a folder to what Google's code computed: outputs by name, and the pictures."""
    return lambda folder: dict(np.load(folder / "expected.npz"))

"""Indices of records with other content than the package would write, and a checksum that fits."""

import json
import zipfile

import numpy as np

from keras_effspine.data.formats import record_index


def read_archive(path):
    """The head, and a dictionary of the arrays."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        arrays = {}
        for name in names:
            with archive.open(name) as file:
                arrays[name.removesuffix(".npy")] = np.lib.format.read_array(file)
        return json.loads(archive.read("head.json")), arrays


def write_archive(path, head, arrays):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("head.json", json.dumps(head))
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asanyarray(array))
        archive.comment = record_index._checksum(archive)

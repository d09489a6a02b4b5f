"""Presets of the package whose weights lie in an archive elsewhere."""

import json
import shutil

import keras
import numpy as np
import pytest
from web_site import kept

import keras_effspine
from keras_effspine.errors import PresetError
from keras_effspine.pretrained import shipped
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.find_trained import find_trained
from keras_effspine.pretrained.shipped_archive import ADDRESS, pack_presets


@pytest.fixture
def package(tmp_path, monkeypatch, saved, site):
    """A package whose preset `pets` lies, with its weights, in an archive on the site alone."""
    monkeypatch.delenv(ADDRESS, raising=False)
    presets = tmp_path / "package"
    shutil.copytree(saved, presets / "pets")
    digest = pack_presets([presets / "pets"], tmp_path / "presets.zip")
    site.content = (tmp_path / "presets.zip").read_bytes()
    (presets / "pets" / "model.weights.h5").unlink()
    monkeypatch.setattr(shipped, "_ROOT", presets)
    shipped._read.cache_clear()

    def register(**changes):
        address = f"http://127.0.0.1:{site.port}/presets.zip"
        known = {"file": "presets.zip", "sha256": digest, "address": address, **changes}
        (presets / "archive.json").write_text(json.dumps(known))

    register()
    yield register
    shipped._read.cache_clear()


def test_it_is_listed_without_a_request_and_fetched_once_when_it_is_used(package, site, detector):
    assert shipped.list_presets()["pets"].weights
    with pytest.raises(Exception, match="Presets with weights: pets"):
        find_trained("nothing")
    assert site.requests == 0
    for _ in range(2):
        model = keras_effspine.RetinaNet.from_preset("pets", load_weights=True)
    assert site.requests == 1
    for ours, theirs in zip(model.weights, detector.weights, strict=True):
        assert np.array_equal(*map(keras.ops.convert_to_numpy, (ours, theirs))), ours.path
    assert find_pretrained("pets").class_names == ("cat", "dog", "ü")


def test_its_address_may_be_set_to_that_of_a_server_or_to_a_file(
    package, site, monkeypatch, tmp_path
):
    package(address=None)
    with pytest.raises(PresetError, match=f"pets: its weights .* presets.zip .* {ADDRESS}"):
        find_pretrained("pets")
    monkeypatch.setenv(ADDRESS, f"http://127.0.0.1:{site.port}/elsewhere.zip")
    assert find_pretrained("pets").weights.is_file()
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.setenv(ADDRESS, str(tmp_path / "presets.zip"))
    assert find_pretrained("pets").weights.is_file()
    assert site.requests == 1


def test_another_archive_is_refused(package, site, tmp_path):
    package(sha256="0" * 64)
    with pytest.raises(PresetError, match="is not the file that was meant: its SHA-256 is"):
        find_pretrained("pets")
    assert kept(tmp_path) == []


def test_a_download_that_breaks_off_is_said_and_made_again(package, site, tmp_path):
    site.breaks_at = 1000
    with pytest.raises(PresetError, match="broke off after 1,000 of"):
        find_pretrained("pets")
    assert kept(tmp_path) == []
    site.breaks_at = None
    assert find_pretrained("pets").weights.is_file()


def test_a_server_that_does_not_answer_is_named(package):
    package(address="http://127.0.0.1:1/presets.zip")
    with pytest.raises(PresetError, match="http://127.0.0.1:1/presets.zip: cannot be downloaded"):
        find_pretrained("pets")


def test_an_archive_without_the_preset_is_named(package, site, saved, tmp_path):
    other = shutil.copytree(saved, tmp_path / "others" / "dogs")
    digest = pack_presets([other], tmp_path / "presets.zip")
    site.content = (tmp_path / "presets.zip").read_bytes()
    package(sha256=digest)
    with pytest.raises(PresetError, match="holds no preset pets with model.weights.h5"):
        find_pretrained("pets")


def test_a_registry_that_says_too_little_is_named(package, tmp_path):
    (tmp_path / "package" / "archive.json").write_text('{"file": "presets.zip"}')
    with pytest.raises(PresetError, match="archive.json: names no 'sha256' of the archive"):
        find_pretrained("pets")


def test_the_same_presets_make_the_same_archive(saved, tmp_path):
    other = shutil.copytree(saved, tmp_path / "other")
    digests = {
        pack_presets(folders, tmp_path / "presets.zip")
        for folders in ([saved, other], [other, saved])
    }
    assert len(digests) == 1


def test_what_cannot_be_told_apart_or_is_no_preset_is_not_packed(saved, tmp_path):
    for folders, message in (([saved, saved], "different names"), ([tmp_path], "config.json")):
        with pytest.raises(PresetError, match=message):
            pack_presets(folders, tmp_path / "presets.zip")
    assert not (tmp_path / "presets.zip").exists()

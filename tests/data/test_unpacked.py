"""Archives as data: the same as the folder that was packed, or refused in one line."""

import io
import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from keras_effspine import unpacking
from keras_effspine.data import unpacked as module
from keras_effspine.data.images.loose_images import load_images
from keras_effspine.data.loading import load_records
from keras_effspine.data.unpacked import unpacked
from keras_effspine.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "unpacked"


@pytest.fixture
def export(handful, tmp_path):
    """A folder as annotation tools export it: pictures, and COCO's JSON in `annotations`."""
    folder = tmp_path / "export ü"
    shutil.copytree(handful.images, folder / "images")
    (folder / "annotations").mkdir()
    shutil.copy(handful.file, folder / "annotations" / "instances_default.json")
    return folder


def kept(cache):
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def zipped(file, members, **info):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            for key, value in info.items():
                setattr(member, key, value)
            archive.writestr(member, content)
    return file


@pytest.mark.parametrize(("kind", "suffix"), [("zip", ".zip"), ("gztar", ".tar.gz")])
def test_an_archive_is_what_was_packed_and_unpacked_once(
    export, handful, tmp_path, cache, capsys, kind, suffix
):
    # The folder itself, or what is in it.
    for title, place in (("outer", (export.parent, export.name)), ("inner", (export, None))):
        name = shutil.make_archive(str(tmp_path / title), kind, *place)
        assert name.endswith(suffix)
        for _ in range(2):
            found = load_records(name)
        assert f"Unpacking {name} " in capsys.readouterr().err
        assert capsys.readouterr().err == ""
        assert found.source.startswith(name)
        assert found.class_names == handful.records.class_names
        for one, other in zip(found.records, handful.records.records, strict=True):
            np.testing.assert_array_equal(one.boxes, other.boxes)
            assert one.path.read_bytes() == other.path.read_bytes()
    assert len(kept(cache)) == 2
    shutil.copy(name, tmp_path / "copy.zip" if kind == "zip" else tmp_path / "copy.tar.gz")
    load_records(tmp_path / ("copy" + suffix))
    assert len(kept(cache)) == 2


def test_pictures_may_lie_in_an_archive_of_their_own(export, handful, tmp_path):
    pictures = shutil.make_archive(str(tmp_path / "pictures"), "zip", handful.images)
    assert len(load_records(handful.file, pictures).records) == 4
    assert len(load_images(pictures, ("a",)).records) == 4


def test_an_archive_that_was_changed_is_another(export, tmp_path, cache):
    file = tmp_path / "my.zip"
    zipped(file, {"a.txt": "1"})
    first = unpacked(file)
    zipped(file, {"a.txt": "22"})
    assert (first / "a.txt").read_text() == "1"
    assert (unpacked(file) / "a.txt").read_text() == "22"


def test_names_that_macos_and_windows_write_are_read(tmp_path):
    content = zipped(tmp_path / "a.zip", {"x/bild-ue.png": "1"}).read_bytes()
    file = tmp_path / "mac.zip"  # UTF-8 without a word of it
    file.write_bytes(content.replace(b"-ue", "-ü".encode()))
    assert (unpacked(file) / "x" / "bild-ü.png").is_file()
    windows = zipped(tmp_path / "win.zip", {"train\\a.png": "1"})
    assert (unpacked(windows) / "train" / "a.png").is_file()


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/tmp/out", "..\\out", "C:\\out"])
def test_a_name_that_leaves_the_folder_is_refused_and_nothing_stays(tmp_path, cache, name):
    bad = zipped(tmp_path / "bad.zip", {"a.txt": "1", name: "x"})
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    for file in (bad, tmp_path / "bad.tar"):
        with pytest.raises(DataError, match=rf"{file}: its .*out' leaves its folder"):
            load_records(file)
    assert kept(cache) == []
    assert not list(tmp_path.rglob("*out"))


def test_links_are_refused(tmp_path, cache):
    link = zipped(tmp_path / "bad.zip", {"a": "/etc/passwd"}, external_attr=0o120777 << 16)
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        member = tarfile.TarInfo("a")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    for file in (link, tmp_path / "bad.tar"):
        with pytest.raises(DataError, match="its 'a' is no plain file. Unpack it by hand."):
            unpacked(file)
    assert kept(cache) == []


def test_what_would_fill_the_disk_is_refused(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(module, "_SMALLEST_LIMIT", 10_000)
    bomb = zipped(tmp_path / "bomb.zip", {f"{i}": b"0" * 100_000 for i in range(10)})
    with tarfile.open(tmp_path / "bomb.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("a")
        member.size = 10**6
        archive.addfile(member, io.BytesIO(b"0" * 10**6))
    for file in (bomb, tmp_path / "bomb.tar.gz"):
        with pytest.raises(DataError, match=r"bomb.*: unpacks to more than \d+,\d+ bytes"):
            unpacked(file)
    monkeypatch.setattr(unpacking, "_MOST_FILES", 2)
    with pytest.raises(DataError, match="unpacks to more than 2 files"):
        unpacked(zipped(tmp_path / "many.zip", dict.fromkeys("abc", "")))
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 0))
    with pytest.raises(DataError, match="has room for no more. Unpack it by hand"):
        unpacked(zipped(tmp_path / "some.zip", {"a": "1"}))
    assert kept(cache) == []


def test_broken_archives_are_refused_by_name(tmp_path, cache, handful):
    whole = shutil.make_archive(str(tmp_path / "whole"), "zip", handful.images)
    content = (tmp_path / "whole.zip").read_bytes()
    for name, part in (
        ("cut.zip", content[: len(content) // 2]),
        ("text.zip", b"no archive"),
        ("text.tar.gz", b"no archive"),
        ("flipped.zip", content[:2000] + bytes(500) + content[2500:]),
    ):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(DataError, match=f"{name}: no archive that can be unpacked .*by hand"):
            load_records(tmp_path / name)
    with pytest.raises(DataError, match="twice"):
        with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(whole, "a") as archive:
            for _ in range(2):
                archive.writestr("same", "1")
        unpacked(whole)
    assert kept(cache) == []


def test_an_archive_of_nothing_known_is_named_and_not_its_folder(tmp_path):
    file = zipped(tmp_path / "notes.zip", {"a.txt": "1"})
    with pytest.raises(DataError, match=rf"{file} \(holds 1 .txt\): not recognised") as error:
        load_records(file)
    assert "cache" not in str(error.value).partition("not recognised")[0]


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set EFFSPINE_CACHE to a folder that can be written"):
        unpacked(zipped(tmp_path / "a.zip", {"a": "1"}))

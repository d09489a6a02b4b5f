"""Presets from the web: only what was meant arrives, and it arrives whole."""

import io
import zipfile

import filelock
import pytest
from web_site import kept

from keras_effspine.errors import PresetError
from keras_effspine.pretrained import archive
from keras_effspine.pretrained.archive import fetch_archive


def zipped(files, mode=0o100644):
    """Bytes of a ZIP archive with these texts by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(member, text)
    return buffer.getvalue()


@pytest.mark.parametrize("folder", ["", "mine/"])
def test_an_archive_is_fetched_once_and_then_lies_in_the_cache(site, tmp_path, folder):
    site.content = zipped({f"{folder}config.json": "{}", f"{folder}model.weights.h5": "x" * 5000})
    found = fetch_archive(site.address())
    assert found.is_relative_to(tmp_path / "cache")
    assert {p.name: p.read_text() for p in found.iterdir()} == {
        "config.json": "{}",
        "model.weights.h5": "x" * 5000,
    }
    site.breaks_at = 0  # as good as offline
    assert fetch_archive(site.address().replace("127.0.0.1", "no.such.host.invalid")) == found
    assert site.requests == 1
    assert not [name for name in kept(tmp_path) if name.startswith(".")]


def test_another_file_than_was_meant_is_not_kept(site, tmp_path):
    site.content = zipped({"config.json": "{}"})
    with pytest.raises(PresetError, match="is not the file that was meant: its SHA-256 is"):
        fetch_archive(site.address(b"another"))
    assert kept(tmp_path) == []


@pytest.mark.parametrize("announces", [True, False])
def test_a_download_that_breaks_off_is_noticed_and_made_again(site, tmp_path, announces):
    site.content = zipped({"config.json": "{}", "a": "".join(map(str, range(9000)))})
    site.breaks_at, site.announces = 1000, announces
    message = r"broke off after 1,000 of .* bytes" if announces else "is not the file that was"
    with pytest.raises(PresetError, match=message):
        fetch_archive(site.address())
    assert kept(tmp_path) == []
    site.breaks_at = None
    assert (fetch_archive(site.address()) / "config.json").is_file()


def test_an_address_must_say_what_is_to_come(site):
    for fragment in ("", "#sha256=12", "#md5=" + "0" * 64):
        with pytest.raises(PresetError, match="end the address in #sha256="):
            fetch_archive(f"https://host/file.zip{fragment}")
    assert site.requests == 0


def test_a_host_that_does_not_answer_is_named(site):
    address = site.address().replace(str(site.port), "1")
    with pytest.raises(PresetError, match=r"http://127.0.0.1:1/mine.zip: cannot be downloaded"):
        fetch_archive(address)


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/tmp/out", "..\\out", "C:out"])
def test_a_name_that_leaves_the_folder_is_refused(site, tmp_path, name):
    site.content = zipped({"config.json": "{}", name: "x"})
    with pytest.raises(PresetError, match="leaves its folder"):
        fetch_archive(site.address())
    assert kept(tmp_path) == []
    assert not list(tmp_path.rglob("*out"))


def test_a_link_is_refused(site, tmp_path):
    site.content = zipped({"config.json": "/etc/passwd"}, mode=0o120777)
    with pytest.raises(PresetError, match="'config.json' is no plain file"):
        fetch_archive(site.address())
    assert kept(tmp_path) == []


def test_too_much_is_refused(site, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 10_000)
    site.content = zipped({"config.json": "0" * 100_000})
    assert len(site.content) < 10_000
    with pytest.raises(PresetError, match="unpacks to more than"):
        fetch_archive(site.address())
    monkeypatch.setattr(archive, "LARGEST", 100)
    with pytest.raises(PresetError, match="larger than 100 bytes"):
        fetch_archive(site.address())
    assert kept(tmp_path) == []


def test_what_is_no_archive_or_holds_no_preset_is_said(site):
    site.content = b"no archive"
    with pytest.raises(PresetError, match="no archive that can be unpacked"):
        fetch_archive(site.address())
    site.content = zipped({"readme": "x"})
    with pytest.raises(PresetError, match="holds no preset"):
        fetch_archive(site.address())


def test_what_a_download_that_was_killed_has_left_is_removed_and_one_at_work_is_not(site, tmp_path):
    cache = tmp_path / "cache" / "presets"
    cache.mkdir(parents=True)
    dead, working = (cache / f".{digit * 32}.part" for digit in "01")
    for part in (dead, working):
        part.mkdir()
        (part / "half.zip").write_text("half")
        part.with_name(f"{part.name}.lock").touch()
    site.content = zipped({"config.json": "{}"})
    with filelock.FileLock(f"{working}.lock"):
        fetch_archive(site.address())
        assert (working / "half.zip").is_file()
    assert not dead.exists()
    assert not dead.with_name(f"{dead.name}.lock").exists()

"""One way to find pictures in a folder."""

import os
import pathlib

import pytest
from PIL import Image

from keras_effspine.data.images.finding import IMAGE_SUFFIXES, find_files, visible_folders
from keras_effspine.data.images.image_bytes import shown_size


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def names(folder, **options):
    return [path.relative_to(folder).as_posix() for path in find_files(folder, **options).paths]


def kinds(folder):
    return {p.kind: pathlib.Path(p.where).name for p in find_files(folder).problems}


def test_every_suffix_that_pillow_reads_is_found_in_both_cases_and_in_order(tmp_path):
    assert {".webp", ".tif", ".tiff", ".jfif", ".avif"} <= set(IMAGE_SUFFIXES)
    touch(*(tmp_path / f"{i}{s}" for i, s in enumerate(IMAGE_SUFFIXES, start=10)))
    touch(*(tmp_path / "sub/deep" / f"{i}{s.upper()}" for i, s in enumerate(IMAGE_SUFFIXES)))
    touch(tmp_path / "notes.txt", tmp_path / "Thumbs.db")
    found = names(tmp_path)
    assert len(found) == 2 * len(IMAGE_SUFFIXES)
    assert found == sorted(found)
    assert names(tmp_path, deep=False) == [name for name in found if "/" not in name]


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_what_is_found_can_be_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    lossy = suffix in (".jfif", ".jpe")
    Image.new("RGB", (40, 30)).save(path, **({"format": "JPEG"} if lossy else {}))
    assert shown_size(path) == (40, 30)


def test_what_is_hidden_or_of_a_kind_that_is_not_read_is_left_out_and_named(tmp_path):
    touch(
        *(tmp_path / name for name in ("a.jpg", "._a.jpg", "b.heic")),
        *(tmp_path / name for name in (".ipynb_checkpoints/a.jpg", ".git/x", ".DS_Store")),
    )
    assert names(tmp_path) == ["a.jpg"]
    problems = find_files(tmp_path).problems
    assert {problem.action for problem in problems} == {"left out"}
    assert sorted((p.kind, pathlib.Path(p.where).name) for p in problems) == [
        ("hidden file", "._a.jpg"),
        ("hidden folder", ".git"),
        ("hidden folder", ".ipynb_checkpoints"),
        ("picture of a kind that is not read (.heic)", "b.heic"),
    ]


@pytest.mark.parametrize("name", ["__MACOSX", "@eaDir", ".hidden"])
def test_folders_of_the_system_are_not_the_users(tmp_path, name):
    touch(tmp_path / name / "a.jpg", tmp_path / "mine" / "b.jpg")
    assert names(tmp_path) == ["mine/b.jpg"]
    assert kinds(tmp_path) == {"hidden folder": name}
    assert visible_folders(tmp_path) == [tmp_path / "mine"]


def test_links_are_followed_to_files_and_folders(tmp_path):
    touch(tmp_path / "elsewhere/a.jpg", tmp_path / "elsewhere/b.jpg")
    (tmp_path / "set").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "set/part")
    os.symlink(tmp_path / "elsewhere/a.jpg", tmp_path / "set/c.jpg")
    os.symlink(tmp_path / "nowhere.jpg", tmp_path / "set/d.jpg")
    assert names(tmp_path / "set") == ["c.jpg", "part/a.jpg", "part/b.jpg"]
    assert kinds(tmp_path / "set") == {"link that leads nowhere": "d.jpg"}


def test_loops_of_links_end_and_a_folder_is_searched_once_by_its_own_name(tmp_path):
    touch(tmp_path / "z/a.jpg")
    os.symlink(tmp_path, tmp_path / "z/back")
    os.symlink(tmp_path / "z", tmp_path / "again")  # comes before z by name
    assert names(tmp_path) == ["z/a.jpg"]
    found = find_files(tmp_path).problems
    assert [p.kind for p in found] == ["link to a folder that is searched"] * 2


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path):
    (problem,) = find_files(tmp_path / "none").problems
    assert (problem.kind, problem.action) == ("folder cannot be read", "skipped")
    assert find_files("a\0b").paths == []
    assert visible_folders(tmp_path / "none") == []

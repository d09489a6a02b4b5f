"""Files and folders that are there are whole, and what killed writers leave is removed."""

import os
import signal
import subprocess
import sys

import pytest

from keras_effspine.atomic_file import remove_unfinished, whole_folder, write_file
from keras_effspine.errors import RunFolderError

WRITER = """
import pathlib, sys, time
from keras_effspine.atomic_file import whole_folder, write_file

def write(path):
    path.write_text("half")
    print("writing", flush=True)
    time.sleep(600)

target = pathlib.Path(sys.argv[2])
if sys.argv[1] == "file":
    write_file(target, write)
else:
    with whole_folder(target) as part:
        write(part / "inside.txt")
"""


@pytest.fixture
def writer():
    """Starts a process that writes a file or a folder without end; returns it once it is at it."""
    started = []

    def start(kind, target):
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", WRITER, kind, str(target)], stdout=subprocess.PIPE
            )
        )
        assert started[-1].stdout.readline() == b"writing\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_leaves_is_removed_by_the_next_that_writes_there(
    tmp_path, writer, kind
):
    process = writer(kind, tmp_path / "target.txt")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(os.listdir(tmp_path)) == 2  # the part and its lock
    write_file(tmp_path / "other.txt", lambda path: path.write_text("whole"))
    assert os.listdir(tmp_path) == ["other.txt"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_writer_at_work_keeps_its_part(tmp_path, writer, kind):
    writer(kind, tmp_path / "target.txt")
    before = sorted(os.listdir(tmp_path))
    remove_unfinished(tmp_path)
    write_file(tmp_path / "zother.txt", lambda path: path.write_text("whole"))
    assert sorted(os.listdir(tmp_path)) == [*before, "zother.txt"]


def test_the_process_itself_keeps_the_parts_that_it_writes(tmp_path):
    with whole_folder(tmp_path / "folder") as part:
        (part / "a").write_text("a")
        remove_unfinished(tmp_path)
        write_file(tmp_path / "file.txt", lambda path: path.write_text("whole"))
        assert (part / "a").exists()
    assert sorted(os.listdir(tmp_path)) == ["file.txt", "folder"]


def test_files_of_others_that_look_alike_stay(tmp_path):
    names = [".a.part.lock", "movie.part", f".{'0' * 32}.part", f"{'0' * 32}.part.lock"]
    for name in names:
        (tmp_path / name).write_text("mine")
    remove_unfinished(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def test_a_path_with_nul_is_one_error(tmp_path):
    with pytest.raises(RunFolderError, match="cannot hold the character NUL"):
        write_file(tmp_path / "a\0b", lambda path: path.write_text("x"))
    with pytest.raises(OSError, match="cannot hold the character NUL"):
        with whole_folder(tmp_path / "a\0b"):
            pass
    assert os.listdir(tmp_path) == []

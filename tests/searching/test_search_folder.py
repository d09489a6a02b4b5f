"""The folder of a search is one search's, and whole."""

import json

import pytest
from planted_search import Planted

from keras_effspine.errors import RunFolderError
from keras_effspine.searching.job import Job, keep_result, key_of, result_file, run_job
from keras_effspine.searching.search_folder import SearchFolder

SETTINGS = {"algorithm": "random", "budget": {"limit": 5}}


def claim(path, settings=SETTINGS):
    with SearchFolder.claim(path, settings) as folder:
        return folder


def test_the_same_search_goes_on_in_its_folder(tmp_path):
    first = claim(tmp_path / "a")
    assert claim(tmp_path / "a", json.loads(json.dumps(SETTINGS))) == first
    assert first.settings == SETTINGS


def test_another_search_in_the_same_folder_is_refused_and_says_how_it_differs(tmp_path):
    claim(tmp_path)
    with pytest.raises(RunFolderError, match="holds another search") as caught:
        claim(tmp_path, {"algorithm": "evolution", "budget": {"limit": 5}})
    assert "algorithm: 'random'; now 'evolution'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(RunFolderError, match="holds no search to go on with"):
        claim(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_processes_do_not_search_in_one_folder(tmp_path):
    with SearchFolder.claim(tmp_path, SETTINGS):
        with pytest.raises(RunFolderError, match="another process is searching"):
            claim(tmp_path)


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        claim(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not valid JSON"), ("{}", "was not written by a run"), ('{"score": NaN}', "run")],
)
def test_a_result_that_is_broken_is_named(tmp_path, text, said):
    folder = claim(tmp_path)
    result_file(tmp_path, "abc-0").write_text(text)
    with pytest.raises(RunFolderError, match=f"abc-0.json.*{said}"):
        folder.results()


def test_a_result_that_is_still_being_written_is_none_yet(tmp_path):
    folder = claim(tmp_path)
    (tmp_path / "results" / f".{'0' * 32}.part.json").write_text("")
    assert folder.results() == {}


def test_settings_that_are_broken_are_named(tmp_path):
    claim(tmp_path)
    (tmp_path / "search.json").write_text("[]")
    with pytest.raises(RunFolderError, match="search.json: was not written by a search"):
        claim(tmp_path)


def test_a_result_is_written_once_and_its_work_removed(tmp_path):
    folder = claim(tmp_path / "a")
    evaluator = Planted(tmp_path / "diary")
    job = Job(key_of((8, 16), 3), (1, 2, 3, 1, 2, 3), 3)
    (folder.path / "work" / job.key).mkdir(parents=True)
    result = run_job(evaluator, job, folder.path)
    assert result == run_job(evaluator, job, folder.path)
    assert len(evaluator.begun()) == 1
    assert folder.results() == {job.key: result}
    assert list((folder.path / "work").iterdir()) == []
    changed = result.model_copy(update={"score": 9.0})
    keep_result(folder.path, changed)
    assert folder.results() == {job.key: result}, "what was there first stays"
    assert result.score == pytest.approx(2 / 6 + 3e-6)


def test_the_window_that_was_settled_first_holds(tmp_path):
    folder = claim(tmp_path)
    assert [folder.settle_window(4), folder.settle_window(16)] == [4, 4]
    assert claim(tmp_path).settle_window(1) == 4
    (tmp_path / "search.json").write_text('{"settings": {}, "window": "wide"}')
    with pytest.raises(RunFolderError, match="'window' must be a whole number"):
        folder.settle_window(1)


def test_keys_tell_networks_and_seeds_apart():
    keys = {key_of((8, 16), 0), key_of((8, 16), 1), key_of((16, 8), 0), key_of((81, 6), 0)}
    assert len(keys) == 4

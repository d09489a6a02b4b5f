"""How far a search is, as a table and in lines."""

import io

import pytest
from planted_search import SPACE
from rich.console import Console

from keras_effspine.cli import search as module
from keras_effspine.searching.driver import Sample, State
from keras_effspine.searching.job import Result


def result(key, score, **values):
    return Result(key=key, betas=(1, 2, 3, 1, 2, 3), seed=0, score=score, seconds=12.0, **values)


@pytest.fixture
def state():
    results = {
        "a": result("a", 0.25),
        "b": result("b", None, failure="the loss is not a number"),
        "c": result("c", 0.125, is_whole=False),
    }
    samples = [Sample(n, (0,) * SPACE.blocks, key) for n, key in enumerate("abcda")]
    return State(10, results, samples, told=3, running={"d"}, evaluated=3)


def test_the_table_has_the_best_first_and_says_how_far_the_search_is(state):
    console = Console(file=io.StringIO(), width=120)
    console.print(module._table(state, 60.0))
    text = console.file.getvalue()
    assert text.index("0.2500") < text.index("0.1250")
    assert "1 2 3 1 2 3" in text
    assert "3 evaluated, 1 open; 3 of 10 samples; 180 candidates an hour, about 2 min left" in text


def test_in_a_log_each_sample_is_a_line_and_only_once(state, capsys):
    with module._shown(None) as observe:
        observe(state)
        observe(state)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "1 of 10: score 0.2500, 12 s; betas 1 2 3 1 2 3",
        "2 of 10: failed, the loss is not a number; betas 1 2 3 1 2 3",
        "3 of 10: score 0.1250, stopped early, 12 s; betas 1 2 3 1 2 3",
    ]


def test_on_a_terminal_the_table_is_kept_up_to_date_and_leaves_nothing(state, monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(module, "OUTPUT", console)
    with module._shown(None) as observe:
        observe(state)
    drawn = console.file.getvalue()
    assert "The best so far" in drawn and "3 of 10 samples" in drawn
    assert drawn.endswith("\x1b[2K"), "the lines are erased at the end"

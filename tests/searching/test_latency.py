"""A candidate's time is told by a table of its blocks' times, and is a hard limit."""

import json
import time

import numpy as np
import pydantic
import pytest
from beta_ladder import SPEC, BetaLadder
from small_ladder import write_preset

from keras_effspine.errors import RunFolderError, SearchError
from keras_effspine.searching.latency_table import LatencyTable, PieceTimes
from keras_effspine.searching.plan import plan_search
from keras_effspine.searching.search import run_plan
from keras_effspine.searching.space import SearchSpace
from keras_effspine.training.recipe_changes import override

READ, WIDTHS = (8, 20, 48), (8, 16, 64)
SPACE = SearchSpace(SPEC, (1, 4, 10))
WIDE = BetaLadder(width_multiplier=4.0)
"""Wide enough that its convolutions take most of the time."""


def quiet(line):
    pass


def piece(of, parent=1, block=2, **values):
    ms = tuple(tuple(of(read, width) for width in WIDTHS) for read in READ)
    return PieceTimes(parent=parent, block=block, read=READ, widths=WIDTHS, ms=ms, **values)


def table_of(*pieces, networks=(((8, 8), 5.0), ((16, 32), 9.0))):
    timed = tuple({"widths": widths, "ms": ms} for widths, ms in networks)
    return LatencyTable(device="a", stem=8, pieces=pieces, networks=timed)


def test_between_the_widths_that_were_timed_powers_are_exact():
    found = piece(lambda read, width: 0.01 * read * width**2)
    for read, width in ((8, 8), (20, 64), (30, 40), (47, 9)):
        assert found.at(read, width) == pytest.approx(0.01 * read * width**2)


def test_an_absorbed_block_that_is_as_wide_costs_nothing():
    found = piece(lambda read, width: 1.0, absorbs=True)
    assert (found.at(16, 16), found.at(16, 8)) == (0.0, 1.0)
    assert piece(lambda read, width: 1.0).at(16, 16) == 1.0


def test_a_price_lies_on_the_line_through_the_networks_that_were_timed():
    table = table_of(piece(lambda read, width: 0.001 * read * width))
    assert table.price((8, 8)) == pytest.approx(5.0)
    assert table.price((16, 32)) == pytest.approx(9.0)
    between = (0.001 * (12 * 24 - 64)) / (0.001 * (16 * 32 - 64))
    assert table.price((12, 24)) == pytest.approx(5.0 + 4.0 * between)
    noisy = (((8, 8), 4.0), ((8, 8), 6.0), ((16, 32), 8.5), ((16, 32), 9.5))
    assert table_of(*table.pieces, networks=noisy).price((12, 24)) == pytest.approx(
        table.price((12, 24))
    )


def test_a_piece_may_read_the_stem_or_its_own_block():
    table = table_of(piece(lambda read, width: read, parent=0), piece(lambda r, w: w, block=1))
    assert table.pieces[0].at(8, 16) == pytest.approx(8.0)
    assert table.sum_of((16, 8)) == pytest.approx(8.0 + 16.0)


def test_tables_that_are_none_are_refused():
    with pytest.raises(pydantic.ValidationError, match="a row for each width"):
        PieceTimes(parent=1, block=2, read=(8, 16), widths=(8,), ms=((1.0,),))
    with pytest.raises(pydantic.ValidationError, match="greater than 0"):
        PieceTimes(parent=1, block=2, read=(8,), widths=(8,), ms=((0.0,),))
    with pytest.raises(pydantic.ValidationError, match="at least 2"):
        table_of(networks=(((8, 8), 5.0),))


@pytest.fixture(scope="module")
def plan(recipe, tmp_path_factory):
    """A search of the ladder within a second, which every candidate is."""
    preset = write_preset(tmp_path_factory.mktemp("presets") / "beta", WIDE)
    changed = override(recipe, {"preset": str(preset), "image_size": 192})
    return plan_search(changed, SPACE.choices, report=quiet, latency_ms=1000.0)


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    """A folder with the table."""
    folder = tmp_path_factory.mktemp("search")
    with pytest.MonkeyPatch.context() as patch:
        use_processor_time(patch)
        time_few_widths(patch)
        plan.budget.prepare(folder, quiet)
    return folder


def time_few_widths(patch):
    from keras_effspine.searching import network_pieces

    patch.setattr(network_pieces, "READ", 2)
    patch.setattr(network_pieces, "WIDTHS", 2)


def use_processor_time(patch):
    """Which other processes on the machine do not change much."""
    from keras_effspine.searching import stopwatch

    patch.setattr(stopwatch, "CLOCK", time.process_time)


# Not by default: where the machine's clock moves, chance alone may decide.
@pytest.mark.slow
@pytest.mark.integration
def test_prices_and_times_of_whole_networks_go_together(plan, folder, monkeypatch):
    from keras_effspine.searching.latency_timing import time_candidate

    use_processor_time(monkeypatch)
    random = np.random.default_rng(0)
    drawn = [plan.space.betas(plan.space.sample(random)) for _ in range(300)]
    order = np.argsort([plan.budget.price(betas) for betas in drawn])
    betas = [drawn[place] for place in (order[0], order[150], order[-1])]
    prices = [plan.budget.price(one) for one in betas]
    times = [time_candidate(*plan.budget._of, one) for one in betas]
    assert np.corrcoef(prices, times)[0, 1] > 0.5, (prices, times)
    assert "timed as a whole it took" in plan.budget.checked(betas[0])


@pytest.mark.integration
def test_the_table_is_timed_once_for_a_search(plan, folder, monkeypatch):
    from keras_effspine.searching import latency_timing

    monkeypatch.setattr(latency_timing, "time_blocks", None)
    before = plan.budget.price(SPEC.betas)
    plan.budget.prepare(folder, quiet)
    assert plan.budget.price(SPEC.betas) == before
    said = json.loads((folder / "latency.json").read_text())
    assert said["device"] and len(said["pieces"]) == 9 + 6 + 2, "ways, blocks, endpoints"
    assert len(said["networks"]) == 5


@pytest.mark.integration
def test_a_limit_that_no_candidate_meets_is_one_line_and_leaves_the_folder_free(
    plan, folder, recipe, monkeypatch
):
    monkeypatch.setattr(plan.budget, "limit", 1e-6)
    with pytest.raises(SearchError, match="allows none of 1000 random candidates") as caught:
        run_plan(plan, folder, algorithm="random", candidates=1, report=quiet)
    assert "the limit is 0.00 ms a picture, and they cost from" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [file.name for file in folder.iterdir() if file.name[0] != "."] == ["latency.json"]


@pytest.mark.integration
def test_a_broken_table_is_named(plan, tmp_path):
    (tmp_path / "latency.json").write_text('{"device": "a"}')
    with pytest.raises(RunFolderError, match="latency.json: was not written by a run"):
        plan.budget.prepare(tmp_path, quiet)


@pytest.mark.integration
def test_limits_that_make_no_sense_are_refused(recipe):
    with pytest.raises(SearchError, match="give a limit above 0"):
        plan_search(recipe, (1, 10), report=quiet, latency_ms=0.0)
    with pytest.raises(SearchError, match="one budget: give --multiply-adds or --latency-ms"):
        plan_search(recipe, (1, 10), 1e6, quiet, latency_ms=1.0)


@pytest.mark.integration
def test_a_device_that_cannot_tell_narrow_from_wide_is_refused(plan, tmp_path, monkeypatch):
    from keras_effspine.searching import latency_timing, network_pieces

    time_few_widths(monkeypatch)
    for module in (latency_timing, network_pieces):
        monkeypatch.setattr(module, "milliseconds", lambda *arguments: 3.0)
    with pytest.raises(SearchError, match="too busy to be timed"):
        plan.budget.prepare(tmp_path, quiet)

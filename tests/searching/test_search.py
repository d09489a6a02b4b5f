"""From a recipe to the report, with real networks."""

import csv
import dataclasses
import json

import pytest
from planted_search import Generous, Planted

from keras_effspine.errors import RunFolderError, SearchError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.searching.evaluator import Evaluator, Outcome
from keras_effspine.searching.plan import plan_search
from keras_effspine.searching.search import run_plan
from keras_effspine.training.recipe_changes import override

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("eager_steps")]

BETAS = (1, 4, 10)


def quiet(line):
    pass


def test_a_search_ends_in_a_preset_a_ranking_and_a_report(recipe, tmp_path):
    out, said, states = tmp_path / "search", [], []
    plan = plan_search(recipe, BETAS, 1e9, report=said.append)
    assert said[-1] == "2 of them are reserved to measure candidates on."
    found = run_plan(
        plan,
        out,
        algorithm="random",
        candidates=2,
        report=said.append,
        observe=lambda state: states.append(state.told),
    )
    assert "random candidates" in said[2] and "within the budget" in said[2]
    assert sorted(states) == states and states[-1] == 2

    with (out / "ranking.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0]["betas"] == " ".join(map(str, found.ranking[0].result.betas))
    assert set(found.winner.result.betas) <= set(BETAS)
    report = (out / "report.md").read_text()
    assert f"{found.winner.parameters:,} parameters" in report
    for name in ("reward", "cost", "distribution"):
        assert (out / f"{name}.svg").read_text().startswith("<?xml")

    start = find_pretrained(found.preset)
    assert start.weights is None and start.image_size == 32
    backbone = start.build(start.config)
    assert backbone.block_widths == found.winner.widths
    assert backbone.batch_norm_momentum == 0.99 and backbone.stochastic_depth_rate == 0.0
    assert not list(out.rglob("model.keras")), "what a candidate trained is not kept"

    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    said.clear()
    # As a version had written it that did not know of patience yet.
    settings = json.loads((out / "search.json").read_text())
    assert settings["settings"]["evaluator"].pop("patience", 0) is None
    (out / "search.json").write_text(json.dumps(settings))
    again = run_plan(plan, out, algorithm="random", candidates=2, report=said.append)
    before[out / "search.json"] = (out / "search.json").read_bytes()
    assert said[1] == f"Going on: {len(rows)} evaluated before."
    assert again.winner == found.winner
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    with pytest.raises(RunFolderError, match="algorithm: 'random'; now 'evolution'"):
        run_plan(plan, out, algorithm="evolution", candidates=2, report=quiet)
    with pytest.raises(RunFolderError, match="seed: 0; now 1"):
        other = plan_search(override(recipe, {"seed": 1}), BETAS, 1e9, report=quiet)
        run_plan(other, out, algorithm="random", candidates=2, report=quiet)
    longer = plan_search(override(recipe, {"steps": 3}), BETAS, 1e9, report=quiet)
    with pytest.raises(RunFolderError, match="evaluator.steps: 2; now 3"):
        run_plan(longer, out, algorithm="random", candidates=2, report=quiet)


def test_the_rehearsal_says_what_the_proxy_is_worth_from_the_command_line(
    preset, pictures, effspine, tmp_path
):
    options = (
        f"--task classification --preset {preset} --data {pictures} --reserve 2 --image-size 32 "
        "--batch-size 2 --steps 1 --set evaluations=1 --set classifier_backbone=detection "
        "--algorithm random --betas 1,10"
    )
    out = ("--out", tmp_path / "search")
    run = effspine(
        "search", *options.split(), *out, "--rehearse", "--repeats", 2, "--references", 3
    )
    assert run.status == 0, run.err
    assert "the preset's own" in run.out and "equal betas" in run.out
    assert "rank correlation between repeats" in run.out
    assert "Warning: " in run.out, "one step teaches nothing"
    said = json.loads((tmp_path / "search" / "rehearsal.json").read_text())
    assert [len(one["scores"]) for one in said["candidates"]] == [2, 2, 2]
    results = tmp_path / "search" / "results"
    assert len(list(results.iterdir())) == 6

    run = effspine("search", *options.split(), *out, "--candidates", 1)
    assert run.status == 0, run.err
    assert "1 of 1: score" in run.out
    assert "winner" in run.out and "--preset" in run.out
    assert len(list(results.iterdir())) <= 7


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--reserve 5", "of 8 pictures 5 cannot be reserved"),
        ("", "of 8 pictures 32 cannot be reserved"),
        ("--reserve 2 --preset m0_cifar10", "brings weights"),
        ("--reserve 2 --multiply-adds 1000", "allows none of 1000 random candidates"),
        ("--reserve 2 --betas 5", "two positive numbers at least"),
        ("--reserve 2 --betas a,b", "write numbers, such as 1,5,10,15,20"),
        ("--reserve 2 --algorithm luck", "Unknown algorithm 'luck'"),
        ("--reserve 2 --address 127.0.0.1:9", "no cluster of Ray answers there"),
        ("--reserve 2 --address here", "write host:port"),
        ("--reserve 2 --workers 2 --resource TPU", "write NAME=AMOUNT"),
        ("--reserve 2 --set backbone.widths=8", "has exact widths"),
    ],
)
def test_mistakes_are_one_line(small_shapes, effspine, tmp_path, options, said):
    common = "--data shapes --image-size 64 --set backbone.width_multiplier=0.2"
    run = effspine("search", *common.split(), *options.split(), "--out", tmp_path / "search")
    assert run.status == 2
    assert said in run.err
    assert run.err.count("\n") == 1


def test_without_ray_several_workers_say_what_to_install(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    plan = plan_search(recipe, BETAS, report=quiet)
    with pytest.raises(SearchError, match=r"pip install 'keras-effspine\[search\]'"):
        run_plan(plan, tmp_path, algorithm="random", workers=2, report=quiet)


class Hopeless(Evaluator):
    """No candidate has a score."""

    def evaluate(self, betas, seed, folder, floors):
        return Outcome(None, failure="the loss is not a number")

    def settings(self):
        return {}


def test_other_ways_to_score_and_to_price_take_the_place_of_those_of_a_plan(recipe, tmp_path):
    plan = plan_search(recipe, (1, 2, 3), report=quiet)
    plan = dataclasses.replace(plan, evaluator=Planted(tmp_path / "diary"), budget=Generous(7))
    said = []
    found = run_plan(plan, tmp_path / "search", candidates=40, report=said.append)
    assert sum(found.winner.result.betas) <= 7
    assert found.winner.price == sum(found.winner.result.betas)
    assert all(one.price <= 7 for one in found.ranking)
    assert found.ranking[0].result.score == pytest.approx(2 / 3)
    assert "within the budget of 7 betas" in said[0]


def test_a_search_in_which_every_candidate_fails_says_why(recipe, tmp_path):
    plan = dataclasses.replace(plan_search(recipe, BETAS, 1e9, quiet), evaluator=Hopeless())
    with pytest.raises(SearchError, match="the first one failed: the loss is not a number"):
        run_plan(plan, tmp_path, candidates=2, report=quiet)

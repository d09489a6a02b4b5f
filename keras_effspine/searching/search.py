"""Learning a resource distribution, from a recipe to a preset."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

from keras_effspine.errors import SearchError
from keras_effspine.searching.best_preset import save_best_preset
from keras_effspine.searching.driver import Driver, State
from keras_effspine.searching.driving import driving
from keras_effspine.searching.job import Result
from keras_effspine.searching.plan import Plan, plan_search
from keras_effspine.searching.ranking import Ranked, rank, write_ranking
from keras_effspine.searching.ray_pool import Resources
from keras_effspine.searching.rehearsal import Rehearsal, rehearse
from keras_effspine.searching.report import write_report
from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.space import BETAS
from keras_effspine.training.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Found:
    """What a search found.

    Args:
        winner: the `Ranked` candidate that the algorithm recommends, evaluated to the end.
        ranking: list of all candidates as `Ranked`, the best first.
        preset: path of the winner's preset folder: an architecture without weights, or with shared
            weights the trained model.
    """

    winner: Ranked
    ranking: list[Ranked]
    preset: pathlib.Path


def search(
    recipe: Recipe,
    out: str | os.PathLike,
    *,
    algorithm: str = "reinforce",
    candidates: int = 100,
    betas: Sequence[float] = BETAS,
    multiply_adds: float | None = None,
    latency_ms: float | None = None,
    weight_sharing: bool = False,
    stop_below: float = 0.25,
    workers: int = 1,
    address: str | None = None,
    resources: Resources | None = None,
    report: Callable[[str], None] = print,
    observe: Callable[[State], None] = lambda state: None,
) -> Found:
    """Learns where the computation of a network should go (3.3 of the Eff-SpineNet paper).

    Each candidate is the recipe's model with a beta of its own for each block, at the computation
    of its preset (equations 2 to 4). It is trained as the recipe says, cut short, and scored by the
    task's most telling metric on training pictures that are reserved for it.

    With shared weights one network that holds all candidates is trained as the recipe says, and a
    candidate is a slice of it, which is not trained itself (BigNAS, arXiv:2003.11142).

    A search that was stopped, or killed, goes on when it is called again: no candidate that was
    finished is lost, and none runs twice. With more `candidates` one that had ended goes on.

    Args:
        recipe: `Recipe` of the short training; its `data.reserve` says how many pictures are
            reserved, its seed is that of the search too.
        out: path of the folder: new, empty, or with the same search.
        algorithm: one of `searching.samplers.registry.ALGORITHMS`.
        candidates: how many are tried.
        betas: the set that the betas are chosen from.
        multiply_adds: hard limit of the model's multiply-adds on one picture, as the paper counts;
            None allows a tenth more than the preset has.
        latency_ms: in its place, hard limit of the model's time for one picture on this device, in
            TensorFlow, told by a table of its blocks' times; see `searching.latency`.
        weight_sharing: whether candidates are slices of one network.
        stop_below: a candidate ends early which at a measurement is worse than all but this share
            of the earlier ones; 0 for none.
        workers: candidates at a time. More than one, or an `address`, needs Ray.
        address: of a cluster of Ray; None stays on this machine.
        resources: what of a machine each candidate needs, as Ray counts it.
        report: function that is given each line of text for the user.
        observe: function that is given the `State` of the search whenever it changes.

    Returns:
        `Found`. The folder holds `report.md` with pictures, `ranking.csv`, the winner as the
        preset `best`, and a file for each candidate in `results`.

    Raises:
        StoppedError: if it was stopped by Ctrl-C or SIGTERM.
        EffSpineError: where recipe, data, budget, cluster or folder cannot be used.
    """
    plan = plan_search(
        recipe,
        betas,
        multiply_adds,
        report,
        latency_ms=latency_ms,
        weight_sharing=weight_sharing,
    )
    return run_plan(
        plan,
        out,
        algorithm=algorithm,
        candidates=candidates,
        stop_below=stop_below,
        workers=workers,
        address=address,
        resources=resources,
        report=report,
        observe=observe,
    )


def run_plan(
    plan: Plan,
    out: str | os.PathLike,
    *,
    algorithm: str = "reinforce",
    candidates: int = 100,
    stop_below: float = 0.25,
    workers: int = 1,
    address: str | None = None,
    resources: Resources | None = None,
    report: Callable[[str], None] = print,
    observe: Callable[[State], None] = lambda state: None,
) -> Found:
    """`search`, of a plan. Arguments, result and errors are its."""
    if candidates < 1:
        raise SearchError(f"A search has at least one candidate. Received: {candidates}")
    with driving(
        plan, out, algorithm, stop_below, workers, address, resources, report, observe
    ) as ready:
        driver, folder = ready.driver, ready.folder
        if driver.state.results:
            report(f"Going on: {len(driver.state.results)} evaluated before.")
        window = folder.settle_window(1 if workers == 1 else 2 * workers)
        if workers > window:
            report(f"The search began with room for {window} candidates at a time, and keeps it.")
        state = driver.run(candidates, window)
        winner = _winner(driver, ready.sampler, plan)
        ranking = rank(state, plan)
        write_ranking(ranking, folder.path / "ranking.csv")
        preset = save_best_preset(plan, winner, folder.path / "best")
        best = next((one for one in ranking if one.result.key == winner.key), None)
        best = best or Ranked.of(len(state.samples), winner, plan)
        checked = plan.budget.checked(winner.betas)
        write_report(folder.path, plan, algorithm, best, ranking, ready.drawn, checked, report)
        if checked:
            report(f"The winner: {checked}")
    return Found(best, ranking, preset)


def rehearse_plan(
    plan: Plan,
    out: str | os.PathLike,
    *,
    algorithm: str = "reinforce",
    references: int = 6,
    repeats: int = 3,
    stop_below: float = 0.25,
    workers: int = 1,
    address: str | None = None,
    resources: Resources | None = None,
    report: Callable[[str], None] = print,
    observe: Callable[[State], None] = lambda state: None,
) -> Rehearsal:
    """Finds out whether the proxy of a plan can tell candidates apart, before it is searched.

    What is evaluated lies in the search's folder, and the search need not do it again.

    Args:
        references: number of candidates, a spread of them.
        repeats: number of seeds that each is evaluated with.
        plan, out, algorithm, stop_below, workers, address, resources, report, observe: those of the
            search.

    Returns:
        `Rehearsal`; also in the folder, as `rehearsal.json`.

    Raises:
        SearchError: if a candidate fails.
        EffSpineError: as `search`.
    """
    with driving(
        plan, out, algorithm, stop_below, workers, address, resources, report, observe
    ) as ready:
        driver, folder = ready.driver, ready.folder
        driver.state.count = references * repeats
        rehearsal = rehearse(driver, plan.space, plan.recipe.seed, references, repeats)
        folder.write_json("rehearsal.json", rehearsal.as_json())
    return rehearsal


def _winner(driver: Driver, sampler: Sampler, plan: Plan) -> Result:
    """What the sampler recommends, evaluated to its end; else the best that was seen."""
    results = driver.state.results
    seen = [results[sample.key] for sample in driver.state.samples]
    scored = [result for result in seen if result.score is not None]
    if not scored:
        raise SearchError(f"No candidate has a score; the first one failed: {seen[0].failure}")
    betas = plan.space.betas(sampler.recommend())
    if plan.budget.allows(betas):
        result = driver.evaluate(betas)
        if result.score is not None and result.is_whole:
            return result
    return max(scored, key=lambda result: (result.is_whole, result.score))

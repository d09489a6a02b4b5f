"""A search's driver, in its folder and with its workers at hand."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Any

from keras_effspine.errors import SearchError, StoppedError
from keras_effspine.searching.driver import Driver, State
from keras_effspine.searching.multiply_adds import Drawn, draw
from keras_effspine.searching.plan import Plan
from keras_effspine.searching.pool import Pool, ThisProcess
from keras_effspine.searching.ray_pool import RayPool, Resources
from keras_effspine.searching.samplers.registry import make_sampler
from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.search_folder import SearchFolder
from keras_effspine.training.termination import termination_as_interrupt


@dataclasses.dataclass(frozen=True)
class Driving:
    """A search that is ready to run.

    Args:
        driver: `Driver`.
        sampler: its `Sampler`.
        folder: its `SearchFolder`.
        drawn: what random candidates cost.
    """

    driver: Driver
    sampler: Sampler
    folder: SearchFolder
    drawn: Drawn


@contextlib.contextmanager
def driving(
    plan: Plan,
    out: str | os.PathLike,
    algorithm: str,
    stop_below: float,
    workers: int,
    address: str | None,
    resources: Resources | None,
    report: Callable[[str], None],
    observe: Callable[[State], None],
) -> Iterator[Driving]:
    """Takes the folder, and starts the workers, which end with the context.

    Args:
        plan: `Plan`.
        out, algorithm, stop_below, workers, address, resources, report, observe: as in
            `search`.

    Yields:
        `Driving`.

    Raises:
        StoppedError: if Ctrl-C or SIGTERM ended what was done in the context.
        EffSpineError: if a value is out of range, or folder or cluster cannot be used.
    """
    if workers < 1 or not 0 <= stop_below < 1:
        raise SearchError(
            "A search has at least one worker, and stops a share of candidates from 0 to below 1. "
            f"Received: workers={workers}, stop_below={stop_below}"
        )
    space, seed = plan.space, plan.recipe.seed
    sampler = make_sampler(algorithm, space.blocks, len(space.choices), seed)
    settings = {
        "algorithm": algorithm,
        "stop_below": stop_below,
        "seed": seed,
        "betas": list(space.choices),
        "budget": {"unit": plan.budget.unit, "limit": plan.budget.limit},
        "evaluator": plan.evaluator.settings(),
    }

    def renewed(before: dict[str, Any]) -> dict[str, Any]:
        return {**before, "evaluator": plan.evaluator.renewed(before.get("evaluator", {}))}

    with SearchFolder.claim(out) as folder, _stopping(folder):
        folder.check(settings, renewed)
        plan.budget.prepare(folder.path, report)
        drawn = draw(space, plan.counts, plan.budget, seed)
        report(drawn.in_words())
        # From here on the folder holds this search: with a budget that allows nothing it does not.
        folder.settle(settings, renewed)
        plan.evaluator.prepare(folder.path, report)
        pool: Pool
        if workers == 1 and address is None:
            pool = ThisProcess(plan.evaluator, folder.path)
        else:
            pool = RayPool(plan.evaluator, folder.path, workers, address, resources)
        with pool:
            driver = Driver(
                space,
                sampler,
                plan.budget,
                folder,
                pool,
                seed,
                stop_below,
                observe,
            )
            yield Driving(driver, sampler, folder, drawn)


@contextlib.contextmanager
def _stopping(folder: SearchFolder) -> Iterator[None]:
    """Says how far the search was when it is stopped."""
    try:
        with termination_as_interrupt():
            yield
    except (KeyboardInterrupt, StoppedError):
        raise StoppedError(
            f"Stopped with {len(folder.results())} candidates evaluated; the same command goes on "
            "from there."
        ) from None

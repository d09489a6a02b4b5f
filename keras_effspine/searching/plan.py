"""From a recipe to what its search needs."""

import dataclasses
from collections.abc import Callable, Sequence

from keras_effspine.data.loading import describe_records, load_records
from keras_effspine.data.reserved_records import reserve_records
from keras_effspine.errors import SearchError
from keras_effspine.searching.budget import Budget
from keras_effspine.searching.counts import Counts
from keras_effspine.searching.evaluator import Evaluator
from keras_effspine.searching.latency import Latency
from keras_effspine.searching.multiply_adds import MultiplyAdds
from keras_effspine.searching.proxy_training import ProxyTraining
from keras_effspine.searching.space import BETAS, SearchSpace
from keras_effspine.searching.weight_sharing import WeightSharing
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.preset_values import resolve_paths, resolve_preset
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

RESERVED_SHARE = 1 / 16
"""Share of the training pictures that is reserved: the paper's 7,392 of COCO's 118,287."""

FEWEST_RESERVED = 32


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is searched, and how a candidate is priced and scored.

    Args:
        recipe: `Recipe` in full, of which each candidate is trained with betas of its own.
        space: `SearchSpace`.
        counts: `Counts`, for the report.
        budget: `Budget`.
        evaluator: `Evaluator`.
    """

    recipe: Recipe
    space: SearchSpace
    counts: Counts
    budget: Budget
    evaluator: Evaluator


def plan_search(
    recipe: Recipe,
    betas: Sequence[float] = BETAS,
    multiply_adds: float | None = None,
    report: Callable[[str], None] = print,
    *,
    latency_ms: float | None = None,
    weight_sharing: bool = False,
) -> Plan:
    """Makes a recipe one of a proxy, and reserves pictures.

    Args:
        recipe: `Recipe`. Its validation data are left alone: candidates are measured on
            `data.reserve` training pictures, by default a sixteenth, 32 at least.
        betas: the set to choose from.
        multiply_adds: the budget; None allows a tenth more than the preset has.
        report: function that is given each line of text for the user.
        latency_ms: the budget as milliseconds for one picture on this device, in the place of
            multiply-adds; see `Latency`.
        weight_sharing: whether candidates are slices of one network, in place of being trained.

    Raises:
        DataError: if the data cannot be used, or are too few to reserve any.
        SearchError: if the preset brings weights, or a backbone without betas, or there are two
            budgets.
        EffSpineError: if the recipe or its preset cannot be used.
    """
    if None not in (multiply_adds, latency_ms):
        raise SearchError("A search has one budget: give --multiply-adds or --latency-ms.")
    recipe, start = resolve_preset(resolve_paths(recipe))
    if start.weights is not None:
        raise SearchError(
            f"{recipe.preset}: brings weights, which fit its own distribution better than any "
            "other. A search starts from random ones: name an architecture, such as m0."
        )
    task, data = find_task(recipe.task), recipe.data
    records = load_records(data.data, data.images, data.split, task.labels)
    report(describe_records(records))
    reserved = data.reserve or max(FEWEST_RESERVED, round(RESERVED_SHARE * len(records.records)))
    for part in reserve_records(records, reserved):
        task.check(part)
    report(f"{reserved} of them are reserved to measure candidates on.")
    unused = {"data.val_data": None, "data.val_images": None, "data.val_split": None}
    recipe = override(recipe, {**unused, "data.reserve": reserved})
    counts = Counts(recipe, records.class_names, start)
    space = counts.space(tuple(betas))
    budget: Budget = MultiplyAdds(counts, multiply_adds)
    if latency_ms is not None:
        budget = Latency(recipe, records.class_names, start, space, latency_ms)
    return Plan(
        recipe=recipe,
        space=space,
        counts=counts,
        budget=budget,
        evaluator=WeightSharing(recipe, space) if weight_sharing else ProxyTraining(recipe),
    )

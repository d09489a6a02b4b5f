"""What a candidate costs: parameters and multiply-adds of the whole model."""

import dataclasses
from typing import Any, cast

from keras_effspine.errors import ProfilingError, SearchError
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.profiling.network_cost import network_cost
from keras_effspine.profiling.profile import PARTS, Cost, Profile
from keras_effspine.profiling.profile_model import profile_model
from keras_effspine.searching.space import BETAS, SearchSpace
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

_OF_THE_NETWORK = PARTS[: PARTS.index("endpoints") + 1]


class Counts:
    """Counts the model that a task makes of each candidate, in the paper's way.

    Heads cost the same with each, so that the network alone is counted anew: from its
    specification, or, where the blocks are of a kind whose rule is not known, from its graph.

    Args:
        recipe: `Recipe` in full.
        class_names: tuple of class names.
        start: the `Pretrained` that its preset names.

    Attributes:
        backbone: the backbone that the recipe describes.

    Raises:
        SearchError: if the recipe's backbone is none whose resources betas distribute.
    """

    def __init__(self, recipe: Recipe, class_names: tuple[str, ...], start: Pretrained) -> None:
        self._recipe, self._class_names, self._start = recipe, class_names, start
        model = self._build(recipe)
        self.backbone = check_backbone(getattr(model, "backbone", None), recipe.preset)
        profile = profile_model(model, recipe.image_size)
        self.own = profile.total
        own = _network_of(profile)
        self._is_counted_by_rule = self._by_rule(self.backbone.spec.betas) == own
        self._heads = dataclasses.astuple(profile.total), dataclasses.astuple(own)
        self._known: dict[tuple[float, ...] | None, Cost] = {}

    def space(self, choices: tuple[float, ...] = BETAS) -> SearchSpace:
        """The `SearchSpace` of the recipe's backbone."""
        return SearchSpace(self.backbone.spec, choices, self.backbone.width_multiplier)

    def cost(self, betas: tuple[float, ...] | None) -> Cost:
        """`Cost` of the model with these betas; of None with the widths of the table."""
        if betas not in self._known:
            self._known[betas] = self._counted(betas)
        return self._known[betas]

    def _counted(self, betas: tuple[float, ...] | None) -> Cost:
        if not self._is_counted_by_rule:
            changes = {"backbone.betas": None if betas is None else list(betas)}
            model = self._build(override(self._recipe, changes))
            return profile_model(model, self._recipe.image_size).total
        network = dataclasses.astuple(cast(Cost, self._by_rule(betas)))
        whole, own = self._heads
        return Cost(*(w - o + n for w, o, n in zip(whole, own, network, strict=True)))

    def _build(self, recipe: Recipe) -> Any:
        return find_task(recipe.task).build_model(recipe, self._class_names, self._start)

    def _by_rule(self, betas: tuple[float, ...] | None) -> Cost | None:
        backbone = self.backbone
        spec = dataclasses.replace(backbone.spec, betas=betas)
        repeats = backbone.block_repeats
        if repeats is None:
            repeats = spec.repeats(backbone.depth_multiplier)
        elif isinstance(repeats, int):
            repeats = (repeats,) * len(spec.table.blocks)
        widths = spec.widths(backbone.width_multiplier)
        size = cast(int, self._recipe.image_size)
        try:
            return network_cost(spec, widths, tuple(repeats), size, backbone.activation)
        except ProfilingError:
            return None


def check_backbone(backbone: Any, preset: str) -> ScalePermutedBackbone:
    """The backbone, if betas distribute its resources.

    Raises:
        SearchError: if they do not; says which one it is.
    """
    if not isinstance(backbone, ScalePermutedBackbone) or "betas" not in backbone.spec_arguments:
        kind = type(backbone).__name__
        raise SearchError(f"{preset}: its backbone, a {kind}, has no betas to search for.")
    if backbone.widths is not None:
        raise SearchError(
            f"{preset}: its backbone has exact widths, which betas do not change; "
            "--set backbone.widths=null leaves them out."
        )
    return backbone


def _network_of(profile: Profile) -> Cost:
    parts = profile.by("part")
    return sum((parts[part] for part in _OF_THE_NETWORK if part in parts), Cost())

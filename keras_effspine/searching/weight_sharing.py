"""The score of a candidate that is a slice of one trained network, and is not trained itself."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from keras_effspine.searching.evaluator import Evaluator, Outcome
from keras_effspine.searching.proxy_training import ProxyTraining, renewed_recipe
from keras_effspine.searching.sandwich import RANDOM
from keras_effspine.searching.slice_scores import RECALIBRATED_ON
from keras_effspine.searching.space import SearchSpace
from keras_effspine.searching.trained_supernet import TrainedSupernet
from keras_effspine.training.recipe import Recipe


class WeightSharing(Evaluator):
    """Trains one supernet before the search (BigNAS, arXiv:2003.11142), and measures its slices.

    A candidate costs a few seconds, and the best one needs no training any more. A seed stands for
    the pictures that its statistics are taken from alone: the weights are the same.

    Args:
        recipe: `Recipe` in full that reserves pictures; its length is that of the supernet.
        space: `SearchSpace` of the candidates.
    """

    def __init__(self, recipe: Recipe, space: SearchSpace) -> None:
        self._recipe, self._space = recipe, space
        self._folder: pathlib.Path | None = None

    def prepare(self, folder: pathlib.Path, report: Callable[[str], None]) -> None:
        """Trains the supernet in `supernet/` of the folder, or goes on with its training."""
        from keras_effspine.searching.forgotten_traces import forgotten_traces
        from keras_effspine.searching.supernet_training import TRAINED, train_supernet

        self._folder = folder / "supernet"
        if not (self._folder / TRAINED).exists():
            with forgotten_traces():
                train_supernet(self._recipe, self._space, self._folder, report)

    def evaluate(
        self,
        betas: tuple[float, ...],
        seed: int,
        folder: pathlib.Path,
        floors: Mapping[int, float],
    ) -> Outcome:
        score = next(iter(self._supernet.metrics(betas, seed).values())) or 0.0
        return Outcome(score, {1: score})

    def trained_model(
        self, betas: tuple[float, ...], seed: int
    ) -> tuple[Any, dict[str, Any]] | None:
        return self._supernet.cut_out(betas, seed)

    @property
    def _supernet(self) -> TrainedSupernet:
        assert self._folder is not None, "a search prepares its evaluator"
        return TrainedSupernet.open(self._folder, self._space)

    def in_words(self) -> str:
        return "Each is a slice of one network, which was trained before"

    def settings(self) -> dict[str, Any]:
        shared = {"recalibrated_on": RECALIBRATED_ON, "random_networks": RANDOM}
        return {"weight_sharing": shared, **ProxyTraining(self._recipe).settings()}

    def renewed(self, settings: dict[str, Any]) -> dict[str, Any]:
        return renewed_recipe(settings)

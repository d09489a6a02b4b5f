"""The score of a candidate that is trained for a short while."""

import pathlib
from collections.abc import Mapping
from typing import Any, cast

from keras_effspine.errors import TrainingError
from keras_effspine.searching.evaluator import Evaluator, Outcome
from keras_effspine.training.recipe import Recipe, parse_recipe
from keras_effspine.training.recipe_changes import override


class ProxyTraining(Evaluator):
    """Trains a candidate as a recipe says, and takes the task's most telling metric at the end.

    In the paper (5.1.1) it is AP on 7,392 reserved training pictures after 4,500 steps.

    Args:
        recipe: `Recipe` in full, cut short, that reserves pictures.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def evaluate(
        self,
        betas: tuple[float, ...],
        seed: int,
        folder: pathlib.Path,
        floors: Mapping[int, float],
    ) -> Outcome:
        """As in `Evaluator`; a run that was killed goes on from its last checkpoint."""
        from keras_effspine.searching.forgotten_traces import forgotten_traces
        from keras_effspine.training.train import train

        recipe = override(self._recipe, {"backbone.betas": list(betas), "seed": seed})
        try:
            with forgotten_traces():
                run, _ = train(recipe, folder, report=lambda line: None, verbose=0, floors=floors)
        except TrainingError as error:
            return Outcome(None, failure=str(error))
        assert run.metrics is not None  # what training ends with
        history = run.metrics.history
        name = next(name for name in history[-1] if name != "step")
        scores = {cast(int, past["step"]): past[name] or 0.0 for past in history}
        return Outcome(
            score=scores[run.metrics.step],
            scores=scores,
            is_whole=not any(scores[step] < floors.get(step, scores[step]) for step in scores),
        )

    def settings(self) -> dict[str, Any]:
        return self._recipe.model_dump(mode="json", exclude={"strategy"})

    def renewed(self, settings: dict[str, Any]) -> dict[str, Any]:
        return renewed_recipe(settings)


def renewed_recipe(settings: dict[str, Any]) -> dict[str, Any]:
    """An evaluator's settings, which are a recipe's values, as this version writes them."""
    values = dict(settings)
    others = {name: values.pop(name) for name in ("weight_sharing",) if name in values}
    return {**others, **ProxyTraining(parse_recipe(values)).settings()}

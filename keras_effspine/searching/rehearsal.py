"""Whether a proxy can tell candidates apart at all, before a search relies on it."""

import dataclasses

import numpy as np

from keras_effspine.errors import SearchError
from keras_effspine.searching.driver import Driver
from keras_effspine.searching.job import key_of
from keras_effspine.searching.space import SearchSpace

LEAST_CORRELATION = 0.5
"""Below it, the order of candidates is not the same when they are trained again."""


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """The scores of a spread of candidates, each evaluated with several seeds.

    Args:
        names: tuple of what each candidate is.
        betas: tuple of the candidates' betas.
        scores: float64 `(candidates, seeds)`.
    """

    names: tuple[str, ...]
    betas: tuple[tuple[float, ...], ...]
    scores: np.ndarray

    @property
    def variation(self) -> np.ndarray:
        """Coefficient of variation of each candidate: its deviation between seeds over its mean."""
        means = np.maximum(np.abs(self.scores.mean(axis=1)), 1e-12)
        return self.scores.std(axis=1, ddof=1) / means

    @property
    def noise(self) -> float:
        """Deviation of a score between seeds."""
        return float(np.sqrt(self.scores.var(axis=1, ddof=1).mean()))

    @property
    def spread(self) -> float:
        """Deviation between candidates, without what the noise of their means adds to it."""
        of_means = self.scores.mean(axis=1).var(ddof=1)
        return float(np.sqrt(max(0.0, of_means - self.noise**2 / self.scores.shape[1])))

    @property
    def correlation(self) -> float:
        """Spearman's rank correlation between two seeds, the mean over all pairs of them."""
        ranked = np.array([ranks(column) for column in self.scores.T])
        ranked -= ranked.mean(axis=1, keepdims=True)
        lengths = np.sqrt((ranked**2).sum(axis=1))
        if not lengths.all():
            return 0.0  # all candidates alike
        together = ranked @ ranked.T / np.outer(lengths, lengths)
        return float(together[np.triu_indices(len(ranked), 1)].mean())

    @property
    def warnings(self) -> list[str]:
        """What speaks against this proxy; empty where it tells candidates apart."""
        found = []
        if self.correlation < LEAST_CORRELATION:
            found.append(
                f"the rank correlation between repeats is {self.correlation:.2f}, below "
                f"{LEAST_CORRELATION}: trained again, the candidates come in another order"
            )
        if self.spread < self.noise:
            found.append(
                f"candidates differ by {self.spread:.4f}, less than the {self.noise:.4f} by which "
                "one differs from itself with another seed"
            )
        return found

    def as_json(self) -> dict:
        """All of it as a dictionary that JSON can hold."""
        return {
            "candidates": [
                {
                    "name": name,
                    "betas": list(betas),
                    "scores": [round(float(score), 6) for score in scores],
                    "coefficient_of_variation": round(float(variation), 4),
                }
                for name, betas, scores, variation in zip(
                    self.names, self.betas, self.scores, self.variation, strict=True
                )
            ],
            "noise": self.noise,
            "spread": self.spread,
            "rank_correlation": self.correlation,
            "warnings": self.warnings,
        }


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0 of values `(N,)`, equal ones sharing the mean of theirs."""
    ordered = np.sort(values)
    first = np.searchsorted(ordered, values, "left")
    return (first + np.searchsorted(ordered, values, "right") - 1) / 2


def rehearse(
    driver: Driver, space: SearchSpace, seed: int, references: int = 6, repeats: int = 3
) -> Rehearsal:
    """Evaluates a spread of candidates, each with several seeds.

    They are the specification's own distribution, the table's own widths, and random ones.

    Args:
        driver: `Driver` that evaluates them.
        space: `SearchSpace`.
        seed: the first seed of the evaluations, and that of the random candidates.
        references: number of candidates, each another network; fewer if there are not so many.
        repeats: number of seeds, at least 2.

    Raises:
        SearchError: if a candidate fails, or there are less than three networks.
    """
    random = np.random.default_rng([seed, 1])
    betas = dict[str, tuple[float, ...]]()
    if space.spec.betas is not None:
        betas["the preset's own"] = space.spec.betas
    betas["equal betas"] = (1.0,) * space.blocks
    networks = {space.widths(one) for one in betas.values()}
    for _ in range(1000):
        drawn = space.betas(space.sample(random))
        if len(betas) < references and space.widths(drawn) not in networks:
            networks.add(space.widths(drawn))
            betas[f"random {len(betas)}"] = drawn
    if len(networks) < 3:
        raise SearchError("The set of betas makes less than three networks: nothing to rehearse.")
    seeds = [seed + number for number in range(max(repeats, 2))]
    for one in betas.values():
        for number in seeds:
            driver.start(key_of(space.widths(one), number), one, number, {})
    results = [[driver.evaluate(one, number) for number in seeds] for one in betas.values()]
    for result in (one for row in results for one in row):
        if result.score is None:
            raise SearchError(f"A candidate of the rehearsal has no score: {result.failure}")
    scores = np.array([[result.score for result in row] for row in results])
    return Rehearsal(tuple(betas), tuple(betas.values()), scores)

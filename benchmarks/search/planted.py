"""The algorithms of the search on an objective whose best candidate is known.

    python benchmarks/search/planted.py --out benchmarks/results/search/planted.json

18 blocks with 5 choices each. A candidate's value is a sum of a random number for each choice, and
of one for each pair of choices of neighbouring blocks, half as large; scores have noise. Values are
scaled so that the mean of all candidates is 0 and the best one, which dynamic programming finds, 1:
the regret of a recommendation is 1 less its value. The deviation of the values is about 0.2, that
of the noise 0.1. What is done stays in the file, and the same command goes on from there.
"""

import argparse
import json
import os
import pathlib
import platform
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from keras_effspine.searching.samplers.registry import ALGORITHMS, make_sampler

BLOCKS, CHOICES, NOISE = 18, 5, 0.1
CHECKED = (200, 1000, 5000)


class Planted:
    """The objective of a seed."""

    def __init__(self, seed):
        random = np.random.default_rng([seed, 17])
        self.single = random.normal(size=(BLOCKS, CHOICES))
        self.pairs = 0.5 * random.normal(size=(BLOCKS - 1, CHOICES, CHOICES))
        self.mean = self.single.mean(axis=1).sum() + self.pairs.mean(axis=(1, 2)).sum()
        best = self.single[0]
        for single, pairs in zip(self.single[1:], self.pairs, strict=True):
            best = (best[:, None] + pairs).max(axis=0) + single
        self.best = best.max()
        self._noise = np.random.default_rng([seed, 18])

    def value(self, candidate):
        rows = np.arange(BLOCKS)
        found = self.single[rows, candidate].sum()
        found += self.pairs[rows[:-1], candidate[:-1], candidate[1:]].sum()
        return (found - self.mean) / (self.best - self.mean)

    def score(self, candidate):
        return self.value(candidate) + NOISE * self._noise.normal()


def regrets(name, seed, most):
    """Regret of what is recommended after each number of samples, and the seconds it took."""
    sampler, planted = make_sampler(name, BLOCKS, CHOICES, seed), Planted(seed)
    found, began = {}, time.process_time()
    for number in range(1, most + 1):
        candidate = sampler.ask()
        sampler.tell(candidate, planted.score(candidate))
        if number in CHECKED:
            found[str(number)] = 1 - planted.value(sampler.recommend())
    return found, time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--algorithms", nargs="+", default=list(ALGORITHMS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--most", type=int, default=CHECKED[-1], help="samples")
    options = parser.parse_args()
    results = json.loads(options.out.read_text()) if options.out.exists() else {}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for name in options.algorithms:
        of_seeds = results.setdefault(name, {})
        for seed in range(options.seeds):
            if of_seeds.get(str(seed), {}).get("samples", 0) < options.most:
                found, seconds = regrets(name, seed, options.most)
                of_seeds[str(seed)] = {
                    "samples": options.most,
                    "regret": {number: round(regret, 4) for number, regret in found.items()},
                    "cpu_seconds": round(seconds, 2),
                }
                results["machine"] = (
                    f"{platform.machine()}, Python {platform.python_version()}, "
                    f"{time.strftime('%Y-%m-%d')}"
                )
                options.out.write_text(json.dumps(results, indent=1) + "\n")
        for number in map(str, CHECKED):
            some = [s["regret"][number] for s in of_seeds.values() if number in s["regret"]]
            if some:
                print(f"{name}, {number}: {np.mean(some):.3f}, {len(some)} seeds", flush=True)


if __name__ == "__main__":
    main()

"""Whether slices of a supernet come in the order of networks that are trained alone.

    python benchmarks/search/kendall.py --search runs/shared --out runs/kendall

Random candidates of a search with `--weight-sharing` are trained alone on the same pictures, for
`--steps`, and scored on the same reserved ones; beside it stand the scores of their slices. Given
are Kendall's tau-b between the two, with the interval that holds 95 % of its values when the
candidates are drawn again from themselves (bootstrap), and, with `--seeds` of 2 or more, the tau
between trainings of different seeds, above which no proxy can come. What is done is kept in the
folder, and the same command goes on from there. The result is `--out`/kendall.json.
"""

import argparse
import json
import os
import pathlib
import platform
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
from scipy.stats import bootstrap, kendalltau

from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.searching.counts import Counts
from keras_effspine.searching.job import Job, key_of, run_job
from keras_effspine.searching.multiply_adds import MultiplyAdds
from keras_effspine.searching.proxy_training import ProxyTraining
from keras_effspine.searching.search_folder import SearchFolder
from keras_effspine.searching.weight_sharing import WeightSharing
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.run_folder import RunFolder


def tau(one, other):
    return kendalltau(one, other).statistic


def with_interval(one, other):
    """Kendall's tau-b of the scores of the same networks, and 95 % of its bootstrap."""
    found = bootstrap(
        (np.array(one), np.array(other)),
        tau,
        paired=True,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {
        "tau": round(float(tau(one, other)), 3),
        "low": round(float(found.low), 3),
        "high": round(float(found.high), 3),
    }


def candidates(space, budget, count):
    """Random networks within the budget, each another one."""
    random, found = np.random.default_rng(9), {}
    while len(found) < count:
        betas = space.betas(space.sample(random))
        if budget.allows(betas):
            found.setdefault(space.widths(betas), betas)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--search", type=pathlib.Path, required=True, help="its folder")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--steps", type=int, default=300, help="of a network that is trained alone")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each network")
    options = parser.parse_args()
    supernet = RunFolder.open(options.search / "supernet")
    recipe = override(supernet.recipe, {"steps": options.steps, "evaluations": 1})
    counts = Counts(recipe, supernet.class_names, find_pretrained(recipe.preset))
    space = counts.space(tuple(SearchFolder(options.search.absolute()).settings["betas"]))
    shared, alone, rows = WeightSharing(supernet.recipe, space), ProxyTraining(recipe), []
    shared.prepare(options.search.absolute(), print)
    networks = candidates(space, MultiplyAdds(counts), options.networks)
    settings = {"evaluator": alone.settings()}
    with SearchFolder.claim(options.out, settings) as folder:
        slices = [
            run_job(shared, Job(f"slice-{key_of(widths, 0)}", betas, 0), folder.path)
            for widths, betas in networks.items()
        ]
        for (widths, betas), of_slice in zip(networks.items(), slices, strict=True):
            scores = []
            for seed in range(options.seeds):
                result = run_job(alone, Job(key_of(widths, seed), betas, seed), folder.path)
                scores.append(result.score or 0.0)
            rows.append({"betas": betas, "alone": scores, "slice": of_slice.score})
            print(f"{len(rows)} of {len(networks)}: {rows[-1]}", flush=True)
        of_seeds = np.array([row["alone"] for row in rows])
        means = of_seeds.mean(axis=1)
        multiply_adds = [counts.cost(row["betas"]).published for row in rows]
        found = {
            "machine": f"{platform.machine()}, {time.strftime('%Y-%m-%d')}",
            "supernet_steps": supernet.recipe.steps,
            "alone_steps": options.steps,
            "networks": len(rows),
            "slices_against_alone": with_interval([row["slice"] for row in rows], means),
            "multiply_adds_against_alone": with_interval(multiply_adds, means),
        }
        if options.seeds > 1:
            found["seed_against_seed"] = with_interval(of_seeds[:, 0], of_seeds[:, 1])
        folder.write_json("kendall.json", {**found, "rows": rows})
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

"""What random candidates cost, as Figure 5 of the paper shows it.

    python benchmarks/search/figure_5.py --out benchmarks/results/search/figure_5

1,000 candidates of the paper's set of betas, as RetinaNets with 91 classes, counted in the paper's
way. How many have the multiply-adds of the target, SP-EfficientNet-B0's, within 10 %, and how many
have fewer parameters; a picture of both. (Figure 5 has AP on its other axis, which a search's own
`cost.svg` has too.)
"""

import argparse
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from matplotlib.figure import Figure

from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.searching.counts import Counts
from keras_effspine.searching.multiply_adds import MultiplyAdds, draw
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.training.recipe import Recipe


def summary(preset, image_size, seed):
    """Counts of the candidates, and what is said of them."""
    names = tuple(f"class {number}" for number in range(91))
    recipe = Recipe(preset=preset, image_size=image_size)
    counts = Counts(recipe, names, find_pretrained(preset))
    drawn = draw(counts.space(), counts, MultiplyAdds(counts, 1e15), seed)
    equal, own = counts.cost(None), counts.cost(SPEC.betas)
    said = {"candidates": len(drawn.multiply_adds), "seed": seed, "image_size": image_size}
    for name, target in (("SP-EfficientNet-B0", equal), ("the preset", own)):
        ratios = drawn.multiply_adds / target.published
        said[name] = {
            "multiply_adds": target.published,
            "parameters": target.parameters,
            "within_10_percent": float(np.mean(np.abs(ratios - 1) <= 0.1)),
            "ratio_1_50_99_percent": np.round(np.percentile(ratios, [1, 50, 99]), 3).tolist(),
            "fewer_parameters": float(np.mean(drawn.parameters < target.parameters)),
        }
    return drawn, equal, own, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found = {}
    for preset, size in (("m0", 256), ("d0", 512), ("d2", 768)):
        drawn, equal, own, found[preset] = summary(preset, size, options.seed)
        print(preset, json.dumps(found[preset], indent=1))
        if preset == "d0":
            figure = Figure(figsize=(6, 4.5), layout="constrained")
            axes = figure.add_subplot()
            axes.plot(drawn.multiply_adds / 1e9, drawn.parameters / 1e6, ".", color="#9db4c8")
            for name, cost, color in (
                ("SP-EfficientNet-B0", equal, "#3f7cac"),
                ("Eff-SpineNet-D0", own, "#d1495b"),
            ):
                place = (cost.published / 1e9, cost.parameters / 1e6)
                axes.plot(*place, "s", color=color, label=name)
            axes.axvspan(*(equal.published / 1e9 * k for k in (0.9, 1.1)), color="#eeeeee")
            axes.set_xlabel("multiply-adds, B (grey: the target within 10 %)")
            axes.set_ylabel("parameters, M")
            axes.legend(frameon=False)
            figure.savefig(options.out / "d0.svg", metadata={"Date": None})
    (options.out / "counts.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Networks that are counted from their specification cost what their graphs do."""

import dataclasses

import numpy as np
import pytest

from keras_effspine.errors import ProfilingError
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.profiling.network_cost import network_cost
from keras_effspine.profiling.profile import PARTS, Cost
from keras_effspine.profiling.profile_model import profile_model
from keras_effspine.topology.block_table import Block, BlockTable
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.topology.network_spec import NetworkSpec


def of_its_graph(spec, size, activation="swish", **arguments):
    backbone = ScalePermutedBackbone(spec, activation=activation, **arguments)
    parts = profile_model(backbone, size).by("part")
    wanted = PARTS[: PARTS.index("endpoints") + 1]
    return sum((parts[part] for part in wanted if part in parts), Cost())


def random_betas(seed):
    return tuple(int(b) for b in np.random.default_rng(seed).choice((1, 5, 10, 15, 20), 18))


LADDER = BlockTable(
    "ladder",
    (
        Block(2, (0,), "mbconv", 24),
        Block(4, (0, 1), "mbconv", 40),
        Block(2, (1, 2), "mbconv", 24),
        Block(4, (2,), "mbconv", 40),
        Block(3, (3, 4), "mbconv", 32),
    ),
    ((3, 5),),
)


@pytest.mark.parametrize(
    ("change", "size", "activation"),
    [
        ({}, 96, "swish"),
        ({"weighted_fusion": False, "use_space_to_depth": False}, 100, "relu"),
        ({"squeeze_excitation_ratio": None, "expansion": 3}, 64, "swish"),
        ({"squeeze_excitation_ratio": 0.25, "betas": (3, 1, 4, 1, 5)}, 64, "swish"),
    ],
)
def test_a_small_network_and_its_ablations(change, size, activation):
    spec = dataclasses.replace(NetworkSpec(LADDER, stem_width=8, weighted_fusion=True), **change)
    repeats = (1, 2, 1, 1, 2)
    counted = network_cost(spec, spec.widths(0.5), repeats, size, activation)
    assert counted == of_its_graph(
        spec, size, activation, width_multiplier=0.5, block_repeats=repeats
    )


@pytest.mark.integration
@pytest.mark.parametrize(("seed", "multiplier", "size"), [(None, 0.4, 256), (1, 1.1, 224)])
def test_candidates_of_a_search(seed, multiplier, size):
    betas = SPEC.betas if seed is None else random_betas(seed)
    spec = dataclasses.replace(SPEC, betas=betas)
    counted = network_cost(spec, spec.widths(multiplier), (1,) * 18, size)
    graph = of_its_graph(spec, size, width_multiplier=multiplier)
    assert counted == graph


def test_other_kinds_of_blocks_are_left_to_the_graph():
    table = BlockTable("other", (Block(3, (0,), "bottleneck", 8),), ((3, 1),))
    with pytest.raises(ProfilingError, match="kind bottleneck are counted from a model's graph"):
        network_cost(NetworkSpec(table, stem_width=8), (8,), (1,), 64)

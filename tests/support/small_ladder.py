"""A backbone of three blocks whose resources betas distribute, and its preset."""

import json

import keras

from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class SmallLadder(ScalePermutedBackbone):
    """Its only level is P3."""

    spec_arguments = ("betas",)

    def __init__(self, betas=(10, 1, 1), **kwargs):
        blocks = (
            Block(2, (STEM,), "mbconv", 48),
            Block(3, (STEM, 1), "mbconv", 48),
            Block(3, (1, 2), "mbconv", 64),
        )
        table = BlockTable("small_ladder", blocks, ((3, 3),))
        spec = NetworkSpec(table, stem_width=4, expansion=2, endpoint_width=8, betas=tuple(betas))
        super().__init__(spec, **kwargs)


def write_preset(folder, backbone=None):
    """A preset folder without weights."""
    folder.mkdir()
    config = keras.saving.serialize_keras_object(backbone or SmallLadder(stochastic_depth_rate=0.1))
    (folder / "config.json").write_text(json.dumps({**config, "weights": None}))
    return folder

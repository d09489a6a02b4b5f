"""Timing the blocks of a network on this device."""

import os
import platform
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.errors import SearchError
from keras_effspine.networks.inference_graph import inference_graph
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.searching.latency_table import LatencyTable, TimedNetwork
from keras_effspine.searching.network_pieces import NetworkPieces
from keras_effspine.searching.space import SearchSpace
from keras_effspine.searching.stopwatch import milliseconds
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

RANDOM = 3
"""Random networks that are timed as a whole, beside the narrowest and the preset's own."""


def time_blocks(
    recipe: Recipe,
    class_names: tuple[str, ...],
    start: Pretrained,
    space: SearchSpace,
    report: Callable[[str], None],
) -> LatencyTable:
    """Times all pieces that a network can have: resampled inputs, blocks, and endpoints.

    Args:
        recipe, class_names, start, space: as in `Latency`.
        report: function that is given each line of text for the user.

    Raises:
        SearchError: if the device is too busy to tell a narrow network from a wide one.
    """
    backbone = find_task(recipe.task).build_model(recipe, class_names, start).backbone
    pieces = NetworkPieces(backbone, space, int(recipe.image_size or 0))
    device = _device()
    report(f"Timing the blocks of the network on {device}: a few minutes.")
    times = pieces.timed()
    own = tuple(space.spec.betas or (1.0,) * space.blocks)
    random = np.random.default_rng(recipe.seed)
    drawn = [space.betas(space.sample(random)) for _ in range(RANDOM)]
    changes: dict[tuple[int, ...], dict[str, Any]] = {
        pieces.least: {"backbone.widths": list(pieces.least)},
        **{space.widths(betas): {"backbone.betas": list(betas)} for betas in (own, *drawn)},
    }
    networks = tuple(
        TimedNetwork(widths=widths, ms=_time_model(override(recipe, change), class_names, start))
        for widths, change in changes.items()
    )
    table = LatencyTable(device=device, stem=pieces.stem, pieces=times, networks=networks)
    if len(networks) < 2 or table.line[0] <= 0:
        raise SearchError(
            f"The network of the least widths took {networks[0].ms:.2f} ms a picture, others "
            f"{networks[-1].ms:.2f}: this device is too busy to be timed, or its times do not "
            "depend on widths. Try again when it is idle, or give --multiply-adds."
        )
    return table


def time_candidate(
    recipe: Recipe, class_names: tuple[str, ...], start: Pretrained, betas: tuple[float, ...]
) -> float:
    """Milliseconds that the model of a candidate takes for one picture."""
    return _time_model(override(recipe, {"backbone.betas": list(betas)}), class_names, start)


def _time_model(recipe, class_names, start):
    model = find_task(recipe.task).build_model(recipe, class_names, start)
    images = keras.Input((recipe.image_size, recipe.image_size, 3), batch_size=1)
    fused = keras.Model(images, inference_graph(model, images))
    return milliseconds(lambda x: fused(x, training=False), [images])


def _device():
    """This machine's device, in words."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        kind = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    else:
        kind = f"{platform.machine()}, {os.cpu_count()} cores"
    return f"{kind}, TensorFlow {tf.__version__}"

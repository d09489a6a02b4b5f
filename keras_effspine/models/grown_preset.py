"""A preset of a larger network, grown from a trained smaller one."""

import os

from keras_effspine.errors import PresetError
from keras_effspine.models.growing import Growth, grow_weights
from keras_effspine.pretrained.find_pretrained import find_pretrained

_SIZES = ("width_multiplier", "depth_multiplier", "block_repeats", "widths", "endpoint_width")
"""What of a backbone's arguments is the larger network's; all others are the smaller one's."""


def grow_preset(
    small: str | os.PathLike,
    large: str | os.PathLike,
    out: str | os.PathLike,
    noise: float = 0.5,
    seed: int = 0,
    half_precision: bool = False,
) -> Growth:
    """Writes a preset of a larger network that computes what a trained smaller one computes.

    It is the smaller one's model, a backbone or a task's, on a backbone as wide and as deep as the
    larger one's. Activation, space-to-depth and whatever else is no size stay the smaller one's.
    What is preserved, and what is not, says `grow_weights`.

    Args:
        small: preset with weights, run folder, or `.keras` file, of a scale-permuted network.
        large: architecture of the same class, at least as wide and as deep.
        out: path of the preset folder.
        noise, seed: as in `grow_weights`.
        half_precision: whether to store weights as float16; they are rounded by it.

    Returns:
        `Growth`.

    Raises:
        PresetError: if one of them is not there, `small` has no weights, or cannot grow into
            `large`.
    """
    start, goal = find_pretrained(small), find_pretrained(large)
    if start.weights is None:
        raise PresetError(
            f"{start.name}: brings no weights to grow; train it, or name a preset with weights."
        )
    cls, backbone = start.backbone()
    goal_cls, goal_backbone = goal.backbone()
    if cls is not goal_cls:
        raise PresetError(
            f"{start.name}: holds {cls.__name__}, which cannot grow into {goal.name}, which holds "
            f"{goal_cls.__name__}."
        )
    kept = {name: value for name, value in backbone["config"].items() if name not in _SIZES}
    sizes = {name: value for name, value in goal_backbone["config"].items() if name in _SIZES}
    grown = {**backbone, "config": {**kept, **sizes}}
    config = grown
    if not start.is_backbone:
        config = {**start.config, "config": {**start.config["config"], "backbone": grown}}
    model = start.build(config)
    try:
        growth = grow_weights(start.read_model(), model, noise, seed)
    except ValueError as error:
        reason = str(error).replace("`large`", goal.name).replace("`small`", start.name)
        raise PresetError(f"{start.name} cannot grow into {goal.name}: {reason}.") from error
    model.save_to_preset(
        out,
        class_names=None if start.is_backbone else start.class_names,
        input_size=goal.image_size,
        title=getattr(type(model), "title", None),
        source=getattr(cls, "source", None),
        trained={"task": start.task, "data": f"nothing of its own: grown from {start.name}"},
        half_precision=half_precision,
    )
    return growth

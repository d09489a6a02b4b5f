"""The backbone that a recipe describes, for the models of all tasks."""

from keras_effspine.models.eff_spinenet_backbone import EffSpineNetBackbone
from keras_effspine.tasks.starting_point import find_starting_point

_OF_THE_MODEL = ("name", "trainable", "dtype", "input_shape")
"""Arguments that belong to the model that was trained, not to its architecture."""


def build_backbone(recipe, **kwargs):
    """Makes the backbone of a recipe: the architecture that its preset names, as it changes it.

    The weights are random: training brings those of the preset to the whole model, see
    `StartingPoint.hand_over`.

    Args:
        recipe: `Recipe`.
        **kwargs: constructor arguments that the task asks for, beyond what the recipe names.

    Returns:
        `EffSpineNetBackbone`.

    Raises:
        PresetError: if the preset is unknown, or has no such backbone.
    """
    config = find_starting_point(recipe.preset).backbone_config
    config = {name: value for name, value in config.items() if name not in _OF_THE_MODEL}
    config["batch_norm_momentum"] = recipe.batch_norm_momentum
    config["stochastic_depth_rate"] = recipe.stochastic_depth_rate
    if recipe.activation is not None:
        config["activation"] = recipe.activation
    if recipe.squeeze_excitation is False:
        config["squeeze_excitation_ratio"] = None
    elif recipe.squeeze_excitation and config.get("squeeze_excitation_ratio", 0) is None:
        del config["squeeze_excitation_ratio"]  # the default of the class
    return EffSpineNetBackbone(**{**config, **kwargs})

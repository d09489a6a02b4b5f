"""The backbone that a recipe describes, for the models of all tasks."""

from keras_effspine.models.eff_spinenet_backbone import EffSpineNetBackbone


def build_backbone(recipe, **kwargs):
    """Makes the backbone of a recipe.

    Args:
        recipe: `Recipe`.
        **kwargs: constructor arguments that the task asks for, beyond what the recipe names.

    Returns:
        `EffSpineNetBackbone`.
    """
    return EffSpineNetBackbone.from_preset(
        recipe.preset,
        batch_norm_momentum=recipe.batch_norm_momentum,
        stochastic_depth_rate=recipe.stochastic_depth_rate,
        activation=recipe.activation,
        **({} if recipe.squeeze_excitation else {"squeeze_excitation_ratio": None}),
        **kwargs,
    )

"""What each layer of a model is for, as its backbone tells."""

import dataclasses

import keras
import keras_cv


@dataclasses.dataclass(frozen=True)
class LayerRole:
    """What a layer is for.

    Args:
        part: `"stem"`, `"blocks"`, `"resampling"`, `"fusion"` or `"endpoints"`; `"backbone"` where
            a backbone does not tell; `"heads"` for what reads it.
        block: number of the block it belongs to, from 1, or None.
        level: feature level it works for, or None where that is the level at which it runs.
    """

    part: str
    block: int | None = None
    level: int | None = None


def layer_roles(model: keras.Model) -> dict[str, LayerRole]:
    """The roles of the layers of a model's backbone, by name; all others are of a head.

    A backbone tells by a method `layer_roles()`, as `ScalePermutedBackbone` does. Any other one's
    layers, such as those of keras-cv's, are of the part `"backbone"`.

    Args:
        model: a backbone, or a model with one as its attribute `backbone`.
    """
    backbone = getattr(model, "backbone", None)
    if backbone is None and isinstance(model, keras_cv.models.Backbone):
        backbone = model
    if backbone is None:
        return {}
    if hasattr(backbone, "layer_roles"):
        return backbone.layer_roles()
    return {layer.name: LayerRole("backbone") for layer in backbone.layers}

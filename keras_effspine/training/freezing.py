"""Parts of a model that do not learn."""

import keras

from keras_effspine.errors import RecipeError
from keras_effspine.pretrained.transfer import Transfer


def freeze(model: keras.Model, frozen: str, transfer: Transfer | None, preset: str) -> str | None:
    """Freezes layers that have loaded weights; those that start anew learn all the same.

    Args:
        model: the model, not compiled.
        frozen: as in `Recipe.frozen`: `"nothing"`; `"batch_norm"`, all normalisation; or
            `"backbone"`, all of the backbone.
        transfer: the `Transfer` that brought the weights, or None.
        preset: name of what they came from.

    Returns:
        A line of text, or None where nothing is to be frozen.

    Raises:
        RecipeError: if no weights of these layers were loaded, or the model has no backbone.
    """
    if frozen == "nothing":
        return None
    loaded = {layer.name for layer in transfer.loaded} if transfer is not None else set()
    wanted = [layer for layer in _layers(model, frozen) if layer.weights]
    layers = [layer for layer in wanted if _path(layer) in loaded]
    if not layers:
        raise RecipeError(
            f"frozen is '{frozen}', but {preset} brings no weights for it: what is frozen would "
            "stay random. Choose a preset with weights, or --set frozen=nothing."
        )
    for layer in layers:
        layer.trainable = False
    learn = sum(keras.ops.size(weight) for weight in model.trainable_weights)
    return (
        f"Frozen ({frozen}): {len(layers)} of {len(wanted)} layers keep their weights and "
        f"statistics; {learn:,} weights learn."
    )


def _layers(model, frozen):
    if frozen == "batch_norm":
        return [la for la in model.layers if isinstance(la, keras.layers.BatchNormalization)]
    if not hasattr(model, "backbone"):
        raise RecipeError(f"frozen is 'backbone', but {type(model).__name__} has no backbone.")
    return model.backbone.layers


def _path(layer):
    return layer.weights[0].path.rpartition("/")[0]

"""A network of a supernet, cut out to stand alone."""

import keras

from keras_effspine.layers.sliced import first_channels


def slice_weights(supernet: keras.Model, alone: keras.Model) -> None:
    """Gives a network the weights that it has as a slice of a supernet.

    It then computes, bit for bit, what the supernet does while its widths are selected.

    Args:
        supernet: a model on a `SupernetBackbone`.
        alone: the same model on a backbone of the network's own widths; its weights are replaced.

    Raises:
        ValueError: if it is no slice of the supernet; names the layer.
    """
    shared = {layer.name: layer for layer in supernet._flatten_layers(include_self=False)}
    for layer in alone._flatten_layers(include_self=False):
        if not layer.weights or isinstance(layer, keras.Model):
            continue
        whole = shared.get(layer.name)
        if whole is None or len(whole.weights) != len(layer.weights):
            raise ValueError(
                "`alone` must have layers of the supernet alone. "
                f"Received: a model with {layer.name}, which it has not"
            )
        for own, weight in zip(layer.weights, whole.weights, strict=True):
            own.assign(_slice(weight, own.shape, getattr(whole, "parts", 1), layer.name))


def _slice(weight, shape, parts, name):
    """The first channels of a weight along each axis on which the slice has fewer."""
    value = keras.ops.convert_to_numpy(weight)
    # Channels that are read lie in parts; those that are returned, on the last axis of four, not.
    for axis, size in enumerate(shape):
        if len(shape) == value.ndim and size <= value.shape[axis]:
            is_read = axis == 2 or value.ndim == 1
            value = first_channels(value, axis, size, parts if is_read else 1)
    if value.shape != tuple(shape):
        raise ValueError(
            "`alone` must be no wider than the supernet. "
            f"Received: {name} of shape {tuple(shape)} in place of {tuple(weight.shape)}"
        )
    return keras.ops.convert_to_numpy(value)

"""The calls of layers in a model's graph, with their shapes at any input size."""

import dataclasses

import keras
from keras import layers, tree

from keras_effspine.errors import ProfilingError


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer in a graph.

    Args:
        layer: Keras layer; a layer that several calls share is in each of them.
        sources: tuple of the calls whose outputs it reads.
        inputs: list of the shapes of its inputs, `(batch, ...)`.
        output: shape of its output, or of the first of several, `(batch, ...)`.
    """

    layer: keras.layers.Layer
    sources: tuple
    inputs: list
    output: tuple


def calls_of(model: keras.Model, image_size: tuple[int, int]) -> list[Call]:
    """All calls of layers in a functional model's graph, each after those that it reads.

    Args:
        model: functional `keras.Model` on pictures `(batch, height, width, channels)`.
        image_size: pair of height and width in pixels.

    Returns:
        List of `Call`; of a model within the model, those of its layers.

    Raises:
        ProfilingError: if the model has no graph, has not one picture as its input, or cannot take
            a picture of this size.
    """
    if not isinstance(model, keras.Function) or len(model.inputs) != 1:
        raise ProfilingError(
            f"Model '{model.name}': only a functional model with one input, the picture, can be "
            "counted."
        )
    image = model.inputs[0]
    shape = (1, *image_size, image.shape[-1])
    if len(image.shape) != 4 or any(
        have not in (None, wanted)
        for have, wanted in zip(image.shape[1:3], image_size, strict=True)
    ):
        raise ProfilingError(
            f"Model '{model.name}' is made for pictures {image.shape}; it cannot be counted at "
            f"{image_size[0]}x{image_size[1]} px."
        )
    calls, source_of = list[Call](), dict[int, Call]()

    def noted(layer):
        if isinstance(layer, keras.Function):
            return lambda inputs, **kwargs: layer._run_through_graph(inputs, operation_fn=noted)

        def call(*args, **kwargs):
            tensors = [x for x in tree.flatten((args, kwargs)) if keras.backend.is_keras_tensor(x)]
            output = layer.compute_output_spec(*args, **kwargs)
            outputs = tree.flatten(output)
            calls.append(
                Call(
                    layer,
                    tuple(source_of[id(x)] for x in tensors if id(x) in source_of),
                    [tuple(x.shape) for x in tensors],
                    tuple(outputs[0].shape),
                )
            )
            source_of.update({id(x): calls[-1] for x in outputs})
            kept.extend(outputs)  # an id is good as long as its object lives
            return output

        return call

    kept: list[keras.KerasTensor] = []
    # So Keras finds a model's output shape; there is no public way to see each step of it.
    model._run_through_graph(keras.KerasTensor(shape, image.dtype), operation_fn=noted)
    return [call for call in calls if not isinstance(call.layer, layers.InputLayer)]

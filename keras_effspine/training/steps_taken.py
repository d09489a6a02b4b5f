"""How far a model is trained."""

import keras


def steps_taken(model: keras.Model) -> int:
    """Number of batches that a compiled model was trained on, on any number of replicas.

    `optimizer.iterations` counts updates: fewer, where gradients are accumulated over several
    batches or, under float16, a batch is left out.
    """
    return int(model.optimizer._iterations.numpy())

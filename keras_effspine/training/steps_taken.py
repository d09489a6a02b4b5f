"""How far a model is trained."""


def steps_taken(model):
    """Number of batches that a compiled model was trained on, on any number of replicas.

    `optimizer.iterations` counts updates: fewer, where gradients are accumulated over several
    batches or, under float16, a batch is left out.
    """
    return int(model.optimizer._iterations.numpy())

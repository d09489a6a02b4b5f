"""How far a model is trained."""


def steps_taken(model):
    """Number of steps that a compiled model's optimizer has taken, on any number of replicas."""
    return int(model.optimizer.iterations.numpy())

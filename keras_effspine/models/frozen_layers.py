"""Layers that do not learn stay so when their model is loaded again."""


def freeze_layers(model, names):
    """Makes layers of a model, by name, keep their weights and run on their moving statistics."""
    for name in names:
        model.get_layer(name).trainable = False


def frozen_config(model):
    """The entry of a model's config that `freeze_layers` is given when it is made again.

    Without it a compiled model would be loaded with an optimizer for other weights than were
    trained.
    """
    names = [layer.name for layer in model.layers if layer.weights and not layer.trainable]
    return {"frozen_layers": names} if names and model.trainable else {}

"""Constructor arguments that nobody takes."""

import difflib
import inspect

_OF_KERAS = ("name", "trainable")


def refuse_unknown_arguments(cls, arguments):
    """Raises TypeError where a model's class does not take one of some arguments.

    Keras' functional models take any keyword argument and forget it, so that a misspelled
    `num_classes` would leave a model as it was.

    Args:
        cls: the class.
        arguments: names of keyword arguments.
    """
    names = [*inspect.signature(cls.__init__).parameters, *_OF_KERAS]
    known = [name for name in names if name not in ("self", "kwargs")]
    for name in arguments:
        if name not in known:
            near = difflib.get_close_matches(name, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}."
            raise TypeError(f"{cls.__name__} has no argument '{name}'; {hint}")

"""Models keep the precision that they were built with."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def dtype_policy_scope(policy: str | keras.DTypePolicy | None) -> Iterator[None]:
    """Layers that are made within have this dtype policy; None leaves the global one as it is.

    Args:
        policy: name of a Keras dtype policy such as `"mixed_bfloat16"`, or a policy, or None.
    """
    before = keras.config.dtype_policy()
    if policy is not None:
        keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def dtype_config(model: keras.Model) -> dict[str, str]:
    """The entry of a model's config that `dtype_policy_scope` is given when it is made again.

    Empty in float32: such a model, a preset above all, takes on the precision that it is loaded
    under.
    """
    policy = model.dtype_policy.name
    return {} if policy == "float32" else {"dtype": policy}

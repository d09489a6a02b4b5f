"""What a layer or a loss must know of the replicas that train beside it under `tf.distribute`."""

from typing import Any

import keras


def _replica_context():
    """TensorFlow's replica context where more than one replica trains in sync, otherwise None."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def has_replicas() -> bool:
    """Whether the code is being traced for one of several replicas in sync."""
    return _replica_context() is not None


def sum_over_replicas(value: Any) -> Any:
    """Sum of `value` over all replicas in sync; `value` itself where there is only one."""
    context = _replica_context()
    if context is None:
        return value
    import tensorflow as tf

    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


class ReplicaSeedGenerator(keras.random.SeedGenerator):
    """A seed generator that gives each replica in sync seeds of its own.

    Keras' generator gives all replicas the same seed, so that all would drop the same residual
    branches; here the replica's number is added to the seed.
    """

    def next(self, ordered: bool = True) -> Any:
        seed = super().next(ordered=ordered)
        context = _replica_context()
        if context is None:
            return seed
        replica = keras.ops.cast(context.replica_id_in_sync_group, seed.dtype)
        return seed + replica

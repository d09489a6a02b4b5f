"""Where a model trains: devices as a `tf.distribute` strategy."""

import tensorflow as tf

from keras_effspine.errors import StrategyError
from keras_effspine.training.multi_worker import MultiWorkerStrategy

STRATEGIES = ("auto", "cpu", "gpu", "mirrored", "multiworker", "tpu", "tpu:NAME")


def build_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """Makes the strategy of a name; to be called before anything is computed.

    Args:
        name: `"cpu"` or `"gpu"`, one device; `"mirrored"`, all GPUs of this machine, or its logical
            CPUs where it has none; `"multiworker"`, all processes that `TF_CONFIG` names; `"tpu"`,
            this machine's TPU, or `"tpu:NAME"`, one in the network; `"auto"`, all GPUs where there
            are several, otherwise whatever single device TensorFlow takes.

    Returns:
        `tf.distribute.Strategy`.

    Raises:
        StrategyError: if there is no strategy of that name, or no such device.
    """
    kind, _, address = name.partition(":")
    if f"{kind}:NAME" not in STRATEGIES and address or kind not in _BUILDERS:
        raise StrategyError(f"Unknown strategy '{name}'. There are: {', '.join(STRATEGIES)}.")
    return _BUILDERS[kind](address)


def check_batch(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Raises StrategyError where a batch cannot be cut into equal parts, one a replica."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        near = max(replicas, round(batch_size / replicas) * replicas)
        raise StrategyError(
            f"A batch of {batch_size} pictures cannot be cut into equal parts for {replicas} "
            f"replicas; choose a multiple of {replicas}, such as --batch-size {near}."
        )


def _auto(address):
    return _mirrored(address) if len(tf.config.list_logical_devices("GPU")) > 1 else _default()


def _default():
    return tf.distribute.get_strategy()


def _cpu(address):
    return tf.distribute.OneDeviceStrategy("/cpu:0")


def _gpu(address):
    if not tf.config.list_logical_devices("GPU"):
        raise StrategyError("TensorFlow sees no GPU here; --strategy cpu trains without one.")
    return tf.distribute.OneDeviceStrategy("/gpu:0")


def _mirrored(address):
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _multiworker(address):
    return MultiWorkerStrategy()


def _tpu(address):
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=address or "local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise StrategyError(
            f"No TPU could be reached{f' under {address}' if address else ''} ({reason}). This "
            "needs a machine with a TPU, and a TensorFlow built for it."
        ) from error
    return tf.distribute.TPUStrategy(resolver)


_BUILDERS = {
    "auto": _auto,
    "cpu": _cpu,
    "gpu": _gpu,
    "mirrored": _mirrored,
    "multiworker": _multiworker,
    "tpu": _tpu,
}

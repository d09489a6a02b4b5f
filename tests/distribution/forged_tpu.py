"""A `tf.distribute.TPUStrategy` without a TPU, for tracing.

A forged topology lets the strategy be made; its cores are logical CPU devices, so that variables
can be. `strategy.run` in a `tf.function` then builds the graph that a TPU would be given: it can be
looked at, not run. Uses names that TensorFlow does not promise to keep.
"""

from collections import Counter

import tensorflow as tf

REPLICAS = 4

_HOST_SIDE = {"TPUReplicateMetadata", "TPUReplicatedInput", "TPUReplicatedOutput", "Placeholder"}
"""Operations of the replicated graph that hold it together, and are not the compiler's to lower."""


class CannotForge(Exception):
    """This version of TensorFlow has not the private names that the forgery needs."""


def forged_tpu_strategy():
    """The strategy with `REPLICAS` cores; to be called before TensorFlow makes its devices.

    Raises:
        CannotForge: if TensorFlow has other private names.
    """
    cores = [f"/job:localhost/replica:0/task:0/device:CPU:{i}" for i in range(REPLICAS)]
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS
    )
    try:
        return _forge(cores)
    except (ImportError, AttributeError, TypeError) as error:
        raise CannotForge(f"TensorFlow {tf.__version__}: {error}") from error


def _forge(cores):
    import numpy as np
    from tensorflow.python.client import session
    from tensorflow.python.tpu import tpu_strategy_util
    from tensorflow.python.tpu.topology import Topology
    from tensorflow.python.tpu.tpu_system_metadata import TPUSystemMetadata

    coordinates = [[x, 0, 0, core] for x in range(2) for core in range(REPLICAS // 2)]
    topology = Topology(
        mesh_shape=[2, 1, 1, REPLICAS // 2],
        device_coordinates=np.array([coordinates], np.int32),
    )
    tpu_strategy_util._INITIALIZED_TPU_SYSTEMS[""] = topology
    names = [("CPU:0", "CPU"), ("TPU_SYSTEM:0", "TPU_SYSTEM")]
    names += [(f"TPU:{i}", "TPU") for i in range(REPLICAS)]
    devices = [
        session._DeviceAttributes(f"/job:localhost/replica:0/task:0/device:{name}", kind, 0, 0)
        for name, kind in names
    ]

    class Resolver(tf.distribute.cluster_resolver.TPUClusterResolver):
        def get_tpu_system_metadata(self):
            return TPUSystemMetadata(
                num_cores=REPLICAS,
                num_hosts=1,
                num_of_cores_per_host=REPLICAS,
                topology=topology,
                devices=devices,
            )

        def num_accelerators(self, *args, **kwargs):
            return {"TPU": REPLICAS}

    strategy = tf.distribute.TPUStrategy(Resolver(tpu="local"))
    extended = strategy.extended
    extended._tpu_devices = np.array(cores).reshape(extended._tpu_devices.shape)
    return strategy


def traced(strategy, replica_step):
    """What a replica's step is made of.

    Returns:
        Dictionary of `"ops"`, how often each operation occurs, and `"not_static"`, the sorted
        operations with an output of unknown shape.
    """

    @tf.function(autograph=False)
    def step():
        return strategy.run(replica_step)

    graph = step.get_concrete_function().graph.as_graph_def(add_shapes=True)
    functions = {function.signature.name: function for function in graph.library.function}
    nodes = [*graph.node, *(n for f in functions.values() for n in f.node_def)]
    inside = [node for node in nodes if "_tpu_replicate" in node.attr]
    seen = set()
    for node in inside:  # grows by the bodies of conditions, loops and calls
        for attribute in node.attr.values():
            for function in (attribute.func, *attribute.list.func):
                if function.name in functions and function.name not in seen:
                    seen.add(function.name)
                    inside.extend(functions[function.name].node_def)
    not_static = {
        node.op
        for node in inside
        for shape in node.attr["_output_shapes"].list.shape
        if shape.unknown_rank or any(size.size < 0 for size in shape.dim)
    }
    counted = Counter(node.op for node in inside if node.op not in _HOST_SIDE)
    return {"ops": dict(counted), "not_static": sorted(not_static)}

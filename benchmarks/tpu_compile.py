"""Compiles the training step of a detector with the real TPU compiler, without a TPU.

    pip install "keras-effspine[tpu]"
    python benchmarks/tpu_compile.py --preset m0 --batch-size 8 --precision bfloat16 \
        --topology v5e:2x2 --out benchmarks/results/tpu/m0_v5e_2x2.json

The step is the one that `fit` takes for a recipe: forward, label encoding, losses, gradients,
clipping, update. TensorFlow lowers it to StableHLO, and the compiler in libtpu turns that into the
program of one TPU core of the topology, with its memory and its operations. On several cores every
sum over replicas (gradients, batch statistics, the loss' divisor) is an all-reduce, as TPUStrategy
makes it. Nothing is run: this says that the step lowers, that its shapes are static, that the
compiler takes it and that it fits. It says nothing of speed, convergence, the host's loop, or a
pod. Exit status: 0 where the compiler took the step, 1 where it refused it.
"""

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import sys
import time
from unittest import mock

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # or libtpu waits for a cloud's metadata server
os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # no TPU is held: any number may run
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # or JAX looks for a TPU to open

import numpy as np
import tensorflow as tf

from keras_effspine.atomic_file import write_file
from keras_effspine.data.mask_crops import CROP_SIZE
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.optimizer import build_optimizer
from keras_effspine.training.precision import precision
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe import Recipe

CLASSES = 91
BOXES = 100


def compiled_task_model(recipe, start, number):
    with precision(number):
        task = find_task(recipe.task)
        names = tuple(f"class {i}" for i in range(CLASSES))
        model = task.build_model(recipe, names, start)
        task.compile_model(model, recipe, build_optimizer(recipe.optimization, 100_000))
    return model


def batch(size, count):
    """Pictures and labels; a detector without masks does not read those."""
    images = tf.zeros([count, size, size, 3])
    boxes = tf.tile(tf.constant([[[8.0, 8.0, 90.0, 60.0]]]), [count, BOXES, 1])
    masks = tf.ones([count, BOXES, CROP_SIZE, CROP_SIZE], "uint8")
    return images, {"boxes": boxes, "classes": tf.zeros([count, BOXES]), "masks": masks}


class Replica:
    """What the step asks of its replica, in XLA's own operations; in place of TPUStrategy's."""

    def __init__(self, replicas):
        self.num_replicas_in_sync = replicas

    @property
    def replica_id_in_sync_group(self):
        from tensorflow.compiler.tf2xla.ops import gen_xla_ops

        return gen_xla_ops.xla_replica_id()

    def all_reduce(self, _, values):
        from tensorflow.compiler.tf2xla.ops import gen_xla_ops

        groups = [list(range(self.num_replicas_in_sync))]

        @tf.custom_gradient
        def total(x):
            reduced = gen_xla_ops.xla_all_reduce(x, groups, reduce_op="Add", mode="CrossReplica")
            return reduced, total

        return tf.nest.map_structure(total, values)


@contextlib.contextmanager
def replica_of(replicas):
    """Context in which the step is traced as under a strategy, as one of several replicas."""
    with contextlib.ExitStack() as stack:
        # Otherwise the step is traced for this machine's CPU, in parts of their own.
        stack.enter_context(mock.patch.object(tf.distribute, "has_strategy", lambda: True))
        if replicas > 1:
            replica = Replica(replicas)
            stack.enter_context(
                mock.patch.object(tf.distribute, "get_replica_context", lambda: replica)
            )
        yield


def lower(model, images, labels):
    """StableHLO of the training step as bytecode, whose variables are arguments and results.

    As text, large constants of booleans come in a form that jaxlib does not parse.
    """

    @tf.function(jit_compile=True, autograph=False)
    def step(images, *values):
        return model.train_step((images, dict(zip(labels, values, strict=True))))

    shapes = [tf.TensorSpec(x.shape, x.dtype) for x in (images, *labels.values())]
    return step.experimental_get_compiler_ir(*shapes)(stage="stablehlo_serialized")


def for_libtpu(stablehlo):
    """The module without `mhlo.copy`, which is refused, and with variables updated in place."""
    from jax._src.interpreters import mlir
    from jax._src.lib.mlir import ir

    context = mlir.make_ir_context()
    with context, ir.Location.unknown():
        module = ir.Module.parse(stablehlo)

        def drop_copies(op):
            for region in op.regions:
                for block in region:
                    for child in [inner.operation for inner in block]:
                        drop_copies(child)
                        if child.name == "mhlo.copy":
                            child.results[0].replace_all_uses_with(child.operands[0])
                            child.erase()

        drop_copies(module.operation)
        attributes = module.operation.attributes
        if "mhlo.input_output_alias" in attributes:
            pairs = re.findall(
                r"parameter_index = array<i64(?::[^>]*)?>, parameter_number = (\d+) : i64\},"
                r" output_index = array<i64(?:: ?(\d+))?>",
                str(attributes["mhlo.input_output_alias"]),
            )
            (main,) = (
                op
                for op in module.body.operations
                if op.operation.name == "func.func"
                and ir.StringAttr(op.attributes["sym_name"]).value == "main"
            )
            arguments = (
                list(ir.ArrayAttr(main.attributes["arg_attrs"]))
                if "arg_attrs" in main.attributes
                else [ir.DictAttr.get({}) for _ in main.arguments]
            )
            for argument, result in pairs:
                known = {named.name: named.attr for named in arguments[int(argument)]}
                known["tf.aliasing_output"] = ir.IntegerAttr.get(
                    ir.IntegerType.get_signless(32), int(result or 0)
                )
                arguments[int(argument)] = ir.DictAttr.get(known)
            main.attributes["arg_attrs"] = ir.ArrayAttr.get(arguments)
            del attributes["mhlo.input_output_alias"]
    return module, context


def devices_of(topology):
    from jax.experimental import topologies

    return topologies.get_topology_desc(platform="tpu", topology_name=topology).devices


def compile_for(devices, module, context):
    from jax._src.lib import xla_client

    options = xla_client.CompileOptions()
    options.num_replicas, options.num_partitions = len(devices), 1
    options.device_assignment = xla_client.DeviceAssignment.create(
        np.array([[device.id] for device in devices], np.int32)
    )
    with context:
        return devices[0].client.compile(
            module,
            executable_devices=xla_client.DeviceList(tuple(devices)),
            compile_options=options,
        )


def describe(program):
    memory, costs = program.get_compiled_memory_stats(), program.cost_analysis()
    text = program.hlo_modules()[0].to_string()
    parts = {
        "variables_and_batch": memory.argument_size_in_bytes,
        "results_not_in_place": memory.output_size_in_bytes - memory.alias_size_in_bytes,
        "temporary": memory.temp_size_in_bytes,
        "code": memory.generated_code_size_in_bytes,
    }
    mib = {name: round(size / 2**20, 1) for name, size in parts.items()}
    return {
        "peak_hbm_mib": round(memory.peak_memory_in_bytes / 2**20, 1),
        "reserved_hbm_mib": round(sum(parts.values()) / 2**20, 1),
        "reserved_hbm_parts_mib": mib,
        "gflops": round(costs["flops"] / 1e9, 2),
        "gbytes_accessed": round(costs["bytes accessed"] / 1e9, 2),
        "all_reduces": len(re.findall(r" all-reduce(?:-start)?\(", text)),
    }


def versions():
    names = ("tensorflow", "keras", "keras-cv", "jax", "jaxlib", "libtpu")
    return {name: importlib.metadata.version(name) for name in names}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="m0")
    parser.add_argument("--task", default="detection")
    parser.add_argument("--batch-size", type=int, default=8, help="pictures of one replica")
    parser.add_argument("--image-size", type=int, help="the preset's where not given")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--topology", default="v5e:1x1", help="such as v5e:2x2, v3:2x2, v5p:2x2x1")
    parser.add_argument("--stochastic-depth-rate", type=float, default=0.2)
    parser.add_argument("--out", type=pathlib.Path, help="a JSON file for the result")
    arguments = parser.parse_args()

    devices = devices_of(arguments.topology)
    recipe, start = resolve_preset(
        Recipe(
            task=arguments.task,
            preset=arguments.preset,
            image_size=arguments.image_size,
            batch_size=arguments.batch_size,
            backbone={"stochastic_depth_rate": arguments.stochastic_depth_rate},
        )
    )
    model = compiled_task_model(recipe, start, arguments.precision)
    result = {
        "command": " ".join(["python", *sys.argv]),
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} {platform.machine()} cores, no TPU",
        "versions": versions(),
        "preset": recipe.preset,
        "image_size": recipe.image_size,
        "classes": CLASSES,
        "boxes_a_picture": BOXES,
        "pictures_a_replica": recipe.batch_size,
        "precision": arguments.precision,
        "topology": arguments.topology,
        "core": devices[0].device_kind,
        "replicas": len(devices),
        "parameters": model.count_params(),
    }
    model._maybe_symbolic_build(data_batch=batch(recipe.image_size, 1))
    started = time.monotonic()
    with replica_of(len(devices)):
        stablehlo = lower(model, *batch(recipe.image_size, recipe.batch_size))
    result["lower_seconds"] = round(time.monotonic() - started, 1)
    module, context = for_libtpu(stablehlo)
    started = time.monotonic()
    try:
        result |= {"accepted": True, **describe(compile_for(devices, module, context))}
    except Exception as error:  # the compiler's refusal, which is a result too
        result |= {"accepted": False, "refusal": str(error).strip().splitlines()[:4]}
    result["compile_seconds"] = round(time.monotonic() - started, 1)
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        write_file(arguments.out, lambda file: file.write_text(text))
    return 0 if result["accepted"] else 1


if __name__ == "__main__":
    sys.exit(main())

"""Checkpoints of TensorFlow 2, which describe the objects that their variables belong to.

A variable is found along the edges of this graph, under whatever key it was written. The backbone
of the package tf-models-official is a functional model of layers and blocks without names of their
own; Keras numbers them as they are made (`conv2d`, `conv2d_1`, ..., `bottleneck_block_2`), and a
variable's full name, which the graph keeps, has that number. Within a block edges have names.
"""

import collections
import re
from collections.abc import Iterator
from typing import Any

from keras_effspine.checkpoints.checkpoint_file import CheckpointFile
from keras_effspine.checkpoints.saved_detector import (
    SavedDetector,
    SavedLayer,
    SavedSubnet,
    by_kind,
)
from keras_effspine.errors import CheckpointError
from keras_effspine.topology.block_table import BlockTable
from keras_effspine.topology.pyramid import LEVELS
from keras_effspine.topology.spinenet import SPECS

KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"

_VALUE = "VARIABLE_VALUE"
_AVERAGE = "average"
_SUBNETS = {"classification": ("cls", "classifier"), "box": ("box", "box_regressor")}


def read_object_graph(file: CheckpointFile) -> SavedDetector:
    """Finds the layers of a RetinaNet that tf-models-official wrote.

    Where an optimizer kept averages of variables, they are taken.

    Raises:
        CheckpointError: if it holds something else.
    """
    graph = _Graph(file)
    backbone = graph.find("backbone", "_backbone")
    head = graph.find("head", "_head")
    if backbone is None:
        raise CheckpointError(
            f"{file.name}: holds no model of tf-models-official with a backbone; its root has "
            f"{', '.join(sorted(graph.edges(0))) or 'nothing'}."
        )
    if head is None or not {"_classifier", "_box_regressor"} <= graph.edges(head).keys():
        raise CheckpointError(
            f"{file.name}: holds a backbone without RetinaNet's head; only RetinaNets are "
            "converted, no classifiers and no Mask R-CNNs."
        )
    layers, blocks = _layers_and_blocks(graph, backbone)
    family = "spinenet_mobile" if "inverted_bottleneck_block" in blocks else "spinenet"
    return SavedDetector(
        file=file,
        family=family,
        variant=None,
        outside=by_kind(file, layers),
        inside=by_kind(file, _by_table(file, blocks, SPECS[family].table)),
        subnets={name: _subnet(graph, head, *parts) for name, parts in _SUBNETS.items()},
        averaged=len(graph.averages_taken),
    )


class _Graph:
    """The nodes of a checkpoint's graph."""

    def __init__(self, file: CheckpointFile) -> None:
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

        self.file = file
        self.shapes = file.shapes()
        graph = TrackableObjectGraph()
        try:
            graph.ParseFromString(file.read(KEY))
        except DecodeError as error:
            raise CheckpointError(f"{file.name}: its object graph is broken ({error}).") from error
        self.nodes = graph.nodes
        self.averages = {
            slot.original_variable_node_id: slot.slot_variable_node_id
            for node in graph.nodes
            for slot in node.slot_variables
            if slot.slot_name == _AVERAGE
        }
        self.averages_taken: set[int] = set()

    def edges(self, node: int) -> dict[str, int]:
        """Dictionary from the name of each edge of a node to the node where it leads."""
        return {child.local_name: child.node_id for child in self.nodes[node].children}

    def find(self, *names: str) -> int | None:
        """The node nearest to the root that an edge of one of these names leads to."""
        waiting, seen = collections.deque([0]), {0}
        while waiting:
            edges = self.edges(waiting.popleft())
            for name in names:
                if name in edges:
                    return edges[name]
            new = [node for node in edges.values() if node not in seen]
            waiting.extend(new)
            seen.update(new)
        return None

    def child(self, node: int, *path: str) -> int:
        """The node at the end of a path of edges."""
        for name in path:
            edges = self.edges(node)
            if name not in edges:
                raise CheckpointError(
                    f"{self.file.name}: the model has no {'/'.join(path)}; models of another kind "
                    "are not converted."
                )
            node = edges[name]
        return node

    def layer(self, node: int) -> SavedLayer | None:
        """The layer that a node is, or None where it has no variables of its own."""
        keys: dict[str, str] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        name = ""
        for part, child in self.edges(node).items():
            value = self._value(child)
            if value is None:
                continue
            name = name or value.full_name.rpartition("/")[0] or value.checkpoint_key
            average = self._value(self.averages[child]) if child in self.averages else None
            if average is not None:
                self.averages_taken.add(child)
            keys[part] = (average or value).checkpoint_key
            if keys[part] not in self.shapes:
                raise CheckpointError(f"{self.file.name}: {keys[part]} is missing from its index.")
            shapes[part] = self.shapes[keys[part]]
        return SavedLayer(name, keys, shapes) if keys else None

    def child_layer(self, node: int, *path: str) -> SavedLayer:
        """The layer at the end of a path of edges."""
        layer = self.layer(self.child(node, *path))
        if layer is None:
            raise CheckpointError(
                f"{self.file.name}: the model has no variables at {'/'.join(path)}; models of "
                "another kind are not converted."
            )
        return layer

    def _value(self, node: int) -> Any:
        return next((a for a in self.nodes[node].attributes if a.name == _VALUE), None)

    def layers_below(self, root: int) -> list[SavedLayer]:
        """A block's layers in the order in which it makes those of each kind.

        A shortcut comes before `_conv1`, and `_norm0` before `_norm1`; so does `_conv0`, and
        `_se_reduce` before `_se_expand`.
        """
        found = []
        for name in sorted(self.edges(root), key=lambda name: (name != "_shortcut", name)):
            child = self.edges(root)[name]
            if name == "_squeeze_excitation":
                found += [self.child_layer(child, part) for part in ("_se_reduce", "_se_expand")]
            elif name == "_shortcut" or re.fullmatch(r"_(conv|norm)\d", name):
                found.append(self.child_layer(root, name))
        return found


def _layers_and_blocks(
    graph: _Graph, backbone: int
) -> tuple[list[SavedLayer], dict[str, list[list[SavedLayer]]]]:
    """The backbone's layers, and its blocks by class, each in the order in which they were made."""
    layers, blocks = [], collections.defaultdict(list)
    for name, node in graph.edges(backbone).items():
        if not name.startswith("layer_with_weights-"):
            continue
        layer = graph.layer(node)
        if layer is not None:
            layers.append((_number(layer.name), layer))
            continue
        block = graph.layers_below(node)
        if not block:
            raise CheckpointError(
                f"{graph.file.name}: its backbone has a layer ({name}) that is no SpineNet's; only "
                "SpineNet and Mobile SpineNet are converted."
            )
        made = block[0].name.split("/")[0]
        blocks[re.sub(r"_\d+$", "", made)].append((_number(made), block))
    return [layer for _, layer in sorted(layers, key=_first)], {
        name: [block for _, block in sorted(of_class, key=_first)]
        for name, of_class in blocks.items()
    }


def _first(pair: tuple) -> Any:
    return pair[0]


def _number(name: str) -> int:
    """The number that Keras gave a layer among those of its class."""
    found = re.search(r"_(\d+)$", name)
    return int(found[1]) if found else 0


_CLASSES = {
    "bottleneck": "bottleneck_block",
    "residual": "residual_block",
    "mbconv": "inverted_bottleneck_block",
}


def _by_table(
    file: CheckpointFile, blocks: dict[str, list[list[SavedLayer]]], table: BlockTable
) -> Iterator[SavedLayer]:
    """The layers of all blocks, block by block, repeats in sequence."""
    count = sum(map(len, blocks.values()))
    repeats, rest = divmod(count, len(table.blocks))
    wanted = collections.Counter(_CLASSES[block.kind] for block in table.blocks)
    found = {name: len(of_class) for name, of_class in blocks.items()}
    if rest or {name: number * repeats for name, number in wanted.items()} != found:
        said = (
            ", ".join(f"{number} {name}" for name, number in sorted(found.items())) or "no blocks"
        )
        raise CheckpointError(
            f"{file.name}: its backbone has {said}, as no SpineNet and no Mobile SpineNet has."
        )
    if repeats > 1 and table.name == "spinenet_mobile":
        raise CheckpointError(
            f"{file.name}: repeats each block of Mobile SpineNet {repeats} times, which the public "
            "code for TensorFlow 2 wires past each other; such models are not converted."
        )
    left = {name: iter(of_class) for name, of_class in blocks.items()}
    for block in table.blocks:
        for _ in range(repeats):
            yield from next(left[_CLASSES[block.kind]])


def _subnet(graph: _Graph, head: int, name: str, prediction: str) -> SavedSubnet:
    convolutions = graph.child(head, f"_{name}_convs")
    levels = graph.child(head, f"_{name}_norms")
    count = len(graph.edges(convolutions))
    return SavedSubnet(
        layers=tuple(graph.child_layer(convolutions, str(i)) for i in range(count)),
        norms=tuple(
            tuple(graph.child_layer(levels, str(level), str(i)) for i in range(count))
            for level in range(len(LEVELS))
        ),
        prediction=graph.child_layer(head, f"_{prediction}"),
    )

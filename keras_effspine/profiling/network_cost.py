"""Counting a network from its specification, thousands of times a second."""

import math

from keras_effspine.errors import ProfilingError
from keras_effspine.profiling.profile import Cost
from keras_effspine.topology.network_spec import NetworkSpec


def network_cost(
    spec: NetworkSpec,
    widths: tuple[int, ...],
    repeats: tuple[int, ...],
    image_size: int,
    activation: str = "swish",
) -> Cost:
    """Counts a scale-permuted network without building it.

    The same as `profile_model` of the backbone, up to its endpoints.

    Args:
        spec: `NetworkSpec` of MBConv blocks.
        widths: channels of each block.
        repeats: how often each block is repeated.
        image_size: height and width of the picture in pixels.
        activation: name of the activation function.

    Returns:
        `Cost`, for one picture.

    Raises:
        ProfilingError: if the network has blocks of another kind.
    """
    table = spec.table
    kinds = {block.kind for block in table.blocks} - {"mbconv"}
    if kinds:
        raise ProfilingError(
            f"Table '{table.name}': blocks of kind {', '.join(sorted(kinds))} are counted from a "
            "model's graph alone; see `profile_model`."
        )
    count = _Count(image_size, 0.5 if activation in ("swish", "silu") else 0.0)
    count.convolution(3, spec.stem_width, 1, spec.stem_kernel_size)
    absorbed = table.absorbed()
    width_of = dict(enumerate(widths, start=1)) | {0: spec.stem_width}
    for number, block in enumerate(table.blocks, start=1):
        width, level = width_of[number], block.level
        parents = block.parents + absorbed.get(number, ())
        channels, from_level = width, level
        if len(parents) == 1:
            channels, from_level = width_of[parents[0]], table.level_of(parents[0])
        else:
            for parent in parents:
                if not (parent in absorbed.get(number, ()) and width_of[parent] == width):
                    count.resampling(
                        width_of[parent],
                        table.level_of(parent),
                        width,
                        level,
                        spec.use_space_to_depth,
                    )
            count.fusion(width, level, len(parents), spec.weighted_fusion)
        for _ in range(repeats[number - 1]):
            count.mb_conv(
                channels, from_level, width, level, spec.expansion, spec.squeeze_excitation_ratio
            )
            channels, from_level = width, level
    for level, number in table.outputs:
        count.convolution(width_of[number], spec.endpoint_width, level)
    return count.cost


class _Count:
    """The sum so far; each method adds what an operation of `networks/` costs."""

    def __init__(self, image_size, per_activation):
        self.cost = Cost()
        self._areas = [image_size**2]
        side = image_size
        for _ in range(16):
            side = math.ceil(side / 2)
            self._areas.append(side**2)
        self._per_activation = per_activation

    def _add(self, weights, statistics=0, macs=0, other=0.0, published=None):
        executed = macs + other
        self.cost += Cost(
            weights,
            weights + statistics,
            macs,
            executed if published is None else published,
            executed,
        )

    def convolution(
        self, inputs, filters, level, size=1, activated=True, groups=1, counted_at=None
    ):
        """With normalisation; `counted_at` is the level at which the paper counts it."""
        weights = size**2 * inputs // groups * filters
        a_place = weights + filters * (1.0 + (self._per_activation if activated else 0.0))
        area = self._areas[level]
        self._add(
            weights + 2 * filters,
            2 * filters,
            weights * area,
            (a_place - weights) * area,
            a_place * self._areas[level if counted_at is None else counted_at],
        )

    def depthwise(self, channels, level):
        self.convolution(channels, channels, level, 3, groups=channels)

    def resampling(self, inputs, from_level, filters, to_level, use_space_to_depth):
        steps = to_level - from_level
        if steps <= 0:
            self.convolution(inputs, filters, from_level, activated=False, counted_at=to_level)
            return
        if use_space_to_depth:
            inputs, from_level = 4 * inputs, from_level + 1
        for level in range(from_level + 1, to_level + 1):
            self.depthwise(inputs, level)
        self.convolution(inputs, filters, to_level, activated=False)

    def fusion(self, width, level, inputs, weighted):
        elements = width * self._areas[level]
        operations = 0.5 * (3 * inputs - 1 if weighted else inputs - 1) + self._per_activation
        self._add(inputs if weighted else 0, other=operations * elements)

    def mb_conv(self, channels, from_level, filters, level, expansion, ratio):
        expanded, area = channels * expansion, self._areas[level]
        self.convolution(channels, expanded, from_level)
        self.depthwise(expanded, level)
        if ratio is not None:
            reduced = max(1, math.floor(ratio * channels + 0.5 + 1e-9))
            products = 2 * expanded * reduced
            biases = expanded + reduced
            # A bias is half a multiply-add, as is what pools and what scales an element.
            other = 0.5 * biases + self._per_activation * reduced + expanded * area
            self._add(products + biases, macs=products, other=other)
        self.convolution(expanded, filters, level, activated=False)
        if (channels, from_level) == (filters, level):
            self._add(0, other=0.5 * filters * area)

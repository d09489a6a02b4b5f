"""The time that each block of a network takes on a device, by its widths."""

import functools
from typing import Annotated, Self

import numpy as np
import pydantic

from keras_effspine.topology.block_table import STEM
from keras_effspine.validation import VALUE


class PieceTimes(pydantic.BaseModel):
    """How long a piece of a network takes.

    Args:
        parent: number of the block whose output the piece reads, or `STEM`; the block itself, where
            all that it reads is as wide.
        block: number of the block whose width the piece has.
        absorbs: whether the piece falls away where both are equally wide.
        read, widths: widths, in rising order, that it was timed at.
        ms: `(read, widths)`, milliseconds.
    """

    model_config = VALUE

    parent: int
    block: int
    absorbs: bool = False
    read: tuple[pydantic.PositiveInt, ...]
    widths: tuple[pydantic.PositiveInt, ...]
    ms: tuple[tuple[pydantic.PositiveFloat, ...], ...]

    @pydantic.model_validator(mode="after")
    def _is_a_table(self) -> Self:
        rows = [len(row) for row in self.ms]
        if not self.widths or rows != [len(self.widths)] * len(self.read) or not rows:
            raise ValueError("ms must have a row for each width that is read, and all widths in it")
        return self

    def at(self, read: int, width: int) -> float:
        """Milliseconds, interpolated between logarithms, which is exact for a power of a width."""
        if self.absorbs and read == width:
            return 0.0
        rows, columns, times = self._logarithms
        column = [np.interp(np.log(width), columns, row) for row in times]
        return float(np.exp(np.interp(np.log(read), rows, column)))

    @functools.cached_property
    def _logarithms(self) -> tuple[np.ndarray, ...]:
        return np.log(self.read), np.log(self.widths), np.log(self.ms)


class TimedNetwork(pydantic.BaseModel):
    """How long a whole network took.

    Args:
        widths: channels of each block.
        ms: milliseconds for one picture.
    """

    model_config = VALUE

    widths: tuple[pydantic.PositiveInt, ...]
    ms: pydantic.PositiveFloat


class LatencyTable(pydantic.BaseModel):
    """What it takes to tell how long any candidate of a search takes, without building it.

    A piece that is timed alone takes longer than in its network, which runs some of them at the
    same time and is started once. So some whole networks are timed too. The line that fits them
    best turns the sum of a network's pieces into its time; what all networks have in common, such
    as heads, is in it as well.

    Args:
        device: what was timed, in words.
        stem: channels of the stem.
        pieces: the pieces of a network.
        networks: networks that were timed as a whole, two at least.
    """

    model_config = VALUE

    device: str
    stem: pydantic.PositiveInt
    pieces: tuple[PieceTimes, ...]
    networks: Annotated[tuple[TimedNetwork, ...], pydantic.Field(min_length=2)]

    def price(self, widths: tuple[int, ...]) -> float:
        """Milliseconds that a network takes for one picture.

        Args:
            widths: channels of each block.
        """
        slope, constant = self.line
        return constant + slope * self.sum_of(widths)

    @functools.cached_property
    def line(self) -> tuple[float, float]:
        """Milliseconds of a network over those of its pieces, and what is added to them."""
        sums = np.array([self.sum_of(network.widths) for network in self.networks])
        times = np.array([network.ms for network in self.networks])
        off, later = sums - sums.mean(), times - times.mean()
        slope = float((off * later).sum() / max((off**2).sum(), 1e-12))
        return slope, float(times.mean() - slope * sums.mean())

    def sum_of(self, widths: tuple[int, ...]) -> float:
        """Milliseconds of all pieces of a network, each timed alone."""
        width_of = {STEM: self.stem, **dict(enumerate(widths, start=1))}
        return sum(piece.at(width_of[piece.parent], width_of[piece.block]) for piece in self.pieces)

"""Ids of COCO files, whose type tools change: pandas writes 1.0, others "1"."""

from collections.abc import Iterable
from typing import TypeVar

_Thing = TypeVar("_Thing")


def as_id(value: object) -> int | str | None:
    """A whole number or a text as an id; None for everything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**63 else None
    return value if isinstance(value, str) else None


def as_number(value: object) -> int | None:
    """An id that is a whole number, or a text of digits; None for everything else."""
    found = as_id(value)
    if isinstance(found, str):
        return int(found) if found.isascii() and found.isdigit() and len(found) < 19 else None
    return found


class ById(dict[int | str, _Thing]):
    """Things by their id, in order; an id that differs in type alone finds them as well.

    Args:
        pairs: pairs of an id, as `as_id` gives it, and a thing.
    """

    def __init__(self, pairs: Iterable[tuple[int | str, _Thing]]):
        super().__init__(pairs)
        self._by_text = {str(one): thing for one, thing in self.items()}

    def find(self, value: object) -> _Thing | None:
        """What has an id, of whatever type that is, or None."""
        known = as_id(value)
        if known is None:
            return None
        return self[known] if known in self else self._by_text.get(str(known))

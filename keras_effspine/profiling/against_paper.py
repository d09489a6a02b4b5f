"""The package's models beside the published numbers."""

import dataclasses
from collections.abc import Iterable, Iterator

from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.profiling.profile import Profile
from keras_effspine.profiling.profile_task import profile_task
from keras_effspine.tasks.registry import TASKS, find_task
from keras_effspine.topology.published import Published, PublishedRow, published_rows


@dataclasses.dataclass(frozen=True)
class Check:
    """One published number beside the counted one.

    Args:
        quantity: `"parameters, M"` or `"multiply-adds, B"`.
        published: the published number.
        counted: the counted number in the same unit, or None where the model is missing.
    """

    quantity: str
    published: Published
    counted: float | None

    @property
    def inside(self) -> bool | None:
        """Whether the counted number rounds to the published one; None where it is missing."""
        return None if self.counted is None else self.published.holds(self.counted)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A row of the paper beside the package's model.

    Args:
        row: the published row.
        profile: what the package's model costs, or None where there is no such model yet.
    """

    row: PublishedRow
    profile: Profile | None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Tuple of one `Check` for each count that the paper prints."""
        parameters, multiply_adds = None, None
        if self.profile:
            total = self.profile.total
            parameters = total.parameters / 1e6
            multiply_adds = (total.macs if self.row.counting else total.published) / 1e9
        counts = (
            ("parameters, M", self.row.parameters, parameters),
            ("multiply-adds, B", self.row.multiply_adds, multiply_adds),
        )
        return tuple(Check(name, one, counted) for name, one, counted in counts if one is not None)

    def as_json(self) -> dict:
        """The comparison as a dictionary that JSON can hold."""
        return {
            "table": self.row.table,
            "source": self.row.source,
            "row": self.row.title,
            "task": self.row.task,
            "input_size": self.row.input_size,
            "checks": [
                {
                    "quantity": check.quantity,
                    "published": check.published.value,
                    "counted": check.counted,
                    "inside_rounding": check.inside,
                }
                for check in self.checks
            ],
            "note": self.row.note,
        }


def compare_with_paper() -> Iterator[Comparison]:
    """Builds every published model that is a preset here, its peers too, and counts it.

    Yields:
        A `Comparison` for each row, in their order; a row that repeats the numbers of an earlier
        one is left out.
    """
    seen = set()
    for row in published_rows():
        numbers = (row.task, row.model, row.parameters, row.multiply_adds)
        if numbers not in seen:
            seen.add(numbers)
            is_built = row.architecture()[0] in list_presets()
            yield Comparison(row, _profile(row) if is_built else None)


def summary(comparisons: Iterable[Comparison]) -> tuple[int, int]:
    """Number of the published numbers that the counts round to, and of all that were counted."""
    inside = [check.inside for comparison in comparisons for check in comparison.checks]
    return inside.count(True), len(inside) - inside.count(None)


def _profile(row: PublishedRow) -> Profile | None:
    preset, backbone = row.architecture()
    task = next((name for name in TASKS if find_task(name).published == row.task), None)
    if task is None:
        return None
    return profile_task(task, preset, row.input_size, backbone=backbone)

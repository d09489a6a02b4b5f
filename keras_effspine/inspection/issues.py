"""What a look through a data set log."""

import collections
import dataclasses
import re

from keras_effspine.data.record import LEFT_OUT, Record, RecordSet

ERROR, WARNING = "error", "warning"


@dataclasses.dataclass(frozen=True)
class Issue:
    """One kind of thing found.

    Args:
        level: `ERROR` where training would lose a picture or an annotation, or the measurement
            would not mean what it says; `WARNING` where all is used, but should be looked at.
        kind: what it is, in words.
        count: how often it was found.
        examples: list of the first places, each in words.
    """

    level: str
    kind: str
    count: int
    examples: list[str]


class IssueLog:
    """Counts by level and kind, with the first places."""

    _KEPT = 5

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
        self._counts: dict[tuple[str, str], int] = collections.Counter()

    @classmethod
    def of_images(
        cls, record_set: RecordSet, checked: list[tuple[str | None, str | None]]
    ) -> "IssueLog":
        """What the loader found wrong, pictures that are broken, and those that are equal."""
        log, places = cls(), dict[str | None, tuple[str, int | None]]()
        for problem in record_set.problems:
            is_used = problem.action in (*problem.KEPT, LEFT_OUT)
            level = WARNING if is_used else ERROR
            log.add(level, f"{problem.kind} ({problem.action})", problem.where)
        for record, (broken, content) in zip(record_set.records, checked, strict=True):
            where = place_of(record)
            if broken:
                kind, _, detail = broken.partition(" (")
                log.add(ERROR, kind, f"{where}{f', {detail[:-1]}' if detail else ''}")
                continue
            other, label = places.setdefault(content, (where, record.image_label))
            if label != record.image_label:
                kind = "picture of the same content in another class"
                log.add(ERROR, kind, f"{where}; {other}")
            elif other != where:
                kind = "picture of the same content as another"
                log.add(WARNING, kind, f"{where}; {other}")
        return log

    def add(self, level: str, kind: str, where: str) -> None:
        # Numbers that belong to one place do not make another kind.
        kind = re.sub(r"^line of \d+ numbers is", "line of numbers is", kind)
        self._counts[level, kind] += 1
        if len(self._places[level, kind]) < self._KEPT:
            self._places[level, kind].append(where)

    def issues(self) -> list[Issue]:
        return [
            Issue(level, kind, count, self._places[level, kind])
            for (level, kind), count in sorted(self._counts.items())
        ]


def place_of(record: Record) -> str:
    """File and id of a picture, in words."""
    return f"{record.name or record.path}, image {record.image_id}"

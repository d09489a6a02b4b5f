"""What a look through a data set notes."""

import collections
import dataclasses
import re

ERROR, WARNING = "error", "warning"


@dataclasses.dataclass(frozen=True)
class Finding:
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
    examples: list


class Notes:
    """Counts by level and kind, with the first places."""

    _KEPT = 5

    def __init__(self):
        self._places = collections.defaultdict(list)
        self._counts = collections.Counter()

    @classmethod
    def of_pictures(cls, record_set, checked):
        """What the loader found wrong, pictures that are broken, and those that are equal."""
        notes, places = cls(), {}
        for problem in record_set.problems:
            level = WARNING if problem.action == "clipped" else ERROR
            notes.add(level, f"{problem.kind} ({problem.action})", problem.where)
        for record, (broken, content) in zip(record_set.records, checked, strict=True):
            where = place_of(record)
            if broken:
                kind, _, detail = broken.partition(" (")
                notes.add(ERROR, kind, f"{where}{f', {detail[:-1]}' if detail else ''}")
                continue
            other, label = places.setdefault(content, (where, record.image_label))
            if label != record.image_label:
                kind = "picture of the same content in another class"
                notes.add(ERROR, kind, f"{where}; {other}")
            elif other != where:
                kind = "picture of the same content as another"
                notes.add(WARNING, kind, f"{where}; {other}")
        return notes

    def add(self, level, kind, where):
        # Numbers that belong to one place do not make another kind.
        kind = re.sub(r"^line of \d+ numbers is", "line of numbers is", kind)
        self._counts[level, kind] += 1
        if len(self._places[level, kind]) < self._KEPT:
            self._places[level, kind].append(where)

    def findings(self):
        return [
            Finding(level, kind, count, self._places[level, kind])
            for (level, kind), count in sorted(self._counts.items())
        ]


def place_of(record):
    """File and id of a picture, in words."""
    return f"{record.name or record.path}, image {record.image_id}"

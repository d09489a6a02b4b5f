"""Checks that a record set holds against the disk before anything long starts."""

import collections
import concurrent.futures
import dataclasses
from collections.abc import Sequence

from PIL import Image

from keras_effspine.data.images.image_bytes import open_image
from keras_effspine.data.images.orientation import upright_size
from keras_effspine.data.record import LEFT_OUT, Problem, Record, RecordSet
from keras_effspine.errors import DataError

# A few bad files are life; more than this share means that something is wrong with the data set.
LARGEST_FAILED_SHARE = 0.1

NAMED_EXAMPLES = 3

_NOUNS = {"skipped": "picture", LEFT_OUT: "file"}


def check_images(record_set: RecordSet) -> RecordSet:
    """Checks that every image file is there, is an image, and has the size of its record.

    Only the headers are read, so a file that breaks off later is not found here.

    Args:
        record_set: the `RecordSet` to check.

    Returns:
        The `RecordSet` without the records whose file failed; each of those is a `Problem` with
        the action `"skipped"`.

    Raises:
        DataError: no record is left, or more than `LARGEST_FAILED_SHARE` of them failed.
    """
    Image.preinit()  # once, before the threads ask for it at the same time
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = list(pool.map(_check_header, record_set.records))
    new = tuple(problem for problem in found if problem)
    # What the loader had to skip counts as well.
    failed = (*(p for p in record_set.problems if p.action == "skipped"), *new)
    check_share(record_set.source, failed, len(found) + len(failed) - len(new))
    kept = tuple(r for r, problem in zip(record_set.records, found, strict=True) if not problem)
    return dataclasses.replace(record_set, records=kept, problems=record_set.problems + new)


def check_share(source: str, failed: Sequence[Problem], images: int) -> None:
    """Refuses a data set of which too many pictures cannot be used.

    Args:
        source: what was read, for the message.
        failed: sequence of `Problem`, one a picture that cannot be used.
        images: number of all pictures.

    Raises:
        DataError: there are no pictures, none can be used, or more than `LARGEST_FAILED_SHARE` of
            them cannot.
    """
    if not images:
        raise DataError(f"{source} lists no pictures; choose a data set that has some.")
    if len(failed) == images or len(failed) > LARGEST_FAILED_SHARE * images:
        examples = "; ".join(f"{p.kind} ({p.where})" for p in failed[:NAMED_EXAMPLES])
        raise DataError(
            f"{len(failed)} of the {images} pictures of {source} cannot be used: "
            f"{examples}{'; ...' if len(failed) > NAMED_EXAMPLES else ''}; "
            "check the image folder and the files."
        )


def describe_problems(record_set: RecordSet) -> list[str]:
    """Puts the problems of a record set into words, for the terminal.

    Args:
        record_set: a `RecordSet`.

    Returns:
        A list of lines, one for each kind of problem, such as
        `"2 annotations dropped: box without area (a.json, annotation 3; a.json, annotation 9)"`.
    """
    groups = collections.defaultdict(list)
    for problem in record_set.problems:
        groups[problem.action, problem.kind].append(problem.where)
    lines = []
    for (action, kind), places in groups.items():
        noun = _NOUNS.get(action, "annotation") + "s" * (len(places) > 1)
        named = "; ".join(places[:NAMED_EXAMPLES] + ["..."] * (len(places) > NAMED_EXAMPLES))
        lines.append(f"{len(places)} {noun} {action}: {kind} ({named})")
    return lines


def _check_header(record: Record) -> Problem | None:
    """Returns the `Problem` of a record's image file, or None."""
    where = f"{record.path}, image {record.image_id}"
    if not record.path.is_file():
        return Problem("image file missing", where, "skipped")
    try:
        with open_image(record) as image:
            wanted, sizes = (record.width, record.height), (image.size, upright_size(image))
    except Exception:  # Pillow raises whatever a broken file leads it to
        return Problem("image header unreadable", where, "skipped")
    if wanted not in sizes:
        where += f", {sizes[0][0]}x{sizes[0][1]} instead of {record.width}x{record.height}"
        if record.semantic_map is not None and record.semantic_map.path != record.path:
            where += f" of {record.semantic_map.path}"
        return Problem("image size differs from its annotation", where, "skipped")
    return None

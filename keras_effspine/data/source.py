"""What a name of data turned out to be, and what a recogniser is given to find out."""

import collections
import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable
from typing import Any

from keras_effspine.data.images.finding import IMAGE_SUFFIXES, visible_folders
from keras_effspine.data.record import RecordSet
from keras_effspine.data.split_names import VALIDATION


@dataclasses.dataclass(frozen=True)
class Source:
    """What a name of data turned out to be.

    Args:
        splits: tuple of the names of its parts; `()` where it has none.
        load: function from the name of a part, or None where there are none, to its `RecordSet`,
            whose pictures are not looked at.
        checked: whether pictures are known to be there, so that their headers need not be read.
        has_maps: whether its labels are label maps.
        takes_images: whether the folder that is named besides holds its pictures.
    """

    splits: tuple[str, ...]
    load: Callable[[Any], RecordSet]
    checked: bool = False
    has_maps: bool = False
    takes_images: bool = False

    @property
    def validation_split(self) -> str | None:
        """Name of the part that is meant for validation, or None."""
        return next((split for split in VALIDATION if split in self.splits), None)


@dataclasses.dataclass(frozen=True)
class Place:
    """A file or folder that may be a data set.

    Args:
        path: its path.
        images: folder of the image files that is named besides, or None.
        labels: names of what is to be read; see `sources.find_source`.
    """

    path: pathlib.Path
    images: pathlib.Path | None = None
    labels: tuple[str, ...] = ("objects",)

    @functools.cached_property
    def folders(self) -> dict[str, pathlib.Path]:
        """The folders inside, by name in lower case."""
        return {path.name.lower(): path for path in visible_folders(self.path)}

    @functools.cached_property
    def files(self) -> list[str]:
        """Names of the files inside that are not hidden, sorted."""
        try:
            with os.scandir(self.path) as entries:
                return sorted(e.name for e in entries if e.name[0] != "." and e.is_file())
        except OSError:
            return []

    def files_of(self, *suffixes: str) -> list[pathlib.Path]:
        """Paths of the files inside with one of some suffixes."""
        return [self.path / n for n in self.files if os.path.splitext(n)[1].lower() in suffixes]

    @property
    def images_here(self) -> list[pathlib.Path]:
        """Paths of the pictures inside, but not in folders."""
        return self.files_of(*IMAGE_SUFFIXES)

    def inside(self, name: str) -> "Place":
        """The `Place` of a folder inside, by its name in lower case."""
        return dataclasses.replace(self, path=self.folders[name])

    def describe(self) -> str:
        """What the folder holds, in a few words."""
        suffixes = collections.Counter(os.path.splitext(name)[1].lower() for name in self.files)
        files = [f"{count} {suffix or 'other'}" for suffix, count in suffixes.most_common(4)]
        folders = (
            [
                f"the folder{'s' * (len(self.folders) > 1)} "
                + ", ".join(path.name for path in list(self.folders.values())[:6])
            ]
            if self.folders
            else []
        )
        return " and ".join(filter(None, [", ".join(files), *folders])) or "nothing"

"""The folder of a search: what it is, and every result so far."""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Self, cast

import keras_effspine
from keras_effspine.atomic_file import remove_unfinished, write_file
from keras_effspine.claimed_folder import claimed_folder
from keras_effspine.errors import RunFolderError
from keras_effspine.searching.job import Result
from keras_effspine.training.recipe_changes import flat
from keras_effspine.validation import read_json, read_json_as, shown

SEARCH_FILE = "search.json"

LATENCY_FILE = "latency.json"
"""What is timed before a search is settled; see `searching.latency`."""


@dataclasses.dataclass(frozen=True)
class SearchFolder:
    """`search.json` says what is searched, `results/` holds a file for each candidate.

    What a search did is in these files alone: which candidates it tries, and in which order it
    learns from them, follows from them and the seed. `work/` holds what is being trained.

    Args:
        path: absolute path of the folder.
    """

    path: pathlib.Path

    @classmethod
    @contextlib.contextmanager
    def claim(
        cls,
        path: str | os.PathLike,
        settings: dict[str, Any] | None = None,
        renewed: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> Iterator[Self]:
        """Takes a folder for a search, new or with an unfinished one of the same settings.

        Args:
            path: path of the folder, made if it does not exist.
            settings: all that decides what the search finds, as JSON can hold it; None leaves them
                to `settle`.
            renewed: function from the settings of a folder, which an earlier version may have
                written, to what this one would have.

        Yields:
            The `SearchFolder`. Other processes are kept out as long as the context lasts; a process
            that is killed lets go.

        Raises:
            RunFolderError: if another process searches in it, it holds another search or something
                else, or it cannot be written.
        """
        besides = (LATENCY_FILE,)
        with claimed_folder(path, SEARCH_FILE, "search", "searching", besides) as claimed:
            folder = cls(claimed.absolute())
            if settings is not None:
                folder.settle(settings, renewed)
            yield folder

    def settle(
        self,
        settings: dict[str, Any],
        renewed: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        """Writes `search.json`, or checks that the one there is of the same search.

        Args:
            settings, renewed: as in `claim`.

        Raises:
            RunFolderError: if it is of another search.
        """
        self.check(settings, renewed)
        for folder in (self.path, self.path / "results"):
            folder.mkdir(exist_ok=True)
            remove_unfinished(folder)
        if not (self.path / SEARCH_FILE).exists():
            self.write_json(
                SEARCH_FILE,
                {"keras_effspine": keras_effspine.__version__, "settings": settings},
            )

    def check(
        self,
        settings: dict[str, Any],
        renewed: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        """As `settle`, but writes nothing."""
        if not (self.path / SEARCH_FILE).exists():
            return
        before, now = flat(renewed(self.settings)), flat(json.loads(json.dumps(settings)))
        changed = [
            f"{name}: {shown(before.get(name))}; now {shown(now.get(name))}"
            for name in {**before, **now}
            if before.get(name) != now.get(name)
        ]
        if changed:
            raise RunFolderError(
                f"{self.path} holds another search ({'; '.join(changed[:5])}). Repeat its own "
                "command to go on with it, or name another folder with --out."
            )

    @property
    def settings(self) -> dict[str, Any]:
        """What `search.json` says.

        Raises:
            RunFolderError: if it cannot be read, or was not written by a search.
        """
        content = read_json(self.path / SEARCH_FILE, RunFolderError)
        settings = content.get("settings") if isinstance(content, dict) else None
        if not isinstance(settings, dict):
            raise RunFolderError(f"{self.path / SEARCH_FILE}: was not written by a search.")
        return settings

    def settle_window(self, window: int) -> int:
        """How many samples of the search are open at a time: what was settled first holds.

        Args:
            window: what to settle where nothing has been.
        """
        file = self.path / SEARCH_FILE
        content = cast(dict[str, Any], read_json(file, RunFolderError))
        settled = content.setdefault("window", window)
        if not isinstance(settled, int) or settled < 1:
            raise RunFolderError(f"{file}: 'window' must be a whole number from 1.")
        self.write_json(SEARCH_FILE, content)
        return settled

    def results(self) -> dict[str, Result]:
        """All results so far, by their keys.

        Raises:
            RunFolderError: if one cannot be read; names it.
        """
        # What begins with a dot is being written, by a worker whose driver was killed perhaps.
        files = sorted((self.path / "results").glob("[!.]*.json"))
        return {file.stem: read_json_as(Result, file, RunFolderError) for file in files}

    def write_json(self, name: str, value: object) -> None:
        """Writes a JSON file of the folder."""
        text = json.dumps(value, indent=2) + "\n"
        write_file(self.path / name, lambda file: file.write_text(text))

"""The budget of time on a device."""

import pathlib
from collections.abc import Callable

from keras_effspine.atomic_file import write_file
from keras_effspine.errors import RunFolderError, SearchError
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.searching.budget import Budget
from keras_effspine.searching.latency_table import LatencyTable
from keras_effspine.searching.search_folder import LATENCY_FILE
from keras_effspine.searching.space import SearchSpace
from keras_effspine.training.recipe import Recipe
from keras_effspine.validation import read_json_as


class Latency(Budget):
    """A budget of milliseconds that the whole model takes for one picture on this device.

    The blocks of the network are timed once, in TensorFlow, folded for inference as `effspine
    predict` has them, without what decodes their outputs. From then on a candidate's price is a sum
    out of the table; see `LatencyTable`.

    Args:
        recipe: `Recipe` in full.
        class_names: tuple of class names.
        start: the `Pretrained` that its preset names.
        space: `SearchSpace` of the candidates.
        limit: the most milliseconds.

    Raises:
        SearchError: if the limit is not positive.
    """

    def __init__(
        self,
        recipe: Recipe,
        class_names: tuple[str, ...],
        start: Pretrained,
        space: SearchSpace,
        limit: float,
    ) -> None:
        if not limit > 0:
            raise SearchError(f"A model takes more than {limit:g} ms; give a limit above 0.")
        super().__init__(limit, "ms a picture")
        self._of, self._space = (recipe, class_names, start), space
        self._table: LatencyTable | None = None

    def prepare(self, folder: pathlib.Path, report: Callable[[str], None]) -> None:
        """Reads the table in the folder of the search, or times the blocks and writes it."""
        file = folder / LATENCY_FILE
        if not file.exists():
            from keras_effspine.searching.latency_timing import time_blocks

            table = time_blocks(*self._of, self._space, report)
            text = table.model_dump_json(indent=1) + "\n"
            write_file(file, lambda part: part.write_text(text))
        self._table = read_json_as(LatencyTable, file, RunFolderError)

    def price(self, betas: tuple[float, ...]) -> float:
        assert self._table is not None, "a search prepares its budget"
        return self._table.price(self._space.widths(betas))

    def amount(self, value: float) -> str:
        return f"{value:,.2f} {self.unit}"

    def checked(self, betas: tuple[float, ...]) -> str:
        from keras_effspine.searching.latency_timing import time_candidate

        assert self._table is not None, "a search prepares its budget"
        measured = time_candidate(*self._of, betas)
        return (
            f"It is priced at {self.amount(self.price(betas))}, of {self.amount(self.limit)}; "
            f"timed as a whole it took {measured:,.2f} ms on {self._table.device}."
        )

"""What `run.json` says, of a run folder: `RunFile`."""

import os
import pathlib
from typing import Any

import pydantic

from keras_effspine.errors import EffSpineError
from keras_effspine.validation import read_json_as

RUN_FILE = "run.json"


class RunRecipe(pydantic.BaseModel):
    """What a run folder's model is known by; a whole recipe has more, which is kept as it is."""

    model_config = pydantic.ConfigDict(extra="allow", defer_build=True)

    task: str | None = None
    image_size: pydantic.PositiveInt | None = None
    batch_size: pydantic.PositiveInt | None = None
    tiles: dict[str, Any] | None = None


class RunFile(pydantic.BaseModel):
    """The content of `run.json`, which a run writes first.

    Args:
        keras_effspine: the package's version.
        class_names: of the classes that the model predicts, in its order.
        recipe: the recipe in full.
    """

    keras_effspine: str = pydantic.Field("unknown", max_length=100)
    class_names: tuple[str, ...] = pydantic.Field(min_length=1)
    recipe: RunRecipe

    @classmethod
    def read(cls, folder: str | os.PathLike, error: type[EffSpineError]) -> "RunFile":
        """Reads the file of a run folder.

        Raises:
            EffSpineError: of the class `error`, if it cannot be read or does not say all of this.
        """
        return read_json_as(cls, pathlib.Path(folder) / RUN_FILE, error)

    def recipe_values(self) -> dict[str, Any]:
        """The recipe as nested dictionaries."""
        return self.recipe.model_dump(exclude_unset=True)

"""What `thresholds.json` says, of a run folder: `ThresholdsFile`."""

import os
import pathlib
from typing import Annotated

import pydantic

from keras_effspine.errors import EffSpineError
from keras_effspine.validation import read_json_as

THRESHOLDS_FILE = "thresholds.json"

Thresholds = dict[str, Annotated[float, pydantic.Field(ge=0, le=1)]]


class ThresholdsFile(pydantic.BaseModel):
    """From which score the detections of each class are shown, by the class' name.

    Args:
        best: of the run's best model; None where nobody has looked.
        last: of its last model.
    """

    model_config = pydantic.ConfigDict(allow_inf_nan=False, defer_build=True)

    best: Thresholds | None = None
    last: Thresholds | None = None

    @classmethod
    def read(cls, folder: str | os.PathLike, error: type[EffSpineError]) -> "ThresholdsFile":
        """Reads the file of a run folder; an empty one where there is none.

        Raises:
            EffSpineError: of the class `error`, if it cannot be read or does not say this.
        """
        file = pathlib.Path(folder) / THRESHOLDS_FILE
        return read_json_as(cls, file, error) if file.exists() else cls()

"""Large pictures in overlapping parts."""

import math
from typing import Annotated, Any

import numpy as np
import pydantic

from keras_effspine.errors import RecipeError
from keras_effspine.validation import VALUE


class Tiles(pydantic.BaseModel):
    """Overlapping squares that cover a picture, each seen as large as a small picture.

    Objects that are too small once a large picture is scaled to the network's input are seen in
    tiles as they are.

    Args:
        size: side of a tile in pixels of the picture; the tile is scaled to the network's input.
        overlap: least share of a tile that the next one covers again. Objects up to this share of a
            tile are whole in one of them.
        whole: whether the picture is looked at as a whole, too, for objects larger than a tile.
    """

    model_config = VALUE

    size: Annotated[int, pydantic.Field(ge=32, lt=2**31)]
    overlap: Annotated[float, pydantic.Field(ge=0, le=0.9)] = 0.2
    whole: bool = True

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_size(cls, value: Any) -> Any:
        return {"size": value} if isinstance(value, int) and not isinstance(value, bool) else value

    @classmethod
    def from_text(cls, text: str) -> "Tiles":
        """Reads `"640"`, or `"640:0.25"` with the overlap.

        Raises:
            RecipeError: if it is neither, or a number is out of range.
        """
        size, colon, overlap = text.partition(":")
        try:
            values: dict[str, Any] = {"size": int(size)}
            return cls.model_validate(values | ({"overlap": float(overlap)} if colon else {}))
        except ValueError as error:
            raise RecipeError(
                f"--tiles {text}: write the side of a tile in pixels, from 32, and maybe its "
                "overlap, from 0 to 0.9, such as 640 or 640:0.25; or off."
            ) from error

    def windows(self, height: int, width: int) -> np.ndarray:
        """Where the tiles lie on a picture.

        Args:
            height, width: of the picture in pixels.

        Returns:
            int64 `(tiles, 4)`, left, top, width, height in pixels: as few as there can be, evenly
            spread, row by row. A side that is shorter than a tile is covered as it is.
        """
        rows, columns = (self._starts(length) for length in (height, width))
        size = min(self.size, width), min(self.size, height)
        return np.array([(x, y, *size) for y in rows for x in columns], "int64")

    def _starts(self, length: int) -> list[int]:
        room = length - self.size
        if room <= 0:
            return [0]
        step = max(1, math.floor(self.size * (1 - self.overlap)))
        count = -(-room // step)
        return [round(room * i / count) for i in range(count + 1)]

    def describe(self) -> str:
        """In words."""
        whole = ", and whole" if self.whole else ""
        return f"in tiles of {self.size} px that overlap by {self.overlap:.0%} or more{whole}"

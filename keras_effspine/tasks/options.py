"""What a recipe may say to one task alone."""

from typing import Annotated

import pydantic

from keras_effspine.validation import VALUE

Rate = Annotated[float, pydantic.Field(ge=0, lt=1)]


class TaskOptions(pydantic.BaseModel):
    """A task's own values of a recipe (`Recipe.options`), each with a default.

    Values cannot be changed; unknown names, NaN and infinity are refused. An option that bears the
    name of a field of `stream.augmentation.Augmentation`, such as `mosaic`, tells the stream.
    """

    model_config = VALUE

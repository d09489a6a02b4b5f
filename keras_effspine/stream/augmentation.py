"""What is changed at random in training pictures, as options."""

from typing import Annotated

import pydantic

from keras_effspine.validation import VALUE

Share = Annotated[float, pydantic.Field(ge=0, le=1)]
Changes = Annotated[int, pydantic.Field(ge=0, le=10)]
Magnitude = Annotated[float, pydantic.Field(ge=0, le=10)]


class CommonAugmentation(pydantic.BaseModel):
    """Random changes that the pictures of every task can stand.

    The paper's (5.1.1) are flip and jitter (0.1, 2.0). Values cannot be changed; unknown names, NaN
    and infinity are refused.

    Args:
        scale_jitter: least and greatest multiple of the scale at which a picture fits the input.
        flip: whether pictures are mirrored left to right at random.
        vertical_flip: whether they are mirrored top to bottom at random: for pictures without an
            up, such as those of a microscope.
        quarter_turns: whether they are turned by 0, 90, 180 or 270 degrees at random; likewise.
        photometric: brightness, contrast and saturation are each multiplied by a random factor
            between one minus and one plus this strength.
    """

    model_config = VALUE

    scale_jitter: tuple[float, float] = (0.8, 1.25)
    flip: bool = True
    vertical_flip: bool = False
    quarter_turns: bool = False
    photometric: Share = 0.0

    @pydantic.field_validator("scale_jitter")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= value[1]:
            raise ValueError("must be two positive numbers, the smaller one first")
        return value


class Augmentation(CommonAugmentation):
    """All random changes that the stream can make of the training pictures.

    Args:
        mosaic: share of the samples that are made of four pictures side by side.
        mosaic_until: share of the run after which none is: it ends on pictures as they are.
        rand_augment: pair of the number of RandAugment's changes a picture and of their magnitude,
            from 0 to 10; (0, 0) for none. See `stream.rand_augment`.
    """

    mosaic: Share = 0.0
    mosaic_until: Share = 1.0
    rand_augment: tuple[Changes, Magnitude] = (0, 0)

    @property
    def images_a_sample(self) -> int:
        """The greatest number of pictures that a sample is made of."""
        return 4 if self.mosaic else 1

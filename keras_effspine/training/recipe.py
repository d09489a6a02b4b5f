"""A recipe: everything that decides how a model is trained."""

from typing import Annotated, Any, Literal

import pydantic

from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import RecipeError
from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.tasks.options import TaskOptions
from keras_effspine.tasks.registry import TASKS
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.task_options import gather_options, parse_options
from keras_effspine.validation import VALUE, in_words

_Positive = Annotated[int, pydantic.Field(ge=1, lt=2**31)]
_Rate = Annotated[float, pydantic.Field(ge=0, lt=1)]


class _Part(pydantic.BaseModel):
    """Values cannot be changed; unknown names, NaN, infinity and NUL in a text are refused."""

    model_config = VALUE

    @pydantic.field_validator("*")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("cannot hold the character NUL")
        return value


class Data(_Part):
    """What is trained on, and what it is measured on; see `data.loading.load_records`.

    Args:
        data: name or path of the data.
        images: folder of its pictures, for a COCO JSON file.
        split: the part to train on; None takes `"train"` where the data have parts.
        val_data: name or path of the data to measure on; None takes those that are trained on, if
            they have a part for it.
        val_images: folder of its pictures; None takes `images`.
        val_split: the part to measure on; None takes `"val"` or `"validation"`, where there is one
            and the model trains on `"train"`.
        reserve: number of training pictures to measure on in place of validation data: they are
            not trained on. The same ones whatever the seed.
    """

    data: str = "shapes"
    images: str | None = None
    split: str | None = None
    val_data: str | None = None
    val_images: str | None = None
    val_split: str | None = None
    reserve: _Positive | None = None

    @pydantic.model_validator(mode="after")
    def _images_have_data(self):
        if self.val_images is not None and self.val_data is None:
            raise ValueError("val_images is the folder of val_data, which is not given")
        if self.reserve is not None and (self.val_data or self.val_split):
            raise ValueError("reserve takes the place of validation data; give one of them")
        return self


class Recipe(_Part):
    """A training run as data. Recipes that the package brings lie in `training/recipes/`.

    Args:
        task: name of the task.
        options: values that this task alone has: of its class `Task.options`, or a dictionary. A
            single one may also be given by its bare name.
        preset: what the model starts from: name of a preset, or path of a preset folder or of a
            run folder. Weights that it has are loaded as far as they fit, whatever its task and
            its classes are.
        data: what is trained on.
        image_size: height and width of the network's input in pixels; None takes the preset's, or
            those of the run.
        tiles: `Tiles`, or the side of one in pixels: the model learns from parts of the pictures
            of this size, each scaled to `image_size`, and is measured in tiles. None takes pictures
            as a whole.
        batch_size: pictures a step.
        steps: number of training steps.
        epochs: passes over the training pictures, in place of `steps`. With neither, the length is
            picked from the number of pictures.
        evaluations: how often the model is measured, the end of the run included.
        seed: of weights, order and augmentation.
        optimization: the optimizer.
        augmentation: changes of the training pictures.
        batch_norm_momentum: of the moving statistics. The paper's 0.99 is for long runs: over few
            steps it leaves the statistics behind and ruins the average precision. None has it
            picked from the number of steps.
        backbone: constructor arguments of the preset's backbone, by name, in place of the preset's,
            such as `{"activation": "relu", "stochastic_depth_rate": 0.2}`. Stochastic depth is left
            out unless it is named, whatever the preset was trained with.
        frozen: what keeps the weights that it was loaded with: `"nothing"`; `"batch_norm"`, all
            normalisation, which then runs on the loaded statistics; `"backbone"`, all of the
            backbone, so that the heads alone learn. None has it picked. See `training.freezing`.
        patience: number of measurements without a better one after which the run ends, counted
            once the learning rate has fallen to half its peak; None for no such end.
        precision: what the model computes in; see `training.precision`.
        strategy: devices; see `training.strategy`. A run may go on under another.
    """

    task: str = "detection"
    options: pydantic.SerializeAsAny[TaskOptions] = pydantic.Field(
        default_factory=TaskOptions, validate_default=True
    )
    preset: str = "m0"
    data: Data = Data()
    image_size: _Positive | None = None
    tiles: Tiles | None = None
    batch_size: _Positive = 8
    steps: _Positive | None = None
    epochs: _Positive | None = None
    evaluations: _Positive = 4
    seed: Annotated[int, pydantic.Field(ge=0, lt=2**32)] = 0
    optimization: Optimization = Optimization()
    augmentation: CommonAugmentation = CommonAugmentation()
    batch_norm_momentum: _Rate | None = 0.99
    backbone: dict[str, pydantic.JsonValue] = {}
    frozen: Literal["nothing", "batch_norm", "backbone"] | None = "nothing"
    patience: _Positive | None = None
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    strategy: str = "auto"

    @pydantic.model_validator(mode="before")
    @classmethod
    def _options_by_name(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return gather_options(values, set(cls.model_fields), cls.model_fields["task"].default)

    @pydantic.field_validator("task")
    @classmethod
    def _known_task(cls, value: str) -> str:
        if value not in TASKS:
            raise ValueError(f"unknown task; there are: {', '.join(TASKS)}")
        return value

    @pydantic.field_validator("options", mode="before")
    @classmethod
    def _options_of_the_task(cls, value: Any, info: pydantic.ValidationInfo) -> TaskOptions:
        # Where the task is unknown, that is what is said.
        return parse_options(info.data["task"], value) if "task" in info.data else TaskOptions()

    @pydantic.model_validator(mode="after")
    def _one_length(self):
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give either steps or epochs, not both")
        return self


def parse_recipe(values: Any) -> Recipe:
    """The `Recipe` that nested dictionaries describe, as `model_dump` gives them.

    Raises:
        RecipeError: if a name is unknown or a value does not fit; names the field.
    """
    try:
        return Recipe.model_validate(_with_backbone(values))
    except pydantic.ValidationError as error:
        raise RecipeError(f"The recipe does not make sense: {in_words(error)}.") from error


def _with_backbone(values: Any) -> Any:
    """A recipe's values, where files of earlier versions have some of the backbone's apart.

    Those had been filled in by then; what every preset of that time has is left to the preset.
    """
    if not isinstance(values, dict):
        return values
    values, backbone = dict(values), dict[str, Any]()
    if values.pop("squeeze_excitation", None) is False:
        backbone["squeeze_excitation_ratio"] = None
    for name, plain in (("activation", "swish"), ("stochastic_depth_rate", 0.0)):
        if values.get(name) not in (None, plain):
            backbone[name] = values[name]
        values.pop(name, None)
    return {"backbone": backbone, **values}

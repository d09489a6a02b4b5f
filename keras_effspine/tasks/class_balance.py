"""Classes that are rarer than others: their weight in the losses, their share of the samples."""

import dataclasses
from typing import Annotated, Any, Literal

import numpy as np
import pydantic

from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import object_arrays
from keras_effspine.errors import RecipeError
from keras_effspine.tasks.options import TaskOptions

_Weight = Annotated[float, pydantic.Field(gt=0)]
_NAMED = 6


class BalanceOptions(TaskOptions):
    """What a recipe may say of classes that are rarer than others.

    Args:
        class_weights: dictionary from a class' name to how much the losses of its objects (of its
            pixels, of its pictures) count, 1 for those that are left out; or `"balanced"`, all
            objects over those of the class and over the number of classes, so that each class
            counts as much as another and the mean over all objects stays 1. None leaves all at 1.
        repeat_threshold: share of the pictures; those that show a class which fewer of them show
            are repeated, by the root of this share over the class' (LVIS, arXiv:1908.03195,
            appendix B). None shows all alike.
    """

    class_weights: dict[str, _Weight] | Literal["balanced"] | None = None
    repeat_threshold: Annotated[float, pydantic.Field(gt=0, le=1)] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class ClassAmounts:
    """How much of which class is on which picture.

    Args:
        images: int `(n,)`, positions of records.
        classes: int `(n,)`, class indices.
        amounts: int `(n,)`, objects, pixels, or pictures.
    """

    images: np.ndarray
    classes: np.ndarray
    amounts: np.ndarray

    @classmethod
    def of_counts(cls, counts: np.ndarray) -> "ClassAmounts":
        """Of a table `(images, classes)`."""
        images, classes = np.nonzero(counts)
        return cls(images, classes, counts[images, classes])

    @classmethod
    def of_objects(cls, record_set: RecordSet) -> "ClassAmounts":
        """Of the objects of a data set, one each; crowds are left out."""
        lengths, _, classes, is_crowd = object_arrays(record_set.records)
        real = ~np.asarray(is_crowd)
        images = np.repeat(np.arange(len(lengths)), lengths)[real]
        return cls(images, np.asarray(classes)[real], np.ones(len(images), int))


def balanced_weights(amounts: ClassAmounts, num_classes: int) -> np.ndarray:
    """The weight of each class with which all classes count alike, float64 `(classes,)`.

    A class that is nowhere has the weight 1.
    """
    totals = np.bincount(amounts.classes, amounts.amounts, num_classes)
    present = totals > 0
    weights = np.ones(num_classes)
    weights[present] = totals.sum() / (present.sum() * totals[present])
    return weights


def repeat_factors(
    amounts: ClassAmounts, images: int, num_classes: int, threshold: float
) -> np.ndarray:
    """How often each picture is shown in the time in which one without rare classes is shown once.

    `max(1, sqrt(threshold / share))` for a class that this share of the pictures shows; a picture
    goes by the rarest of its classes.

    Args:
        amounts: `ClassAmounts`.
        images: number of pictures.
        num_classes: number of classes.
        threshold: share of the pictures below which a class is rare.

    Returns:
        float64 `(images,)`.
    """
    pairs = np.unique(np.stack([amounts.images, amounts.classes]), axis=1)
    share = np.bincount(pairs[1], minlength=num_classes) / max(images, 1)
    of_class = np.ones(num_classes)
    of_class[share > 0] = np.maximum(1.0, np.sqrt(threshold / share[share > 0]))
    factors = np.ones(images)
    np.maximum.at(factors, pairs[0], of_class[pairs[1]])
    return factors


def pick_class_weights(
    options: Any, amounts: ClassAmounts, class_names: tuple[str, ...], source: str
) -> tuple[dict[str, Any], list[str]]:
    """The weights of all classes, by name and in their order, where a recipe says anything of them.

    Args:
        options: `BalanceOptions`.
        amounts: `ClassAmounts` of the training data.
        class_names: tuple of class names.
        source: what the training data are, for messages.

    Returns:
        Pair of the changes of the options, and a list of lines that say what was picked.

    Raises:
        RecipeError: if there is no class of a name.
    """
    given = options.class_weights
    if given == "balanced":
        weights = balanced_weights(amounts, len(class_names)).tolist()
        picked = {n: float(f"{w:.4g}") for n, w in zip(class_names, weights, strict=True)}
        named = [f"{name} {weight:g}" for name, weight in picked.items()]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        said = f"class weights: {', '.join(named[:_NAMED])}{more}; each class counts alike."
        return {"class_weights": picked}, [said]
    unknown = [name for name in given if name not in class_names]
    if unknown:
        raise RecipeError(
            f"class_weights: {source} has no class {unknown[0]!r}; it has "
            f"{', '.join(class_names[:20])}{', ...' if len(class_names) > 20 else ''}."
        )
    return {"class_weights": {name: given.get(name, 1.0) for name in class_names}}, []


def class_weights_of(options: BalanceOptions) -> list[float] | None:
    """The weights that `pick_class_weights` has put in order, or None."""
    weights = options.class_weights
    if isinstance(weights, str):
        raise RecipeError(f"class_weights={weights}: is picked from the training data first.")
    return None if weights is None else list(weights.values())


def describe_repeats(factors: np.ndarray) -> str:
    """A line that says how often which pictures are shown."""
    repeated = factors > 1
    if not repeated.any():
        return "no repeats: no class is as rare as repeat_threshold says."
    return (
        f"repeats: {repeated.sum():,} of {len(factors):,} pictures show a rare class and are shown "
        f"up to {factors.max():.1f} times as often, so that they are "
        f"{factors[repeated].sum() / factors.sum():.0%} of what is shown."
    )

"""keras-cv's focal loss in fewer operations."""

from typing import Any

import keras_cv
from keras import ops

_SMALLEST = 1e-30
"""Below it a probability is zero here, so that no gradient of a root is infinite."""


class FocalLoss(keras_cv.losses.FocalLoss):
    """The focal loss (arXiv:1708.02002) of logits against targets that are 0 or 1.

    Value and gradient are those of `keras_cv.losses.FocalLoss(from_logits=True)`. With `z` the
    logit of the wrong answer it is `sigmoid(z)**gamma * softplus(z)`, which needs no probability
    to be taken back to a logit, and no power where gamma is 1.5 or 2.

    Args:
        **kwargs: arguments of `keras_cv.losses.FocalLoss`, without `from_logits` and
            `label_smoothing`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(from_logits=True, **kwargs)

    @classmethod
    def instead_of(cls, loss: Any) -> Any:
        """The same loss as one of these where it is such a loss of keras-cv, otherwise itself."""
        if type(loss) is not keras_cv.losses.FocalLoss or loss.label_smoothing:
            return loss
        return cls(
            alpha=loss.alpha,
            gamma=loss.gamma,
            name=loss.name,
            reduction=loss.reduction,
            dtype=loss.dtype,
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        positive = ops.equal(y_true, 1.0)
        wrong = ops.where(positive, -y_pred, y_pred)
        weights = ops.where(positive, self.alpha, 1.0 - self.alpha)
        losses = weights * _power(ops.sigmoid(wrong), self.gamma) * ops.softplus(wrong)
        return ops.sum(losses, axis=-1)


def _power(x, exponent):
    if exponent == 1.5:
        return x * ops.sqrt(ops.maximum(x, _SMALLEST))
    return ops.square(x) if exponent == 2.0 else ops.power(x, exponent)

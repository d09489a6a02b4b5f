"""The region proposal network of Mask R-CNN with separable convolutions (4.1, Table 2)."""

from typing import Any

from keras_effspine.networks.operations import Operations


def region_proposal_head(
    pyramid: dict[str, Any], num_layers: int, anchors: int, operations: Operations
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Objectness and box differences at each place of a pyramid.

    `num_layers` times a separable 3x3 convolution with bias, whose weights all levels share, batch
    normalisation for each level of its own, and activation; then separable 1x1 predictions, as in
    the public SpineNet code.

    Args:
        pyramid: dictionary from level name to `(batch, height, width, channels)`.
        num_layers: number of layers before the predictions.
        anchors: number of anchors at a place.
        operations: `Operations`.

    Returns:
        Pair of dictionaries from level name to logits `(batch, height, width, anchors)`, and to
        differences `(batch, height, width, anchors * 4)`.
    """
    features = dict(pyramid)
    width = next(iter(features.values())).shape[-1]
    for index in range(1, num_layers + 1):
        shared = operations.separable(width, f"rpn_layer{index}_conv")
        features = {
            level: operations.normalize(
                shared(x), f"rpn_layer{index}_{level.lower()}", activate=True
            )
            for level, x in features.items()
        }

    def predicted(values: int, name: str) -> dict[str, Any]:
        layer = operations.separable(values, name, kernel_size=1, is_prediction=True)
        return {level: layer(x) for level, x in features.items()}

    return predicted(anchors, "rpn_objectness"), predicted(anchors * 4, "rpn_box")

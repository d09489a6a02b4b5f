"""Mask R-CNN (arXiv:1703.06870) as two graphs on the same layers: prediction and training."""

from typing import Any

from keras import layers

from keras_effspine.layers.class_selection import ClassSelection
from keras_effspine.layers.mask_targets import MaskTargets
from keras_effspine.layers.region_detections import RegionDetections
from keras_effspine.layers.region_layer import JoinRegions, PartRegions
from keras_effspine.layers.region_proposals import RegionProposals
from keras_effspine.layers.region_sampler import RegionSampler
from keras_effspine.layers.region_targets import RegionTargets
from keras_effspine.layers.roi_align import RoiAlign
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.region_proposal_head import region_proposal_head
from keras_effspine.networks.retinanet_head import concatenate_levels
from keras_effspine.networks.roi_heads import (
    BOX_CROP_SIZE,
    MASK_CROP_SIZE,
    MASK_SIZE,
    box_head,
    mask_head,
)
from keras_effspine.topology.pyramid import ANCHOR_RATIOS, ANCHOR_SIZE_OVER_STRIDE, LEVELS

BOX_HEAD_LAYERS = MASK_HEAD_LAYERS = 3
"""Convolutions of the second stage's heads (Table 2)."""

_ANCHORS = (LEVELS, ANCHOR_SIZE_OVER_STRIDE, ANCHOR_RATIOS)
"""Of one scale, where RetinaNet has three."""


class MaskRCNNNetwork:
    """The layers of a Mask R-CNN on a pyramid.

    Args:
        images: the network's input `(batch, height, width, 3)`.
        pyramid: dictionary from level name to `(batch, height, width, channels)`, P3 to P7.
        num_classes: number of classes without the background.
        rpn_layers: number of the first stage's convolutions.
        dense_width: width of the box head's dense layer.
        operations: `Operations`.
        canonical_size: see `roi_align`.
        detections: `RegionDetections`.
        num_proposals: number of regions that the first stage hands on.
    """

    def __init__(
        self,
        images: Any,
        pyramid: dict[str, Any],
        num_classes: int,
        rpn_layers: int,
        dense_width: int,
        operations: Operations,
        canonical_size: float,
        detections: RegionDetections,
        num_proposals: int,
    ) -> None:
        self.images = images
        self.maps = list(pyramid.values())
        width = self.maps[0].shape[-1]
        objectness, deltas = region_proposal_head(
            pyramid, rpn_layers, len(ANCHOR_RATIOS), operations
        )
        self.objectness = concatenate_levels(objectness, 1, "rpn_objectness_logits")
        self.deltas = concatenate_levels(deltas, 4, "rpn_deltas")
        self.proposals = RegionProposals(*_ANCHORS, num_proposals, name="proposals")(
            self.objectness, self.deltas, images
        )
        with_background = num_classes + 1
        self.box_head = box_head(width, BOX_HEAD_LAYERS, dense_width, with_background, operations)
        self.mask_head = mask_head(width, MASK_HEAD_LAYERS, with_background, operations)
        self.detections = detections
        self.canonical_size = canonical_size

    def predict(self) -> dict[str, Any]:
        """The prediction's outputs: see `RegionDetections`, and `"masks"`, probabilities of it.

        `(batch, detections, 28, 28)`, of each detection what lies in its box.
        """
        found = self._on_regions(self.box_head, self.proposals, BOX_CROP_SIZE, "box")
        detections = self.detections(
            self.proposals, found["classification"], found["box"], self.images
        )
        masks = self._on_regions(self.mask_head, detections["boxes"], MASK_CROP_SIZE, "mask")
        masks = ClassSelection(has_background=True, name="masks_of_classes")(
            masks, detections["classes"]
        )
        masks = layers.Activation("sigmoid", dtype="float32", name="masks")(masks)
        return {**detections, "masks": masks}

    def train(
        self, sampled_anchors: int, sampled_regions: int, boxes: Any, classes: Any, masks: Any
    ) -> dict[str, dict[str, Any]]:
        """The training's outputs.

        Args:
            sampled_anchors, sampled_regions: what each stage learns from of an image.
            boxes: `(batch, boxes, 4)`, yxyx in pixels.
            classes: `(batch, boxes)`, -1 where there is no object.
            masks: `(batch, boxes, rows, columns)`: see `MaskTargets`.

        Returns:
            Dictionary from a loss' name to one of `"true"`, `"predicted"`, and `"weight"`, 1 for
            what is learnt from and 0 for what is not.
        """
        first = RegionTargets(*_ANCHORS, sampled_anchors, name="rpn_targets")(
            self.images, boxes, classes
        )
        sampler = RegionSampler(sampled_regions, name="region_sampler")
        second = sampler(self.proposals, boxes, classes)
        found = self._on_regions(self.box_head, second["regions"], BOX_CROP_SIZE, "train_box")
        kept = sampler.most_foreground
        regions, matched, wanted, foreground = (
            second[name][:, :kept] for name in ("regions", "matched", "classes", "foreground")
        )
        targets = MaskTargets(MASK_SIZE, name="mask_targets")(regions, matched, boxes, masks)
        logits = self._on_regions(self.mask_head, regions, MASK_CROP_SIZE, "train_mask")
        return {
            "rpn_objectness": {
                "true": first["objectness"],
                "predicted": self.objectness,
                "weight": first["sampled"],
            },
            "rpn_box": {
                "true": first["deltas"],
                "predicted": self.deltas,
                "weight": first["positive"],
            },
            "classification": {
                "true": second["classes"],
                "predicted": found["classification"],
                "weight": second["sampled"],
            },
            "box": {
                "true": second["deltas"],
                "predicted": ClassSelection(values=4, name="deltas_of_classes")(
                    found["box"], second["classes"]
                ),
                "weight": second["foreground"],
            },
            "mask": {
                "true": targets["masks"],
                "predicted": ClassSelection(name="train_masks_of_classes")(logits, wanted),
                "weight": foreground * targets["known"],
            },
        }

    def _on_regions(self, head: Any, regions: Any, size: int, name: str) -> Any:
        """A head's outputs for the crops of some regions `(batch, regions, 4)`."""
        align = RoiAlign(size, LEVELS, self.canonical_size, name=f"{name}_crops")
        crops = align(self.maps, regions)
        outputs = head(JoinRegions(name=f"{name}_join")(crops))
        if not isinstance(outputs, dict):
            return PartRegions(regions.shape[1], name=f"{name}_part")(outputs)
        return {
            key: PartRegions(regions.shape[1], name=f"{name}_part_{key}")(value)
            for key, value in outputs.items()
        }

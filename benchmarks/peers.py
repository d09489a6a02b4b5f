"""Detectors of this package, and keras-cv's beside them, with random weights."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import keras_cv

import keras_effspine

BATCH_NORM_MOMENTUM = 0.9

# keras-cv's own configurations, built by hand: its presets load weights from the network.
PEERS = {
    "keras_cv_mobilenet_v3_small": lambda: keras_cv.models.MobileNetV3Backbone(
        stackwise_expansion=[1, 72.0 / 16, 88.0 / 24, 4, 6, 6, 3, 3, 6, 6, 6],
        stackwise_filters=[16, 24, 24, 40, 40, 40, 48, 48, 96, 96, 96],
        stackwise_kernel_size=[3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5],
        stackwise_stride=[2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1],
        stackwise_se_ratio=[0.25, None, None] + [0.25] * 8,
        stackwise_activation=["relu"] * 3 + ["hard_swish"] * 8,
        include_rescaling=True,
    ),
    "keras_cv_efficientnet_lite_b0": lambda: keras_cv.models.EfficientNetLiteBackbone(
        stackwise_kernel_sizes=[3, 3, 5, 3, 5, 5, 3],
        stackwise_num_repeats=[1, 2, 2, 3, 3, 4, 1],
        stackwise_input_filters=[32, 16, 24, 40, 80, 112, 192],
        stackwise_output_filters=[16, 24, 40, 80, 112, 192, 320],
        stackwise_expansion_ratios=[1, 6, 6, 6, 6, 6, 6],
        stackwise_strides=[1, 2, 2, 2, 1, 2, 1],
        width_coefficient=1.0,
        depth_coefficient=1.0,
        include_rescaling=True,
    ),
}


class Peer(keras_cv.models.RetinaNet):
    """keras-cv's RetinaNet, which cannot decode the predictions of `predict_on_batch` itself."""

    def predict_step(self, data):
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.decode_predictions(self(images, training=False), images)


def build(name, num_classes):
    """A preset or one of `PEERS`: random weights, this package's anchors, boxes in xyxy."""
    if not name.startswith("keras_cv_"):
        backbone = keras_effspine.EffSpineNetBackbone.from_preset(
            name, load_weights=False, batch_norm_momentum=BATCH_NORM_MOMENTUM
        )
        return keras_effspine.RetinaNet(
            backbone=backbone, num_classes=num_classes, bounding_box_format="xyxy"
        )
    backbone = PEERS[name]()
    model = Peer(
        backbone=backbone,
        num_classes=num_classes,
        bounding_box_format="xyxy",
        anchor_generator=keras_effspine.RetinaNet.default_anchor_generator("xyxy"),
        prediction_decoder=keras_cv.layers.MultiClassNonMaxSuppression(
            bounding_box_format="xyxy", from_logits=True, confidence_threshold=0.01
        ),
    )
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return model

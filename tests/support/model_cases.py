"""The task models that shared tests run with, each on a tiny backbone; on any Keras backend."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import keras_cv
import numpy as np
from keras_cv.src.models.task import Task

from keras_effspine import ImageClassifier, MaskRCNN, RetinaNet, SemanticSegmenter
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.networks.mb_conv import mb_conv
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.resample import resample


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class TinyBackbone(keras_cv.models.Backbone):
    """A backbone of seven convolutions with the levels P2 to P7."""

    def __init__(self, width=8, input_shape=(None, None, 3), **kwargs):
        inputs = keras.Input(input_shape)
        x = keras.layers.Rescaling(1 / 128, -1.0, name="rescaling")(inputs)
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", name="stem")(x)
        levels = {}
        for level in range(2, 8):
            name = f"level{level}"
            x = keras.layers.Conv2D(width, 3, 2, "same", activation="relu", name=name)(x)
            levels[f"P{level}"] = name
        super().__init__(inputs=inputs, outputs=x, **kwargs)
        self.pyramid_level_inputs = levels
        self.width = width

    def get_config(self):
        shape = list(self.input_shape[1:])
        return {**super().get_config(), "width": self.width, "input_shape": shape}


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class OneConvolution(keras_cv.models.Backbone):
    """One convolution at output stride 8."""

    def __init__(self, **kwargs):
        inputs = keras.Input((None, None, 3))
        x = keras.layers.Rescaling(1 / 128, -1.0)(inputs)
        x = keras.layers.Conv2D(8, 8, strides=8, padding="same", activation="tanh", name="conv")(x)
        super().__init__(inputs=inputs, outputs=x, **kwargs)

    def get_config(self):
        return {"name": self.name}


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class EachLayer(keras_cv.models.Backbone):
    """P3 to P7 with each kind of layer that Eff-SpineNet has; JAX takes a minute for all of it."""

    def __init__(self, **kwargs):
        operations, images = Operations(), keras.Input((64, 64, 3))
        x = keras.layers.Rescaling(1 / 128, -1.0)(images)
        x = operations.convolution(x, 8, "stem", kernel_size=8, strides=8)
        down = resample(x, images, 3, 5, 8, operations, "down")
        up = resample(down, images, 5, 3, 8, operations, "up")
        x = operations.activate(WeightedFusion(name="fusion")([x, up]), "fusion")
        x = mb_conv(x, 8, operations, "p3", squeeze_excitation_width=2, drop_rate=0.2)
        names = {"P3": "p3_add"}
        for level in range(4, 8):
            names[f"P{level}"] = f"p{level}"
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"p{level}")(x)
        super().__init__(inputs=images, outputs=x, **kwargs)
        self.pyramid_level_inputs = names

    def get_config(self):
        return {"name": self.name}


@dataclasses.dataclass(frozen=True)
class ModelCase:
    """A task's model as the tests build, compile and feed it."""

    cls: type[keras.Model]
    keras_cv_class: type[keras.Model]
    backbone: Callable[[], keras.Model]
    arguments: dict[str, Any]
    """Of the constructor, beside the backbone."""
    other_arguments: dict[str, Any]
    """Values that are neither the default nor those of `arguments`."""
    compile_arguments: dict[str, Any]
    labels: Any
    """Of `IMAGES`; how much a picture holds differs, down to nothing."""

    def build(self, seed: int = 0, **changes: Any) -> keras.Model:
        """The same weights whenever it is called with the same seed."""
        keras.utils.set_random_seed(seed)
        backbone = changes.pop("backbone", None) or self.backbone()
        return self.cls(backbone, **{**self.arguments, **changes})

    def compiled(self, model: keras.Model, **changes: Any) -> keras.Model:
        optimizer = keras.optimizers.SGD(0.05, momentum=0.9, global_clipnorm=10.0)
        model.compile(**{"optimizer": optimizer, **self.compile_arguments, **changes})
        return model


_random = np.random.default_rng(0)
IMAGES = _random.uniform(0, 255, (4, 64, 64, 3)).astype("float32")

_boxes, _classes = np.full((4, 3, 4), -1.0, "float32"), np.full((4, 3), -1.0, "float32")
for _row, _count in enumerate((3, 3, 1, 0)):
    _boxes[_row, :_count, :2] = _random.uniform(0, 30, (_count, 2))
    _boxes[_row, :_count, 2:] = _random.uniform(8, 30, (_count, 2))
    _classes[_row, :_count] = _random.integers(0, 3, _count)

_map = _random.integers(0, 3, (4, 64, 64)).astype("uint8")
for _row, _count in enumerate((64, 40, 6, 0)):
    _map[_row, _count:] = 255

CASES = {
    "detection": ModelCase(
        RetinaNet,
        keras_cv.models.RetinaNet,
        TinyBackbone,
        {"num_classes": 3, "bounding_box_format": "xywh", "head_layers": 1},
        {
            "num_classes": 5,
            "bounding_box_format": "rel_yxyx",
            "head_layers": 2,
            "shared_subnet": True,
        },
        {"classification_loss": "focal", "box_loss": "smoothl1"},
        {"boxes": _boxes, "classes": _classes},
    ),
    "classification": ModelCase(
        ImageClassifier,
        keras_cv.models.ImageClassifier,
        TinyBackbone,
        {"num_classes": 3},
        {"num_classes": 5, "pooling": "max", "activation": None, "dropout_rate": 0.3},
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "jit_compile": False},
        np.array([0, 1, 2, 1]),
    ),
    "segmentation": ModelCase(
        SemanticSegmenter,
        Task,
        OneConvolution,
        {"num_classes": 3, "head_layers": 1},
        {
            **{"num_classes": 5, "head_layers": 2},
            **{"decoder": "deeplab_v3", "atrous_rates": [2], "decoder_width": 8},
        },
        {"metrics": ["accuracy"]},
        _map,
    ),
    "instances": ModelCase(
        MaskRCNN,
        Task,
        TinyBackbone,
        {
            "num_classes": 3,
            "bounding_box_format": "xywh",
            "dense_width": 8,
            "num_proposals": 20,
            "sampled_regions": 32,
        },
        {
            "num_classes": 5,
            "bounding_box_format": "rel_yxyx",
            "rpn_layers": 2,
            "dense_width": 4,
            "canonical_size": 100.0,
            "score_threshold": 0.2,
            "iou_threshold": 0.4,
            "max_detections": 7,
            "num_proposals": 30,
            "sampled_anchors": 32,
            "sampled_regions": 16,
        },
        {},
        {
            "boxes": _boxes,
            "classes": _classes,
            "masks": _random.integers(0, 2, (4, 3, 16, 16)).astype("uint8"),
        },
    ),
}

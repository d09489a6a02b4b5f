"""Efficient scale-permuted backbones (Eff-SpineNet) and their tasks for Keras.

Names are imported when they are first used (PEP 562), so that the command line answers at once and
the networks can be imported where TensorFlow or keras-cv is absent.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "ClassProbabilities": "keras_effspine.results.class_probabilities",
    "DataSet": "keras_effspine.workflow.data_set",
    "Detections": "keras_effspine.results.detections",
    "EffSpineNetBackbone": "keras_effspine.models.eff_spinenet_backbone",
    "ImageClassifier": "keras_effspine.models.image_classifier",
    "LabelMap": "keras_effspine.results.label_map",
    "MaskRCNN": "keras_effspine.models.mask_rcnn",
    "ModelFile": "keras_effspine.runners.model_file",
    "Predictions": "keras_effspine.results.predictions",
    "Predictor": "keras_effspine.workflow.predictor",
    "RetinaNet": "keras_effspine.models.retinanet",
    "ScaleDecreasedBackbone": "keras_effspine.models.scale_decreased_backbone",
    "Run": "keras_effspine.workflow.run",
    "SemanticSegmenter": "keras_effspine.models.semantic_segmenter",
    "SpineNetBackbone": "keras_effspine.models.spinenet_backbone",
    "annotate_video": "keras_effspine.workflow.annotated_video",
    "batches": "keras_effspine.workflow.batches",
    "export": "keras_effspine.exporting.export",
    "grow_preset": "keras_effspine.models.grown_preset",
    "grow_weights": "keras_effspine.models.growing",
    "load_data": "keras_effspine.workflow.load_data",
    "load_predictor": "keras_effspine.workflow.load_predictor",
    "load_model": "keras_effspine.pretrained.saved_model",
    "predict_video": "keras_effspine.workflow.predicted_video",
    "search": "keras_effspine.searching.search",
    "train": "keras_effspine.workflow.train",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'keras_effspine' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

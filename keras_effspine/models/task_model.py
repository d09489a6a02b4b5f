"""What the models of all tasks have in common."""

import os
from collections.abc import Mapping
from typing import Any, Self

import keras
from keras_cv.src.models.task import Task

from keras_effspine.models.checked_batches import CheckedBatches
from keras_effspine.models.dtype_policies import dtype_config, dtype_policy_scope
from keras_effspine.models.from_preset import task_from_preset
from keras_effspine.models.inference_model import (
    InferenceModel,
    finished_step,
    fused_for_inference,
)
from keras_effspine.models.picture_results import PictureResults
from keras_effspine.networks.operations import Operations
from keras_effspine.pretrained.preset_saving import PresetSaving
from keras_effspine.pretrained.shipped import BACKBONES, keras_cv_presets


class TaskModel(PictureResults, CheckedBatches, PresetSaving):
    """A functional model on a backbone's inputs: its config, its files, and its first step.

    A task's class derives from this one and from keras-cv's class of the task, or from its `Task`,
    in this order. No method here hands a call on to one that keras-cv overrides: what is not said
    here is Keras' own.

    A model keeps the precision that it was built with (in float32 it takes on the one that it is
    loaded under) and its frozen layers. A model that is loaded is compiled as it was, and trains on
    with its optimizer's state.

    Args:
        backbone: model on whose inputs the outputs depend.
        outputs: the model's outputs, of any structure.
        **kwargs: `name` and `trainable`.

    """

    config_arguments: tuple[str, ...] = ()
    """Names of the constructor's arguments, which are attributes as well."""

    class_prediction_layers: tuple[str, ...] = ()
    """Layers whose weights mean particular classes, and so start anew for others."""

    preset_classes: tuple[str, ...] = (*BACKBONES, "RetinaNet")
    """Names of the classes whose presets the model is made from, beside its own."""

    preset_task = "detection"
    """The task whose input sizes `presets` names."""

    backbone_presets = keras_cv_presets(*BACKBONES)
    presets: dict[str, dict[str, Any]]
    presets_with_weights: dict[str, dict[str, Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super(Task, cls).__init_subclass__(**kwargs)  # keras-cv's would wrap `from_preset`
        names, task = (*cls.preset_classes, cls.__name__), cls.preset_task
        cls.presets = keras_cv_presets(*names, task=task)
        cls.presets_with_weights = keras_cv_presets(*names, with_weights=True, task=task)

    def __init__(self, backbone: keras.Model, outputs: Any, **kwargs: Any) -> None:
        # The constructors of keras-cv's classes build graphs of their own.
        Task.__init__(self, inputs=backbone.inputs[0], outputs=outputs, **kwargs)
        self.backbone = backbone

    @property
    def loss_outputs(self) -> Any:
        """The symbolic outputs, in their structure, that the losses are given."""
        return self.output

    @property
    def training_graph(self) -> keras.Model:
        """The functional model that a training step calls, on all that `training_inputs` gives."""
        return self

    def training_inputs(self, data: Any) -> tuple[Any, tuple[Any, Any, Any]]:
        """What a step's batch is to `training_graph`, and as images, labels and weights.

        Args:
            data: a batch as `fit` hands it to `train_step`.
        """
        batch = self._checked_batch(data)
        images = batch[0]
        if isinstance(images, dict):
            return [images[x.name] for x in self.training_graph.inputs], batch
        return images, batch

    def finish_predictions(self, outputs: Any, images: Any) -> Any:
        """What `predict` makes of the outputs; by default it leaves them.

        Args:
            outputs: the model's outputs.
            images: the images that they are of, read for their shape.
        """
        return outputs

    def predict_step(self, *args: Any) -> Any:
        return finished_step(self, *args)

    def fuse_for_inference(
        self, image_shape: tuple[int | None, ...] | None = None
    ) -> InferenceModel:
        """The model as it is needed to predict: the same outputs in fewer operations.

        Batch normalisation and the weights of fusions become part of the convolutions, and what
        acts in training alone is gone. Weights are copied as they are now.

        Args:
            image_shape: `(height, width, 3)` to fix the images' size; None leaves it as it is.

        Returns:
            `InferenceModel` with the inputs and outputs of this one, in its precision, and with its
            `predict`. Outputs differ by rounding (less than 1e-4 in float32).
        """
        return fused_for_inference(self, self.finish_predictions, image_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            **{
                name: keras.saving.serialize_keras_object(getattr(self, name))
                for name in self.config_arguments
            },
            **dtype_config(self),
            **_frozen_config(self),
            **_pictures_config(self),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        config = dict(config)
        frozen = config.pop("frozen_layers", ())
        class_names, image_size = (config.pop(k, None) for k in ("class_names", "image_size"))
        with dtype_policy_scope(config.pop("dtype", None)):
            model = cls(
                **{
                    name: keras.saving.deserialize_keras_object(value)
                    if isinstance(value, dict)
                    else value  # an argument as a caller gives it, such as a layer
                    for name, value in config.items()
                }
            )
        for name in frozen:
            model.get_layer(name).trainable = False
        # A config with another number of classes is that of another model.
        if class_names is not None and len(class_names) == model.num_classes:
            model.class_names = tuple(class_names)
        model.image_size = image_size
        return model

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        load_weights: bool | None = None,
        input_shape: tuple | None = None,
        **kwargs: Any,
    ) -> Self:
        """Makes a model from a preset.

        A backbone's preset, or that of another task, gives new subnets. Of a preset of the class
        all weights are kept that fit: with another `num_classes` all but the predictions of
        classes. A warning says what starts anew.

        Args:
            preset: name of a preset (see `presets` of the class); path of a preset folder; a
                `kaggle://`, `gs://` or `hf://` handle; or `https://host/file.zip#sha256=HEX`.
            load_weights: whether to load trained weights; None loads them where the preset has any,
                and otherwise says once that it has none.
            input_shape: optional `(height, width, 3)`.
            **kwargs: constructor arguments, which go before the preset's. Those without a default,
                such as `num_classes`, are required where the preset is not the class' own.

        Raises:
            PresetError: a `ValueError`, if the preset is unknown, broken or of a class without a
                backbone, or if weights are asked for and it has none.
        """
        return task_from_preset(cls, preset, load_weights, input_shape, **kwargs)

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        # Keras leaves a model uncompiled whose compile() is not its own.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def load_weights(self, filepath: Any, **kwargs: Any) -> None:
        """As in Keras; of a compiled model the optimizer's state is loaded too.

        Keras skips the state of an optimizer that has no variables yet, without a word.
        """
        if self.compiled and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        keras.Model.load_weights(self, filepath, **kwargs)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Makes the variables of optimizer, losses and metrics before a step is traced.

        Keras on TensorFlow does so under a strategy alone, with a batch that it takes out of the
        data and a trace of the model. Else it leaves it to the first step to make them, and
        TensorFlow traces a function anew that has made variables: half a minute for a step of these
        networks. The model's symbolic outputs and the shapes of labels are all that it takes. (On
        JAX, Keras builds by itself.)
        """
        batch = data_batch if iterator is None else iterator._distributed_dataset.element_spec
        _, labels, _ = keras.utils.unpack_x_y_sample_weight(batch)
        labels = keras.tree.map_structure(_of_one_replica, labels)
        losses, metrics = self._compile_loss, self._compile_metrics
        with self.distribute_strategy.scope():
            if losses is not None and not losses.built:
                losses.build(self.loss_outputs, self.loss_outputs)
            if metrics is not None and not metrics.built and _has_known_ranks(labels):
                metrics.build(labels, self.output)
            if self.optimizer is not None and not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)


def _of_one_replica(spec: Any) -> Any:
    return getattr(spec, "_value_specs", (spec,))[0]


def _has_known_ranks(labels: Any) -> bool:
    shapes = [getattr(label, "shape", None) for label in keras.tree.flatten(labels)]
    return all(shape is not None and getattr(shape, "rank", 0) is not None for shape in shapes)


def _frozen_config(model: keras.Model) -> dict[str, list[str]]:
    """The entry of a model's config that names its layers that do not learn.

    Without it a compiled model would be loaded with an optimizer for other weights than were
    trained.
    """
    names = [layer.name for layer in model.layers if layer.weights and not layer.trainable]
    return {"frozen_layers": names} if names and model.trainable else {}


def _pictures_config(model: PictureResults) -> dict[str, Any]:
    """The entries of a model's config by which it answers in names; see `PictureResults`."""
    names = None if model.class_names is None else list(model.class_names)
    known = {"class_names": names, "image_size": model.image_size}
    return {name: value for name, value in known.items() if value is not None}


def operations_of(backbone: keras.Model) -> Operations:
    """What subnets take over of their backbone; Eff-SpineNet's values where it says nothing."""
    defaults = Operations()
    names = ("activation", "batch_norm_momentum", "batch_norm_epsilon", "normalization")
    return Operations(**{name: getattr(backbone, name, getattr(defaults, name)) for name in names})

"""How the tasks' models are written down and made again."""

import keras

from keras_effspine.models.dtype_policies import dtype_config, dtype_policy_scope
from keras_effspine.models.frozen_layers import freeze_layers, frozen_config


class TaskConfig:
    """Gives a model `get_config` and `from_config`, with its precision and its frozen layers.

    A model that is loaded is compiled as it was, and trains on with its optimizer's state.
    """

    config_arguments = ()
    """Names of the constructor's arguments, which are attributes as well."""

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            **{
                name: keras.saving.serialize_keras_object(getattr(self, name))
                for name in self.config_arguments
            },
            **dtype_config(self),
            **frozen_config(self),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        frozen = config.pop("frozen_layers", ())
        with dtype_policy_scope(config.pop("dtype", None)):
            model = cls(
                **{
                    name: keras.saving.deserialize_keras_object(value)
                    if isinstance(value, dict)
                    else value  # an argument as a caller gives it, such as a layer
                    for name, value in config.items()
                }
            )
        freeze_layers(model, frozen)
        return model

    def compile_from_config(self, config):
        # Keras leaves a model uncompiled whose compile() is not its own.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def load_weights(self, filepath, **kwargs):
        """As in Keras; of a compiled model the optimizer's state is loaded too.

        Keras skips the state of an optimizer that has no variables yet, without a word.
        """
        if self.compiled and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        super().load_weights(filepath, **kwargs)

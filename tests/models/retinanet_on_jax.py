"""Trains, predicts, saves and loads a small detector with Keras on JAX, and prints it as JSON.

A program of its own, since Keras' backend is chosen before Keras is imported. The argument is a
folder to write to.
"""

import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import keras_cv
import numpy as np

from keras_effspine import RetinaNet, load_model
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.networks.mb_conv import mb_conv
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.resample import resample


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class SmallBackbone(keras_cv.models.Backbone):
    """P3 to P7 with each kind of layer that Eff-SpineNet has; JAX takes a minute for all of it."""

    def __init__(self, **kwargs):
        operations, images = Operations(), keras.Input((64, 64, 3))
        x = keras.layers.Rescaling(1 / 128, -1.0)(images)
        x = operations.convolution(x, 8, "stem", kernel_size=8, strides=8)
        down = resample(x, images, 3, 5, 8, operations, "down")
        up = resample(down, images, 5, 3, 8, operations, "up")
        x = operations.activate(WeightedFusion(name="fusion")([x, up]), "fusion")
        x = mb_conv(x, 8, operations, "p3", drop_rate=0.2)
        names = {"P3": "p3_add"}
        for level in range(4, 8):
            names[f"P{level}"] = f"p{level}"
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"p{level}")(x)
        super().__init__(inputs=images, outputs=x, **kwargs)
        self.pyramid_level_inputs = names

    def get_config(self):
        return {"name": self.name}


keras.utils.set_random_seed(0)
model = RetinaNet(SmallBackbone(), 3, "xywh", head_layers=1)
model.compile(
    optimizer=keras.optimizers.SGD(0.05, momentum=0.9, global_clipnorm=10.0),
    classification_loss="focal",
    box_loss="smoothl1",
)
images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
boxes = [[[10, 10, 30, 30], [20, 5, 24, 50]], [[0, 0, 60, 40], [-1, -1, -1, -1]]]
labels = {
    "boxes": np.array(boxes, "float32"),
    "classes": np.array([[1, 0], [2, -1]], "float32"),
}
history = model.fit(images, labels, epochs=4, verbose=0).history
predictions = model.predict(images, verbose=0)
file = pathlib.Path(sys.argv[1]) / "model.keras"
model.save(file)
loaded = load_model(file)
again = loaded.predict_on_batch(images)
print(
    json.dumps(
        {
            "backend": keras.backend.backend(),
            "loss": history["loss"],
            "evaluated": model.evaluate(images, labels, verbose=0, return_dict=True),
            "shapes": {name: list(np.shape(value)) for name, value in predictions.items()},
            "detections": np.asarray(predictions["num_detections"]).tolist(),
            "difference_after_loading": max(
                float(np.abs(np.asarray(again[name]) - np.asarray(value)).max())
                for name, value in predictions.items()
            ),
            "steps_after_loading": int(loaded.optimizer.iterations),
        }
    )
)

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
import numpy as np

from keras_effspine import EffSpineNetBackbone, RetinaNet, load_model

keras.utils.set_random_seed(0)
backbone = EffSpineNetBackbone(
    width_multiplier=0.1, endpoint_width=8, stochastic_depth_rate=0.1, input_shape=(64, 64, 3)
)
model = RetinaNet(backbone, 3, "xywh", head_layers=1)
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9, global_clipnorm=10.0),
    classification_loss="focal",
    box_loss="smoothl1",
)
images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
boxes = [[[10, 10, 30, 30], [20, 5, 24, 50]], [[0, 0, 60, 40], [-1, -1, -1, -1]]]
labels = {
    "boxes": np.array(boxes, "float32"),
    "classes": np.array([[1, 0], [2, -1]], "float32"),
}
history = model.fit(images, labels, epochs=3, verbose=0).history
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
                float(np.abs(np.asarray(again[name]) - value).max())
                for name, value in predictions.items()
            ),
            "continued": loaded.fit(images, labels, verbose=0).history["loss"],
        }
    )
)

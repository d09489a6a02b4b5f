"""Train a small detector with plain Keras calls, without the command line.

    python examples/fit_with_keras.py

Any `tf.data.Dataset` of (images, {"boxes", "classes"}) does; here it is made from the embedded
shapes. Takes a few minutes on a laptop, most of them for tracing the training step.
"""

import keras
import tensorflow as tf

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.tasks.detection import Detection

STEPS = 400

records = load_records("shapes", split="train")
dataset = training_batches(
    records,
    ImageDecoder(records),
    Detection().batch_fields(records),
    image_size=128,
    batch_size=8,
    seed=0,
)

# Few steps need statistics that keep up: the default momentum, 0.99, is for long runs.
backbone = keras_effspine.EffSpineNetBackbone.from_preset("m0", batch_norm_momentum=0.9)
model = keras_effspine.RetinaNet(
    backbone=backbone, num_classes=len(records.class_names), bounding_box_format="xyxy"
)
model.compile(
    optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.02, STEPS)),
    classification_loss="focal",
    box_loss="smoothl1",
)
model.fit(dataset, steps_per_epoch=STEPS, shuffle=False, verbose=2)
model.save("shapes.keras")

images, labels = next(iter(dataset))
detections = keras_effspine.load_model("shapes.keras").predict(images)
for box, score, index in zip(
    detections["boxes"][0][:5],
    detections["confidence"][0][:5],
    detections["classes"][0][:5],
    strict=True,
):
    print(f"{records.class_names[int(index)]:10s} {score:.3f}  {tf.round(box).numpy()}")

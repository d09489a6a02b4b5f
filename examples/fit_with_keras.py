"""Train a small detector with plain Keras calls, without the command line.

    python examples/fit_with_keras.py

Takes a few minutes on a laptop, some of them for tracing the training step. Any `tf.data.Dataset`
of (images, {"boxes", "classes"}) does; here it is made from the embedded shapes. With a folder of
your own in place of "shapes" it is your detector.
"""

import keras

import keras_effspine

EPOCHS = 6

data = keras_effspine.load_data("shapes")
dataset = keras_effspine.batches(data, task="detection", image_size=128, batch_size=8)

# Few steps need statistics that keep up: the default momentum, 0.99, is for long runs.
backbone = keras_effspine.EffSpineNetBackbone.from_preset("m0", batch_norm_momentum=0.9)
model = keras_effspine.RetinaNet(
    backbone=backbone, num_classes=len(data.class_names), bounding_box_format="xyxy"
)
model.class_names, model.image_size = data.class_names, 128
rate = keras.optimizers.schedules.CosineDecay(0.02, EPOCHS * len(dataset))
model.compile(
    optimizer=keras.optimizers.AdamW(rate),
    classification_loss="focal",
    box_loss="smoothl1",
)
model.fit(dataset, epochs=EPOCHS, verbose=2)
model.save("shapes.keras")

model = keras_effspine.load_model("shapes.keras")
found = model.detect(data.val.records[0].path)
print(found)
found.plot().save("shapes.png")

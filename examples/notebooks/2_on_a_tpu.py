# %% [markdown]
# # The same on a TPU
#
# What changes on a TPU is one word: `strategy="tpu"`. This notebook finds out what the machine has
# and takes it, so that it runs on a CPU or a GPU as well.
#
# In Colab choose a TPU (Runtime, Change runtime type), then run this first:
# `%pip install keras-effspine`
#
# **What was checked, and what was not.** Nothing of this package has run on a TPU. Without one was
# checked that the steps of training, evaluation and prediction trace under `tf.distribute.TPUStrategy`
# with operations that a TPU has and static shapes only; that the TPU compiler takes the training
# step, and fits it into the memory of a v5e; and that four replicas (of a CPU) end with the weights
# of one. Speed and convergence on the device itself were not seen by us. The outputs below are of
# two CPU cores.

# %%
import keras_effspine as ke

STEPS = 200  # tiny: 8
IMAGE_SIZE = 192  # tiny: 64

# %% [markdown]
# ## Which device is there?
#
# Colab names its TPU in one of these variables; elsewhere `tpu:NAME` takes the name or the address.

# %%
import os

has_tpu = any(os.environ.get(name) for name in ("TPU_NAME", "COLAB_TPU_ADDR", "TPU_WORKER_ID"))
strategy = "tpu" if has_tpu else "auto"
precision = "bfloat16" if has_tpu else "float32"
strategy, precision

# %% [markdown]
# ## The data
#
# Pictures are decoded and augmented on the host, also where the steps run on a TPU, so that they may
# lie on its disk: no bucket is needed. Take `ke.load_data("my_export.zip")` for your own.

# %%
data = ke.load_data("shapes")
data

# %% [markdown]
# ## Training
#
# The batch is that of all replicas together, 8 of them on a v2 or v3: take one that they divide. The
# learning rate goes with it: `fine_tune` picks length, size and rate by itself, `from_scratch` is for
# long trainings. Batch statistics, clipping and the loss are those of the whole batch, so that a run
# on 8 replicas is the run on one.

# %%
run = ke.train(
    data,
    preset="m0_cifar10",
    steps=STEPS,
    image_size=IMAGE_SIZE,
    batch_size=16,
    strategy=strategy,
    precision=precision,
    out="runs/tpu",
    verbose=0,
)
run.metrics["AP"]

# %% [markdown]
# A notebook that was cut off, and a TPU that was taken away, lose nothing but the steps since the last
# measurement: run the cell again. Keep `out` on a disk that stays (`/content/drive/...`).
#
# ## What it sees
#
# The run is a folder like any other. Predictions run wherever it is opened: a model that was trained
# on a TPU is the same on a laptop.

# %%
run.show(2, columns=1)

# %% [markdown]
# ## With Keras' own `fit`
#
# The models are Keras models. Make and compile them within the strategy's scope, and give `fit`
# batches of a fixed size (`drop_remainder`, which `ke.batches` does for training). Leave
# `jit_compile` alone: under a TPU's strategy the compiler is always there.

# %%
import tensorflow as tf

if has_tpu:
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    scope = tf.distribute.TPUStrategy(resolver)
else:
    scope = tf.distribute.get_strategy()

with scope.scope():
    model = ke.RetinaNet.from_preset("m0_cifar10", num_classes=6, bounding_box_format="xywh")
    model.compile(optimizer="sgd", classification_loss="focal", box_loss="smoothl1")
batches = ke.batches(data, image_size=IMAGE_SIZE, batch_size=16, bounding_box_format="xywh")
history = model.fit(batches, epochs=1, steps_per_epoch=4, verbose=0)
sorted(history.history)

# %% [markdown]
# Next: [devices and precision](../../docs/devices.md), [your own pictures](1_your_own_pictures.ipynb).

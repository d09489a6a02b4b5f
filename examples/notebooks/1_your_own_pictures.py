# %% [markdown]
# # Your own pictures: from a zip to drawn detections
#
# Bring an annotated set as a zip, as Roboflow, CVAT, Label Studio, Labelme or VIA export it, or a
# folder; train a small detector on it; look at what it sees. On two CPU cores this takes about five
# minutes, on a GPU one.
#
# In Colab run this first: `%pip install keras-effspine`

# %%
import keras_effspine as ke

STEPS = 400  # tiny: 10
IMAGE_SIZE = 192  # tiny: 64

# %% [markdown]
# ## The data
#
# Upload your zip (the folder icon on the left) and put its name here. For a first try we make one:
# drawn shapes, written as YOLO, zipped.

# %%
import shutil
import subprocess
import sys

effspine = [sys.executable, "-m", "keras_effspine.cli.main"]  # on the command line: effspine
convert = "data convert --data shapes --to yolo --out shapes".split()
subprocess.run([*effspine, *convert], check=True)
zipped = shutil.make_archive("shapes", "zip", "shapes")

# %%
data = ke.load_data(zipped)
data

# %% [markdown]
# Look before you train: most of all bad detectors are shifted labels.

# %%
data.show(4, columns=4)

# %%
data.check()

# %% [markdown]
# ## Training
#
# `m0_cifar10` is the smallest backbone, trained on small photographs: a better start than random
# weights. Call it again after an interruption, and it goes on. `recipe="fine_tune"` would pick the
# length by itself.

# %%
run = ke.train(
    data,
    preset="m0_cifar10",
    steps=STEPS,
    image_size=IMAGE_SIZE,
    batch_size=8,
    out="runs/first",
    verbose=0,
)
run

# %%
run.curves()

# %% [markdown]
# ## What it sees
#
# Truth on the left, prediction on the right, on pictures that it was not trained on.

# %%
run.show(4, columns=2)

# %%
run.evaluate()

# %% [markdown]
# The model is a Keras model. `detect` takes a path, an array or a list of them, and answers in the
# picture's own pixels.

# %%
photo = data.val.records[0].path
found = run.model.detect(photo).above(0.2)
found

# %%
found.plot()

# %% [markdown]
# Detections go out as COCO, YOLO, VOC or CSV, and as crops.

# %%
print(found.to_csv())

# %% [markdown]
# Next: [a longer training](../../docs/training.md), [another task](../../docs/tasks.md),
# [a phone](../../docs/export.md).

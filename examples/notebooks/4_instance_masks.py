# %% [markdown]
# # Instance masks
#
# Mask R-CNN on the same backbone: a box, a class and a mask for each object. On two CPU cores this
# takes about ten minutes.
#
# In Colab run this first: `%pip install keras-effspine`

# %%
import pathlib

import keras_effspine as ke

STEPS = 400  # tiny: 10
IMAGE_SIZE = 192  # tiny: 64

# %% [markdown]
# ## The data
#
# Masks come from COCO's JSON (polygons or run lengths), COCO panoptic, YOLO's polygons, Labelme, VIA
# or CVAT. An object without a mask teaches its box alone.

# %%
data = ke.load_data("shapes", task="instance_segmentation")
data.show(4, columns=4)

# %% [markdown]
# ## Training
#
# `canonical_size` is the side of a box that is cropped out of P4. With small pictures take a small
# one, or the upper levels of the pyramid are never used.

# %%
run = ke.train(
    data,
    preset="m0_cifar10",
    steps=STEPS,
    image_size=IMAGE_SIZE,
    batch_size=8,
    options={"canonical_size": 96},
    out="runs/masks",
    verbose=0,
)
run

# %%
run.curves()

# %% [markdown]
# ## What it sees

# %%
run.show(4, columns=1)

# %%
photo = data.val.records[2].path
found = run.model.detect(photo).above(0.2)
found.plot()

# %% [markdown]
# Each mask is a picture of its own, and what it covers can be cut out.

# %%
found.crop()[0] if len(found) else None

# %%
[(name, int(mask.sum())) for name, mask in zip(found.names, found.masks, strict=True)]

# %% [markdown]
# ## For people to correct
#
# What a model sees can be the start of an annotation: `save` writes COCO, YOLO polygons, CVAT's XML or
# Label Studio's JSON, and the tool opens it.

# %%
run.predict([record.path for record in data.val.records[:8]]).save("to_correct", "coco")
sorted(path.name for path in pathlib.Path("to_correct").iterdir())[:4]

# %% [markdown]
# Next: [tasks](../../docs/tasks.md), [correct instead of draw](../../docs/data.md#correct-instead-of-draw).

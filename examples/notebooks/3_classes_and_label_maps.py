# %% [markdown]
# # Classes of whole pictures, and of each pixel
#
# The same backbone tells what a picture shows (classification), and what each of its pixels belongs
# to (semantic segmentation). On two CPU cores this takes about five minutes.
#
# In Colab run this first: `%pip install keras-effspine`

# %%
import keras_effspine as ke

STEPS = 300  # tiny: 10
IMAGE_SIZE = 96  # tiny: 64
MAP_STEPS = 300  # tiny: 4
MAP_SIZE = 192  # tiny: 64

# %% [markdown]
# ## Classification
#
# Pictures lie in a folder for each class: `pictures/disc/1.png`, `pictures/ring/2.png`, and so on,
# zipped or not. Here they are cut out of the drawn shapes.

# %%
import pathlib

from PIL import Image

shapes = ke.load_data("shapes", report=lambda line: None)
for part, records in (("train", shapes.train.records[:400]), ("val", shapes.val.records[:60])):
    for record in records:
        picture = Image.open(record.path).convert("RGB")
        for number, (x, y, width, height) in enumerate(record.boxes):
            name = shapes.class_names[record.classes[number]]
            file = pathlib.Path("pictures", part, name, f"{record.image_id}_{number}.png")
            file.parent.mkdir(parents=True, exist_ok=True)
            picture.crop((int(x), int(y), int(x + width) + 1, int(y + height) + 1)).save(file)

# %%
crops = ke.load_data("pictures")
crops.show(8, columns=8)

# %% [markdown]
# `classifier_backbone` and `pooling` belong to this task alone: here the backbone is the one that the
# preset has weights for, and the linear layer reads each level's average.

# %%
classes = ke.train(
    crops,
    preset="m0_cifar10",
    steps=STEPS,
    image_size=IMAGE_SIZE,
    batch_size=32,
    options={"classifier_backbone": "detection", "pooling": "pyramid"},
    out="runs/classes",
    verbose=0,
)
classes

# %%
classes.show(8, columns=4)

# %% [markdown]
# The evaluation has a confusion matrix: which classes are taken for which.

# %%
classes.evaluate()

# %%
found = classes.model.classify(crops.val.records[0].path)
found.name, round(found.score, 3)

# %% [markdown]
# ## Semantic segmentation
#
# `load_data(..., task="semantic_segmentation")` reads label maps (PNG masks beside the pictures), VOC,
# COCO and polygons; of polygons of objects the background is a class of its own.
#
# `preset` may be any run or preset: the backbone is taken over, so a detector of the same pictures is
# a good start.

# %%
maps = ke.load_data("shapes", task="semantic_segmentation")
maps.show(3)

# %%
segmenter = ke.train(
    maps,
    preset="m0_cifar10",
    steps=MAP_STEPS,
    image_size=MAP_SIZE,
    batch_size=8,
    out="runs/maps",
    verbose=0,
)
segmenter

# %%
segmenter.show(3, columns=1)

# %% [markdown]
# `segment` gives the class of each pixel of the picture as it is stored.

# %%
found = segmenter.model.segment(maps.val.records[2].path)
found

# %% [markdown]
# Next: [tasks](../../docs/tasks.md), [which files are read](../../docs/data.md),
# [masks of single objects](4_instance_masks.ipynb).

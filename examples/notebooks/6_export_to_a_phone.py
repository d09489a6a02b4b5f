# %% [markdown]
# # From a run to a phone
#
# A trained run becomes one file of LiteRT (TensorFlow Lite) that holds all it needs: weights, class
# names, anchors, thresholds. Before it is kept it is compared with the model. On two CPU cores this
# takes about five minutes.
#
# In Colab run this first: `%pip install 'keras-effspine[ai-edge-litert,onnx,onnxruntime]'`

# %%
import keras_effspine as ke

STEPS = 400  # tiny: 8
IMAGE_SIZE = 192  # tiny: 128

# %% [markdown]
# ## A run to export
#
# Yours may be there already: `run = ke.Run.open("runs/mine")`.

# %%
data = ke.load_data("shapes")
run = ke.train(
    data,
    preset="m0_cifar10",
    steps=STEPS,
    image_size=IMAGE_SIZE,
    batch_size=8,
    out="runs/phone",
    verbose=0,
)
run.metrics["AP"]

# %% [markdown]
# ## LiteRT
#
# Normalisation is folded into the convolutions, and what acts in training alone is left out. The
# file's outputs are compared with the model's, and with `measured_on` both are measured on pictures:
# a file that loses more than 0.01 AP is not kept.

# %%
exported = ke.export(run.path, "shapes.tflite", measured_on=data.val)
print(f"{exported.path.stat().st_size / 1e6:.2f} MB")
exported.measured

# %% [markdown]
# ## int8
#
# A fourth of the size, and what phones compute fastest. Its ranges come from training pictures.

# %%
small = ke.export(
    run.path, "shapes_int8.tflite", precision="int8", pictures=data.train, measured_on=data.val
)
print(f"{small.path.stat().st_size / 1e6:.2f} MB")
small.measured

# %% [markdown]
# ## What the file does
#
# `ModelFile` needs neither TensorFlow nor Keras, only the format's runtime: this is what runs on a
# Raspberry Pi. The app on a phone does the same with LiteRT's own library; a file that is exported
# with `decode=True` ends with boxes, so that it has nothing to compute by itself, and
# `frame_size=(720, 1280)` takes camera frames as they are.

# %%
file = ke.ModelFile("shapes_int8.tflite")
photo = data.val.records[2].path
file.detect(photo).above(0.2).plot()

# %%
whole = ke.export(run.path, "shapes_boxes.tflite", decode=True, frame_size=(240, 320))
whole.metadata.task, whole.metadata.frame_size

# %% [markdown]
# ## A server, a browser
#
# ONNX is for onnxruntime, in a server or in a browser; OpenVINO for Intel's processors; a SavedModel
# for TensorFlow Serving.

# %%
ke.export(run.path, "shapes.onnx", format="onnx")
len(ke.ModelFile("shapes.onnx").detect(photo).above(0.2))

# %% [markdown]
# Next: [all of the formats](../../docs/export.md), [a page in the browser](../browser/README.md),
# [how fast they are](../../benchmarks/README.md#inference).

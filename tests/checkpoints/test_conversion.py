"""Converted models beside what Google's code computed with the same weights.

The checkpoints were written, and their outputs computed, by tf-models-official 2.20.0 and by the
graphs of tensorflow/tpu; see `benchmarks/google_checkpoints.py`, which compares whole models.
"""

import keras
import numpy as np
import pytest

from keras_effspine import RetinaNet
from keras_effspine.checkpoints.conversion import convert_checkpoint, read_checkpoint
from keras_effspine.errors import CheckpointError
from keras_effspine.layers.boxes import VARIANCES, clip_boxes, convert_boxes, decode_boxes
from keras_effspine.pretrained.preset import read_preset

pytestmark = pytest.mark.integration

ROW_STEP = 97
"""Of the anchors, each such one was recorded."""


def outputs_of(model, images):
    pyramid = model.backbone.pyramid()
    whole = keras.Model(model.input, {**model.output, **pyramid(model.input)})
    return {name: np.asarray(x) for name, x in whole(images.astype("float32")).items()}


@pytest.mark.parametrize("name", ["tf2_spinenet", "tf2_mobile", "tf1_spinenet", "tf1_mobile"])
def test_a_converted_model_computes_what_googles_code_did(unpacked, expected, name):
    folder = unpacked(name)
    model = read_checkpoint(folder).model
    google = expected(folder)
    found = outputs_of(model, google["images"])
    boxes = found["box"][:, ::ROW_STEP]
    shape = google["images"].shape[1:]
    anchors = keras.ops.concatenate(list(model.anchor_generator(image_shape=shape).values()))
    anchors = convert_boxes(anchors, "xyxy", "yxyx", shape)[::ROW_STEP]
    ours = {
        **{f"P{level}": found[f"P{level}"] for level in range(3, 8)},
        "class logits": found["classification"][:, ::ROW_STEP],
        "box differences": boxes * np.array(VARIANCES),
        "decoded boxes": np.asarray(clip_boxes(decode_boxes(boxes, anchors), shape)),
    }
    assert len(google) >= 8
    for output in google.keys() & ours.keys():
        assert np.std(google[output]) > 1e-3, output
        error = np.abs(ours[output] - google[output]).max() / np.abs(google[output]).max()
        assert error < 1e-5, output


def test_other_class_counts_are_refused(unpacked, tensors_of, write_names):
    folder = unpacked("tf1_mobile")
    tensors = tensors_of(folder / "model.ckpt")
    for part in ("pointwise_kernel", "bias"):
        name = f"retinanet/class_net/class-predict/{part}"
        tensors[name] = tensors[name][..., : 9 * 21]
    with pytest.raises(CheckpointError, match="predicts 21 classes; converted are .* COCO's 91"):
        read_checkpoint(write_names(tensors))


def test_a_layer_of_another_shape_is_named(unpacked, tensors_of, write_names):
    folder = unpacked("tf1_mobile")
    tensors = tensors_of(folder / "model.ckpt")
    name = "spinenet_mbconv/sub_policy4/scale_permuted_block_6/conv2d/kernel"
    tensors[name] = tensors[name][..., :-1]
    with pytest.raises(CheckpointError, match=r"scale_permuted_block_6/conv2d has \(1, 1, 24, 143"):
        read_checkpoint(write_names(tensors), config=folder / "params.yaml")


def test_the_preset_says_where_it_comes_from(unpacked, tmp_path):
    convert_checkpoint(unpacked("tf2_mobile"), tmp_path / "mine")
    preset = read_preset(tmp_path / "mine")
    assert (preset.class_name, preset.input_size) == ("RetinaNet", 128)
    assert preset.trained["converted_from"] == "ckpt-1"
    names, ids = preset.trained["class_names"], preset.trained["category_ids"]
    assert (len(names), names[0], names[-1]) == (80, "person", "toothbrush")
    assert (ids[11], names[11]) == (13, "stop sign")
    model = RetinaNet.from_preset(tmp_path / "mine")
    smallest = next(iter(model.anchor_generator(image_shape=(128, 128, 3)).values()))
    square = np.asarray(smallest)[1]
    np.testing.assert_allclose(square[2:] - square[:2], 32.0, rtol=1e-6)  # 4 strides of 8 px

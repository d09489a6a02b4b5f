"""keras-cv's own tasks take the backbone: they train, are saved, loaded, and predict."""

import keras
import keras_cv
import numpy as np
import pytest

from keras_effspine import EffSpineNetBackbone

pytestmark = pytest.mark.integration

SIZE = 64
IMAGES = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")
BOXES = {
    "boxes": np.array([[[4, 4, 30, 30]], [[-1, -1, -1, -1]]], "float32"),
    "classes": np.array([[1], [-1]], "float32"),
}
MAPS = np.zeros((2, SIZE, SIZE, 1), "int32")
LOSS = {"loss": "sparse_categorical_crossentropy"}
DETECTION = {"classification_loss": "focal", "box_loss": "smoothl1"}

# Task, its arguments, what compile takes, labels, and shape of the predictions.
PLUGS = {
    "RetinaNet": ({"bounding_box_format": "xywh"}, DETECTION, BOXES, None),
    "ImageClassifier": ({}, LOSS, np.array([0, 2]), (2, 3)),
    "DeepLabV3Plus": ({}, LOSS, MAPS, (2, SIZE, SIZE, 3)),
    "SegFormer": ({"projection_filters": 8}, LOSS, MAPS, (2, SIZE, SIZE, 3)),
}


@pytest.mark.parametrize("task", PLUGS)
def test_a_task_of_keras_cv_trains_is_saved_and_predicts_the_same(task, tmp_path):
    arguments, losses, labels, shape = PLUGS[task]
    keras.utils.set_random_seed(0)
    backbone = EffSpineNetBackbone(
        width_multiplier=0.1, endpoint_width=8, input_shape=(SIZE, SIZE, 3)
    )
    model = getattr(keras_cv.models, task)(backbone=backbone, num_classes=3, **arguments)
    model.compile(optimizer=keras.optimizers.SGD(1e-4), run_eagerly=True, **losses)
    (loss,) = model.fit(IMAGES, labels, batch_size=2, verbose=0).history["loss"]
    assert np.isfinite(loss)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    again.compile(run_eagerly=True)
    assert isinstance(again.backbone, EffSpineNetBackbone)
    expected, found = model(IMAGES), again(IMAGES)
    for one, other in zip(keras.tree.flatten(expected), keras.tree.flatten(found), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    predictions = again.predict(IMAGES, verbose=0)
    if task == "RetinaNet":
        assert predictions["boxes"].shape[::2] == (2, 4)
    else:
        assert predictions.shape == shape

"""Weights that are brought from one model to another."""

import json
import warnings

import keras
import keras_cv
import numpy as np
import pytest
from keras_cv.src.utils.preset_utils import save_to_preset

from keras_effspine import RetinaNet
from keras_effspine.errors import PresetError
from keras_effspine.pretrained.transfer import transfer_weights

pytestmark = pytest.mark.integration

CLASS_PREDICTION = "classification_head_prediction"


def chain(*layers):
    x = inputs = keras.Input((3,))
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def dense(units, name=None, **arguments):
    return keras.layers.Dense(units, name=name, bias_initializer="normal", **arguments)


def assert_same_weights(one, other, of=""):
    pairs = list(zip(one.weights, other.weights, strict=True))
    assert pairs
    for a, b in pairs:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=f"{of} {a.path}")


def test_layers_of_the_same_path_and_shapes_are_copied():
    source = chain(dense(4, "a"), keras.layers.BatchNormalization(name="n"), dense(2, "b"))
    source.get_layer("n").moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    target = chain(dense(4, "a"), keras.layers.BatchNormalization(name="n"), dense(2, "b"))
    transfer = transfer_weights(source, target)
    assert_same_weights(source, target)
    assert [layer.name for layer in transfer.loaded] == ["a", "n", "b"]
    assert (transfer.anew, transfer.unused) == ((), ())
    assert str(transfer) == "3 of 3 layers loaded (42 values)"


def test_a_layer_with_one_other_shape_is_left_as_a_whole_and_reported_with_both():
    source = chain(dense(4, "a"), dense(4, "b"), dense(2, "c"))
    # The bias has the same shape, the kernel has not.
    target = chain(dense(4, "a"), dense(5, "wide"), dense(4, "b"), dense(2, "d"))
    before = [np.array(w) for w in target.get_layer("b").weights]
    transfer = transfer_weights(source, target)
    for weight, value in zip(target.get_layer("b").weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)
    assert [layer.name for layer in transfer.loaded] == ["a"]
    left = {layer.name: layer for layer in transfer.anew}
    assert left["b"].shapes == {"kernel": (5, 4), "bias": (4,)}
    assert left["b"].source_shapes == {"kernel": (4, 4), "bias": (4,)}
    assert left["d"].source_shapes is None
    assert transfer.unused == ("c",)
    assert "b (kernel: (4, 4) in the source, (5, 4) here)" in str(transfer)
    assert "d (the source has none)" in str(transfer)
    assert "not used: c" in str(transfer)


def test_layers_can_be_left_out():
    source, target = chain(dense(4, "a")), chain(dense(4, "a"))
    transfer = transfer_weights(source, target, anew={"a": "other classes"})
    assert [str(layer) for layer in transfer.anew] == ["a (other classes)"]
    assert not np.array_equal(source.get_weights()[0], target.get_weights()[0])


def test_names_that_keras_made_up_are_compared_by_their_place():
    source = chain(dense(4), dense(4), dense(2, "end"))
    target = chain(dense(4), dense(4), dense(2, "end"))
    assert source.layers[0].name != target.layers[0].name
    assert transfer_weights(source, target).anew == ()
    assert_same_weights(source, target)
    # Among more of them none can be told.
    longer = chain(dense(4), dense(4), dense(4), dense(2, "end"))
    assert [layer.name for layer in transfer_weights(source, longer).loaded] == ["end"]


def test_what_stands_in_a_model_within_a_model_is_found():
    source = chain(dense(4, "a"), dense(2, "b"))
    inner = chain(dense(4, "a"))
    target = chain(inner, keras.Sequential([dense(7)]))
    assert [layer.name for layer in transfer_weights(source, target).loaded] == ["a"]
    assert_same_weights(source.get_layer("a"), inner.get_layer("a"))


@pytest.fixture
def detector_folder(tiny_detector, tmp_path):
    model = tiny_detector(seed=3)
    for weight in model.weights:  # nothing keeps its initial value, the statistics included
        weight.assign(weight + 0.5)
    save_to_preset(model, str(tmp_path / "detector"))
    return model, tmp_path / "detector"


def test_other_classes_start_anew_and_all_else_is_kept(detector_folder, batch):
    model, folder = detector_folder
    with pytest.warns(UserWarning, match=rf"initialised anew: {CLASS_PREDICTION} \(") as warned:
        other = RetinaNet.from_preset(folder, num_classes=5, bounding_box_format="rel_xyxy")
    assert len([w for w in warned if "initialised anew" in str(w.message)]) == 1
    assert (other.num_classes, other.bounding_box_format) == (5, "rel_xyxy")
    outputs, before = other(batch[0]), model(batch[0])
    np.testing.assert_array_equal(outputs["box"], before["box"])
    assert outputs["classification"].shape[-1] == 5
    np.testing.assert_allclose(
        np.asarray(other.get_layer(CLASS_PREDICTION).bias), -np.log(99), rtol=1e-6
    )
    kept = [layer.name for layer in other.layers if layer.weights if layer.name != CLASS_PREDICTION]
    assert len(kept) > 10
    for name in kept:
        if name in {layer.name for layer in model.layers}:
            assert_same_weights(model.get_layer(name), other.get_layer(name), name)


def test_the_same_classes_are_kept_without_a_word(detector_folder, batch):
    model, folder = detector_folder
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*initialised anew")
        other = RetinaNet.from_preset(folder, bounding_box_format="xyxy")
    assert_same_weights(model, other)


def test_weights_that_are_not_wanted_are_not_loaded(detector_folder):
    model, folder = detector_folder
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*initialised anew")
        other = RetinaNet.from_preset(folder, num_classes=5, load_weights=False)
    bias = np.asarray(other.get_layer("level3").bias)
    np.testing.assert_array_equal(bias, np.zeros_like(bias))


def test_the_input_shape_of_a_task_is_honoured(detector_folder):
    model, folder = detector_folder
    other = RetinaNet.from_preset(folder, input_shape=(96, 64, 3))
    assert other.input_shape == (None, 96, 64, 3)
    assert_same_weights(model, other)


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class Whole(keras_cv.models.Task):
    """Another task: one number for the picture."""

    def __init__(self, backbone, **kwargs):
        x = keras.layers.GlobalAveragePooling2D()(backbone.output)
        x = keras.layers.Dense(1, name="number")(x)
        super().__init__(inputs=backbone.inputs[0], outputs=x, **kwargs)
        self.backbone = backbone

    def get_config(self):
        backbone = keras.saving.serialize_keras_object(self.backbone)
        return {**super().get_config(), "backbone": backbone}


def test_another_task_gives_its_backbone(tiny_backbone, tmp_path):
    source = Whole(tiny_backbone())
    for weight in source.weights:
        weight.assign(weight + 0.5)
    save_to_preset(source, str(tmp_path / "whole"))
    with pytest.warns(UserWarning, match="initialised anew: .* not used: number"):
        model = RetinaNet.from_preset(
            tmp_path / "whole", num_classes=2, bounding_box_format="xywh", head_layers=1
        )
    assert_same_weights(source.backbone, model.backbone)


def test_a_model_without_a_backbone_is_refused(detector_folder):
    _, folder = detector_folder
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config["config"]["backbone"] = None
    file.write_text(json.dumps(config))
    with pytest.raises(
        PresetError, match="detector: holds a RetinaNet, which has no backbone for a Re"
    ):
        RetinaNet.from_preset(folder, num_classes=5)


def test_a_trained_preset_of_the_package_takes_other_classes():
    with pytest.warns(UserWarning, match=f"293 of 294 layers loaded .*anew: {CLASS_PREDICTION}"):
        model = RetinaNet.from_preset("m1_bccd", num_classes=5, bounding_box_format="xywh")
    assert model.num_classes == 5
    kernel = np.asarray(model.get_layer("stem_conv").kernel)
    np.testing.assert_array_equal(kernel, kernel.astype("float16"))

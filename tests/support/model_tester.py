"""What every task model must pass; a model's own test file names its case."""

import json
import types

import keras
import numpy as np
import pytest
from model_cases import IMAGES, ModelCase

from keras_effspine import load_model
from keras_effspine.models.dtype_policies import dtype_policy_scope
from keras_effspine.models.task_model import TaskModel


class ModelTester:
    """The shared tests; a subclass sets `case`."""

    case: ModelCase

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls):
        """`model` after two steps of plain `fit`; its `traces`, `history`, and weights `before`."""
        model = cls.case.compiled(cls.case.build())
        before, traces, step = model.get_weights(), [], type(model).train_step

        def traced(self, *args):
            traces.append(1)
            return step(self, *args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(model), "train_step", traced)
            history = model.fit(IMAGES, cls.case.labels, epochs=2, verbose=0).history
        return types.SimpleNamespace(model=model, before=before, traces=traces, history=history)

    def test_it_is_of_keras_cvs_class(self, trained):
        assert isinstance(trained.model, TaskModel)
        assert isinstance(trained.model, self.case.keras_cv_class)

    def test_the_first_step_is_traced_once_and_steps_move_the_weights(self, trained):
        assert len(trained.traces) == 1
        assert int(trained.model.optimizer.iterations) == 2
        for name, values in trained.history.items():
            assert np.isfinite(values).all(), name
        after = trained.model.get_weights()
        moved = [(one != other).any() for one, other in zip(trained.before, after, strict=True)]
        assert np.mean(moved) > 0.7  # no anchor of the highest levels is matched

    def test_its_config_is_plain_json_and_makes_the_same_model(self):
        arguments = {**self.case.other_arguments, "name": "mine", "trainable": False}
        model = self.case.build(**arguments)
        copy = self.case.cls.from_config(json.loads(json.dumps(model.get_config())))
        assert copy.get_config() == model.get_config()
        assert {name: getattr(copy, name) for name in arguments} == arguments
        assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]

    def test_a_file_brings_it_back_bit_for_bit_and_it_trains_on(self, trained, tmp_path):
        trained.model.save(tmp_path / "model.keras")
        loaded = load_model(tmp_path / "model.keras")
        assert type(loaded) is self.case.cls
        assert_same(loaded.predict(IMAGES, verbose=0), trained.model.predict(IMAGES, verbose=0))
        assert loaded.get_compile_config() == trained.model.get_compile_config()
        assert_same(loaded.optimizer.variables, trained.model.optimizer.variables)
        loaded.run_eagerly = True  # without a trace it is sooner done
        loaded.fit(IMAGES, self.case.labels, verbose=0)
        assert int(loaded.optimizer.iterations) == 3

    def test_it_predicts_the_same_with_folded_weights(self, trained):
        fused = trained.model.fuse_for_inference()
        kinds = {type(layer) for layer in fused.layers}
        assert not any(issubclass(kind, keras.layers.BatchNormalization) for kind in kinds)
        assert fused.trainable_variables == []
        found, expected = (m.predict(IMAGES, verbose=0) for m in (fused, trained.model))
        keras.tree.map_structure(
            lambda x, y: np.testing.assert_allclose(x, y, atol=1e-4), found, expected
        )

    def test_loaded_weights_bring_the_optimizers_state(self, trained, tmp_path):
        trained.model.save_weights(tmp_path / "model.weights.h5")
        other = self.case.compiled(self.case.build(seed=1))
        other.load_weights(tmp_path / "model.weights.h5")
        assert_same(other.optimizer.variables, trained.model.optimizer.variables)
        assert_same(other.get_weights(), trained.model.get_weights())

    def test_it_is_compiled_after_loading_where_it_was_and_that_is_wanted(self, trained, tmp_path):
        trained.model.save(tmp_path / "compiled.keras")
        assert not load_model(tmp_path / "compiled.keras", compile=False).compiled
        self.case.build().save(tmp_path / "uncompiled.keras")
        assert not load_model(tmp_path / "uncompiled.keras").compiled

    def test_a_preset_brings_it_back_bit_for_bit(self, trained, tmp_path):
        trained.model.save_to_preset(tmp_path / "mine")
        loaded = self.case.cls.from_preset(tmp_path / "mine")
        assert loaded.get_config() == trained.model.get_config()
        assert not loaded.compiled
        assert_same(loaded(IMAGES), trained.model(IMAGES))

    def test_frozen_layers_stay_so_in_a_file_and_learn_again_from_a_preset(self, tmp_path):
        model = self.case.build()
        name = model.backbone.layers[-1].name
        model.get_layer(name).trainable = False
        self.case.compiled(model).optimizer.build(model.trainable_variables)
        model.save(tmp_path / "model.keras")
        loaded = load_model(tmp_path / "model.keras")
        assert [w.path for w in loaded.trainable_weights] == [
            w.path for w in model.trainable_weights
        ]
        assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
        model.save_to_preset(tmp_path / "mine")
        assert self.case.cls.from_preset(tmp_path / "mine").get_layer(name).trainable

    @pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
    def test_its_precision_is_kept_in_a_file_and_outputs_are_float32(self, policy, tmp_path):
        with dtype_policy_scope(policy):
            model = self.case.build()
        assert model.backbone.outputs[0].dtype == policy.removeprefix("mixed_")
        model.save(tmp_path / "model.keras")
        loaded = load_model(tmp_path / "model.keras")
        assert keras.config.dtype_policy().name == "float32"
        assert loaded.dtype_policy.name == policy
        policies = [layer.dtype_policy.name for layer in model._flatten_layers()]
        assert [layer.dtype_policy.name for layer in loaded._flatten_layers()] == policies
        outputs = model(IMAGES)
        dtypes = {keras.backend.standardize_dtype(x.dtype) for x in keras.tree.flatten(outputs)}
        assert dtypes - {"int32"} == {"float32"}  # detections are counted in whole numbers
        assert_same(loaded(IMAGES), outputs)


def assert_same(found, expected):
    """Compares nested arrays bit for bit."""
    for one, other in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))

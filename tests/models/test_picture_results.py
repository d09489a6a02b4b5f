"""Models of all tasks answer with objects that speak of the picture, in names."""

import numpy as np
import pytest
from model_cases import CASES
from PIL import Image

import keras_effspine
from keras_effspine.errors import DataError, ModelFileError
from keras_effspine.results.looking import look
from keras_effspine.runners.model_file import ModelFile

pytestmark = pytest.mark.integration

PICTURE = np.random.default_rng(0).integers(0, 255, (100, 200, 3)).astype("uint8")
NAMES = ("a", "b", "c")


def built(case):
    model = CASES[case].build()
    model.class_names, model.image_size = NAMES, 64
    return model


@pytest.fixture(scope="module")
def detector():
    return built("detection")


def test_boxes_are_in_the_pictures_pixels_whatever_the_models_format(detector):
    found = detector.detect(PICTURE, min_score=0.0, every_guess=True)
    assert len(found) > 10
    assert set(found.names) <= set(NAMES)
    assert (found.boxes >= 0).all() and (found.boxes <= [200, 100, 200, 100]).all()
    assert found.boxes[:, 2].max() > 64  # beyond the network's own 64 px
    other = CASES["detection"].build(bounding_box_format="rel_yxyx")
    again = other.detect(PICTURE, min_score=0.0, every_guess=True, image_size=64)
    np.testing.assert_allclose(again.boxes, found.boxes, atol=1e-2)
    assert again.names == [str(NAMES.index(name)) for name in found.names]  # it has no names
    best = detector.detect(PICTURE, min_score=float(found.scores[5]))
    assert 0 < len(best) <= 6


def test_several_pictures_give_a_list_whatever_the_batch(detector, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    pictures = [tmp_path / "a.png", PICTURE[:50], Image.fromarray(PICTURE)]
    found = detector.detect(pictures, min_score=0.0, batch_size=2)
    assert isinstance(found, keras_effspine.Predictions)
    assert [one.picture.height for one in found] == [100, 50, 100]
    np.testing.assert_allclose(found[0].boxes, found[2].boxes, atol=1e-3)
    alone = detector.detect(tmp_path / "a.png", min_score=0.0)
    np.testing.assert_allclose(found[0].boxes, alone.boxes, atol=1e-2)
    assert len(detector.detect(tmp_path)) == 1  # a folder


def test_the_other_tasks_answer_in_their_own_way():
    classes = built("classification").classify(PICTURE)
    assert isinstance(classes, keras_effspine.ClassProbabilities)
    assert set(classes.names) == set(NAMES)
    assert classes.scores.sum() == pytest.approx(1, abs=1e-5)
    model = built("segmentation")
    label_map = model.segment([PICTURE])[0]
    assert isinstance(label_map, keras_effspine.LabelMap)
    assert label_map.classes.shape == (100, 200)
    assert set(label_map.shares) <= set(NAMES)
    whole = model.predict(model_view(PICTURE), verbose=0)[0].argmax(axis=-1)
    assert (whole[16, 4:60] == label_map.classes[50, 14:190:3][:56]).mean() > 0.5
    found = built("instances").detect(PICTURE, min_score=0.0)
    assert found.masks.shape == (len(found), 100, 200)
    assert len(found)


def model_view(picture):
    from keras_effspine.data.images.letterbox import letterbox

    return letterbox(picture, (64, 64)).image[None]


def test_names_and_size_are_kept_in_files_and_presets(detector, tmp_path):
    detector.save(tmp_path / "mine.keras")
    loaded = keras_effspine.load_model(tmp_path / "mine.keras")
    assert (loaded.class_names, loaded.image_size) == (NAMES, 64)
    detector.save_to_preset(
        tmp_path / "preset", class_names=NAMES, input_size=64, trained={"task": "detection"}
    )
    again = keras_effspine.RetinaNet.from_preset(tmp_path / "preset")
    assert (again.class_names, again.image_size) == (NAMES, 64)
    with pytest.warns(UserWarning, match="initialised anew"):
        other = keras_effspine.RetinaNet.from_preset(tmp_path / "preset", num_classes=2)
    assert (other.class_names, other.image_size) == (None, 64)


def test_a_model_that_does_not_know_its_size_asks_for_it():
    model = CASES["classification"].build()
    with pytest.raises(ValueError, match="give `image_size`.*Received: image_size=None"):
        model.classify(PICTURE)
    assert model.classify(PICTURE, image_size=64).names[0] in "012"


def test_bad_pictures_and_batches_are_named(detector):
    with pytest.raises(DataError, match="nowhere.jpg: there is no such file"):
        detector.detect("nowhere.jpg")
    with pytest.raises(ValueError, match="`batch_size` must be 1 or more. Received: 0"):
        detector.detect(PICTURE, batch_size=0)
    with pytest.raises(ValueError, match="A picture is the path of a file"):
        detector.detect([PICTURE, None])


def test_the_last_batch_has_the_size_of_the_others():
    sizes = []

    def predict(images):
        sizes.append(len(images))
        return images

    from keras_effspine.results.picture import Picture

    def result(predictions, row, scale, picture):
        return picture.name

    found = look([PICTURE] * 5, lambda p: Picture.letterboxed(p, (8, 8)), predict, result, 2)
    assert sizes == [2, 2, 2]
    assert found == [f"picture {i}" for i in range(5)]


@pytest.mark.parametrize(
    ("case", "verb"),
    [
        ("detection", "detect"),
        ("instances", "detect"),
        ("classification", "classify"),
        ("segmentation", "segment"),
    ],
)
def test_an_exported_file_answers_as_the_model(exported, case, verb):
    file = ModelFile(exported(case, "litert")[0])
    options = {"min_score": 0.0, "every_guess": True} if verb == "detect" else {}
    ours = getattr(built(case), verb)(PICTURE, **options)
    theirs = getattr(file, verb)(PICTURE, **options)
    assert type(theirs) is type(ours)
    if verb == "detect":
        assert len(theirs) == pytest.approx(len(ours), abs=2)
        np.testing.assert_allclose(theirs.boxes[0], ours.boxes[0], atol=0.5)
    elif verb == "classify":
        np.testing.assert_allclose(theirs.scores, ours.scores, atol=1e-3)
    else:
        assert (theirs.classes == ours.classes).mean() > 0.99
    wrong = {"detect": "classify"}.get(verb, "detect")
    with pytest.raises(ModelFileError, match=rf"is a model for .*; call {verb}\(\)"):
        getattr(file, wrong)(PICTURE)

"""Which places made a detection."""

import dataclasses

import keras
import numpy as np
import pytest
from model_cases import CASES
from PIL import Image

from keras_effspine.data.record import record_without_objects
from keras_effspine.models.class_evidence import EvidenceModel
from keras_effspine.tasks.heat_maps import HeatMaps
from keras_effspine.tasks.registry import find_task

pytestmark = pytest.mark.integration

SIZE = 64


@pytest.fixture
def picture(tmp_path):
    """Function from pixels `(height, width, 3)` to the record of a picture of them."""

    def save(pixels):
        path = tmp_path / "picture.png"
        Image.fromarray(pixels.astype("uint8")).save(path)
        height, width = pixels.shape[:2]
        return record_without_objects(image_id=1, path=path, width=width, height=height)

    return save


def share_inside(heat, box, size):
    """Shares of the heat, and of the picture, that lie in a box `xywh` of the picture."""
    rows, columns = heat.shape
    scale = np.array([columns / size[1], rows / size[0]] * 2)
    left, top, width, height = box * scale
    inside = np.zeros(heat.shape, bool)
    inside[int(top) : int(np.ceil(top + height)), int(left) : int(np.ceil(left + width))] = True
    return float(heat[inside].sum() / heat.sum()), float(inside.mean())


def test_the_heat_of_detections_lies_in_their_boxes(trained_model, trained_run, handful):
    task, size = find_task("detection"), trained_run.folder.recipe.image_size
    heat_maps, found = HeatMaps(task, trained_model, size), 0
    for record in handful.records.records:
        heat = heat_maps(record, shown=lambda o: o.those(np.flatnonzero(o.scores > 0.3)))
        sure = heat.output.those(np.flatnonzero(heat.output.scores > 0.3))
        sure = sure.those(np.argsort(-sure.scores, kind="stable")[:20])
        assert heat.classes.tolist() == sure.classes.tolist()
        assert heat.maps.shape[0] == len(sure.boxes)
        assert heat.maps.shape[1] / heat.maps.shape[2] == pytest.approx(
            record.height / record.width, abs=0.02
        )
        assert heat.maps.min(initial=0) == 0 and heat.maps.max(initial=1) == 1
        assert heat.of_all().shape == heat.maps.shape[1:]
        for one, box in zip(heat.maps, sure.boxes, strict=True):
            inside, area = share_inside(one, box, (record.height, record.width))
            # Alike inside and outside it would be `area`; small boxes are less than a place of P3.
            assert inside > min(0.5, 2.5 * area)
            found += 1
    assert found > 8


def planted_detector():
    """A detector whose score of class 1 is how bright an anchor's own place is, and nothing else.

    Each level is the mean of its cell; a head of one 1 x 1 convolution, level by level.
    """
    images = keras.Input((SIZE, SIZE, 3))
    x, names = keras.layers.Rescaling(1 / 255)(images), {}
    x = keras.layers.AveragePooling2D(4)(x)
    for level in range(3, 8):
        x = keras.layers.AveragePooling2D(2, padding="same", name=f"p{level}")(x)
        names[f"P{level}"] = f"p{level}"
    backbone = keras.Model(images, x)
    backbone.pyramid_level_inputs = names
    classes = keras.layers.Conv2D(9 * 3, 1, name="classes")
    boxes = keras.layers.Conv2D(9 * 4, 1, kernel_initializer="zeros", name="boxes")
    case = CASES["detection"]
    model = case.cls(
        backbone,
        **{**case.arguments, "bounding_box_format": "xyxy"},
        classification_head=lambda x: keras.layers.Reshape((-1, 3))(classes(x)),
        box_head=lambda x: keras.layers.Reshape((-1, 4))(boxes(x)),
    )
    kernel = np.zeros((1, 1, 3, 27), "float32")
    kernel[..., 1::3] = 4.0 / 3
    classes.set_weights([kernel, np.full(27, -6.0, "float32")])
    return model


def test_the_heat_of_a_planted_detection_is_its_place_alone(picture):
    pixels = np.zeros((SIZE, SIZE, 3))
    pixels[16:24, 40:48] = 255  # one cell of P3
    pixels[48:56, 8:16] = 230  # and one that is nearly as bright
    heat_maps = HeatMaps(find_task("detection"), planted_detector(), SIZE)
    heat = heat_maps(picture(pixels), shown=lambda found: found.those(np.arange(3)))
    assert (heat.classes == 1).all()
    for one in heat.maps:  # of anchors at the brightest place
        inside, area = share_inside(one, np.array([36, 12, 16, 16]), (SIZE, SIZE))
        assert inside > 0.8 and area < 0.07
        assert np.unravel_index(one.argmax(), one.shape)[0] in range(16, 24)


def test_a_classifiers_heat_is_grad_cam_by_hand(picture):
    model = CASES["classification"].build(pooling="pyramid")
    pixels = np.random.default_rng(0).uniform(0, 255, (SIZE, SIZE, 3))
    record = picture(pixels)
    heat = HeatMaps(find_task("classification"), model, SIZE)(record)
    images = np.asarray(Image.open(record.path), "float32")[None]
    (index,) = heat.classes
    assert index == model.predict(images, verbose=0)[0].argmax()
    kernel = model.get_layer("predictions").get_weights()[0].reshape(5, -1, 3)
    expected = np.zeros((SIZE, SIZE), "float32")
    levels = EvidenceModel(model)(images).levels
    assert list(levels) == ["P3", "P4", "P5", "P6", "P7"]
    for number, values in enumerate(levels.values()):
        # The mean over the level makes the gradient of each place the weight over the places.
        part = np.asarray(values)[0] @ kernel[number, :, index]
        part = Image.fromarray((part / part.size * part.size / SIZE**2).astype("float32"))
        expected += np.asarray(part.resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    expected = np.maximum(expected, 0)
    np.testing.assert_allclose(heat.maps[0], expected / expected.max(), atol=1e-4)


def test_mask_rcnn_has_heat_of_its_regions(picture):
    model = CASES["instances"].build(bounding_box_format="xyxy", score_threshold=0.0)
    pixels = np.random.default_rng(0).uniform(0, 255, (SIZE, SIZE, 3))
    heat = HeatMaps(find_task("instance_segmentation"), model, SIZE)(picture(pixels))
    assert 0 < len(heat.maps) <= 20
    compared = 0
    for one, box in zip(heat.maps, heat.output.boxes, strict=False):
        if one.any() and box[2:].max() < 30:
            inside, area = share_inside(one, box, (SIZE, SIZE))
            compared += inside > area
    assert compared > 2


def test_nothing_found_has_no_heat(picture):
    heat_maps = HeatMaps(find_task("detection"), planted_detector(), SIZE)
    heat = heat_maps(picture(np.zeros((20, 40, 3))), shown=lambda found: found.those(np.arange(0)))
    assert heat.maps.shape == (0, 32, 64)
    assert not heat.of_all().any()


def test_other_models_are_refused():
    with pytest.raises(ValueError, match=r"RetinaNet, MaskRCNN and ImageClassifier.*Segmenter"):
        EvidenceModel(CASES["segmentation"].build())


def test_a_record_that_is_smaller_than_it_says_is_refused(picture):
    record = dataclasses.replace(picture(np.zeros((20, 40, 3))), width=90)
    with pytest.raises(ValueError):
        HeatMaps(find_task("detection"), planted_detector(), SIZE)(record)

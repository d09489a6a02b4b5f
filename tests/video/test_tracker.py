"""Objects keep their numbers from frame to frame."""

import dataclasses
import sys

import numpy as np
import pytest

from keras_effspine.errors import MissingPackageError
from keras_effspine.results.detections import Detections
from keras_effspine.results.picture import Picture
from keras_effspine.video.tracker import Tracker

NAMES = ("cat", "dog")
PICTURE = Picture.of(np.zeros((100, 200, 3), "uint8"))


def found(*objects):
    """Objects of left edge, class and score, 20 pixels wide."""
    boxes = np.array([[x, 40.0, x + 20, 60] for x, _, _ in objects]).reshape(-1, 4)
    classes = np.array([kind for _, kind, _ in objects], "int64")
    return Detections(PICTURE, NAMES, boxes, np.array([s for _, _, s in objects], float), classes)


def follow(frames, scores=(0.3, 0.3), rate=10):
    tracker = Tracker(np.array(scores))
    return [tracker.update(one, number / rate) for number, one in enumerate(frames)]


def test_ids_stay_with_objects_that_pass_each_other():
    frames = [found((10 + 4 * i, 0, 0.9), (150 - 4 * i, 1, 0.8)) for i in range(30)]
    seen = follow(frames)
    cats = {int(one.track_ids[one.class_ids == 0][0]) for one in seen[3:]}
    dogs = {int(one.track_ids[one.class_ids == 1][0]) for one in seen[3:]}
    assert len(cats) == len(dogs) == 1
    assert cats != dogs
    assert min(cats | dogs) >= 1


def test_boxes_scores_and_order_stay_what_they_are():
    frames = [found((100 - i, 1, 0.5), (10 + i, 0, 0.9), (60, 0, 0.7)) for i in range(6)]
    for given, seen in zip(frames, follow(frames), strict=True):
        np.testing.assert_array_equal(seen.boxes, given.boxes)
        np.testing.assert_array_equal(seen.scores, given.scores)
        assert seen.names == given.names
        assert len(seen.track_ids) == 3
    assert len(set(seen.track_ids.tolist())) == 3


def test_an_object_that_is_seen_badly_for_a_while_goes_on():
    scores = [0.9] * 5 + [0.15] * 5 + [0.9] * 5
    seen = follow([found((10 + 2 * i, 0, score)) for i, score in enumerate(scores)])
    assert {one.track_ids.tolist()[0] for one in seen[3:]} == {1}


def test_what_has_a_low_score_and_goes_on_with_nothing_is_left_out():
    seen = follow([found((10, 0, 0.9), (100, 0, 0.15)) for _ in range(5)])
    assert [len(one) for one in seen] == [1] * 5


def test_each_class_has_its_own_score():
    seen = follow([found((10, 0, 0.4), (100, 1, 0.4)) for _ in range(5)], scores=(0.3, 0.6))
    assert seen[-1].names == ["cat"]


def test_an_object_that_was_away_too_long_comes_back_as_another():
    frames = [found((10, 0, 0.9))] * 5 + [found()] * 40 + [found((10, 0, 0.9))] * 5
    seen = follow(frames)
    assert seen[4].track_ids.tolist() == [1]
    assert [len(one) for one in seen[5:45]] == [0] * 40
    assert seen[-1].track_ids.tolist() == [2]


def test_followed_objects_are_drawn_written_and_handed_on(tmp_path):
    seen = follow([found((10, 0, 0.9), (100, 1, 0.8))] * 4)[-1]
    assert [one.track_id for one in seen] == [1, 2]
    assert [one["track"] for one in seen.to_dict()["objects"]] == [1, 2]
    assert seen.to_supervision().tracker_id.tolist() == [1, 2]
    assert seen[1:].track_ids.tolist() == [2]
    other = dataclasses.replace(seen, track_ids=np.array([3, 4]))
    assert np.any(np.asarray(seen.plot()) != np.asarray(other.plot()))
    unknown = dataclasses.replace(seen, track_ids=np.array([-1, -1]))
    assert not np.asarray(unknown.plot()).any()
    assert unknown[0].track_id is None


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "trackers", None)
    with pytest.raises(MissingPackageError, match=r"keras-effspine\[video\]"):
        Tracker(np.array([0.3]))

"""Clips with whatever predicts: overlapped, followed, written whole or not at all."""

import json
import types

import numpy as np
import pytest
from clips import read_clip, write_clip

from keras_effspine.errors import DataError
from keras_effspine.results.detections import Detections
from keras_effspine.video.clip import Clip
from keras_effspine.workflow import annotated_video
from keras_effspine.workflow.annotated_video import annotate_video
from keras_effspine.workflow.load_predictor import load_predictor
from keras_effspine.workflow.predicted_video import predict_video

NAMES = ("square",)


def finds_squares(**changes):
    """A predictor that finds what is red."""

    def see(pictures, min_score, every_guess, placed):
        assert len(pictures) == len(placed) <= 4
        return [one(picture) for picture in pictures]

    def one(picture):
        rows, columns = np.nonzero(picture.pixels()[..., 0] > 150)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        scores, classes = np.array([0.9]), np.array([0])
        return Detections(picture, NAMES, np.array([box], "float64"), scores, classes)

    known = {
        "name": "squares",
        "task": types.SimpleNamespace(labels=("objects",)),
        "class_names": NAMES,
        "score_thresholds": {},
        "batch_size": 4,
        "placed": lambda picture: picture,
        "see": see,
    }
    return types.SimpleNamespace(**{**known, **changes})


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", frames=10, rate=10)


def test_each_frame_is_seen_once_and_in_order(clip):
    seen = list(predict_video(finds_squares(), clip))
    assert [one.frame.number for one in seen] == list(range(10))
    lefts = [one.result.boxes[0, 0] for one in seen]
    np.testing.assert_allclose(lefts, 2 + 3 * np.arange(10), atol=1.01)
    assert seen[0].result.track_ids is None


def test_objects_are_followed(clip):
    seen = list(predict_video(finds_squares(), clip, track=True))
    assert {one.result.track_ids.tolist()[0] for one in seen[2:]} == {1}


def test_a_clip_that_is_left_early_is_closed(clip):
    with Clip(clip) as opened:
        seeing = predict_video(finds_squares(), opened, batch_size=1)
        next(seeing)
        seeing.close()


def test_a_classifier_follows_nothing(clip):
    classifier = finds_squares(task=types.SimpleNamespace(labels=("image",)))
    with pytest.raises(DataError, match="finds no objects that could be followed; leave --track"):
        list(predict_video(classifier, clip, track=True))


def test_an_annotated_video_has_the_frames_at_their_times(tmp_path):
    times = [0.0, 0.1, 0.15, 0.5, 0.9]
    clip = write_clip(tmp_path / "a.mp4", frames=5, rate=10, size=(336, 400), times=times)
    said = []
    done = annotate_video(
        finds_squares(), clip, tmp_path / "b.mp4", progress=lambda *now: said.append(now)
    )
    assert (done.frames, done.broken) == (5, None)
    assert said[-1] == (5, 5)
    frames, found = read_clip(tmp_path / "b.mp4")
    np.testing.assert_allclose(found, times, atol=1e-3)
    shown = next(predict_video(finds_squares(), clip)).result.plot()
    assert np.abs(frames[0].astype(int) - np.asarray(shown)).mean() < 4


def test_a_small_or_odd_clip_is_enlarged_and_gets_even_sides(clip, tmp_path):
    annotate_video(finds_squares(), clip, tmp_path / "b.mp4")
    frames, _ = read_clip(tmp_path / "b.mp4")
    assert len(frames) == 10
    assert frames[0].shape[0] % 2 == frames[0].shape[1] % 2 == 0
    assert frames[0].shape[1] > 64


def test_lines_of_json_tell_frames_times_and_objects(clip, tmp_path):
    annotate_video(finds_squares(), clip, tmp_path / "b.jsonl", track=True)
    lines = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(10))
    assert [line["time"] for line in lines] == [round(i / 10, 4) for i in range(10)]
    (one,) = lines[-1]["objects"]
    assert (one["class"], one["score"], one["track"]) == ("square", 0.9, 1)
    np.testing.assert_allclose(one["box"], [29, 16, 45, 32], atol=1.01)


def test_some_seconds_of_a_clip(clip, tmp_path):
    assert annotate_video(finds_squares(), clip, tmp_path / "b.jsonl", seconds=0.35).frames == 4


def test_a_clip_that_breaks_off_is_written_as_far_as_it_goes(clip, tmp_path, monkeypatch):
    def breaks_off(self):
        for frame in whole(self):
            if frame.number == 6:
                self.broken = "after 6 frames (bad data)"
                return
            yield frame

    whole = Clip.__iter__
    monkeypatch.setattr(Clip, "__iter__", breaks_off)
    done = annotate_video(finds_squares(), clip, tmp_path / "b.mp4")
    assert (done.frames, done.broken) == (6, "after 6 frames (bad data)")
    assert len(read_clip(tmp_path / "b.mp4")[0]) == 6


def test_a_failure_leaves_no_file(clip, tmp_path):
    def fails(*arguments):
        raise RuntimeError("the network fails")

    with pytest.raises(RuntimeError, match="the network fails"):
        annotate_video(finds_squares(see=fails), clip, tmp_path / "out/b.mp4")
    assert list((tmp_path / "out").iterdir()) == []


def test_ctrl_c_ends_a_camera_and_keeps_what_it_saw_but_no_part_of_a_file(
    clip, tmp_path, monkeypatch
):
    def interrupted(done, _):
        if done == 3:
            raise KeyboardInterrupt

    options = {"progress": interrupted, "batch_size": 1}
    with pytest.raises(KeyboardInterrupt):
        annotate_video(finds_squares(), clip, tmp_path / "out/b.mp4", **options)
    assert list((tmp_path / "out").iterdir()) == []
    monkeypatch.setattr(annotated_video, "Clip", lambda name: Clip(clip))
    done = annotate_video(finds_squares(), "camera:0", tmp_path / "out/b.mp4", **options)
    assert done.frames == 3
    assert len(read_clip(tmp_path / "out/b.mp4")[0]) == 3


@pytest.mark.parametrize(
    ("case", "key"),
    [
        ("detection", "objects"),
        ("instances", "objects"),
        ("segmentation", "shares"),
        ("classification", "classes"),
    ],
)
def test_exported_files_of_all_tasks_see_clips(exported, clip, tmp_path, case, key):
    predictor = load_predictor(exported(case, "litert")[0])
    options = {"min_score": 0.0, "seconds": 0.3, "batch_size": 4}
    assert annotate_video(predictor, clip, tmp_path / "b.mp4", **options).frames == 3
    assert len(read_clip(tmp_path / "b.mp4")[0]) == 3
    assert annotate_video(predictor, clip, tmp_path / "b.jsonl", **options).frames == 3
    lines = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert [set(line) for line in lines] == [{"frame", "time", key}] * 3
    if key == "objects":
        assert all("mask" in one for one in lines[0][key]) == (case == "instances")
        assert lines[0][key]
    else:
        assert set(lines[0][key]) <= {"a", "b", "c"}
        assert sum(lines[0][key].values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_no_seconds_are_asked_for_more(clip, tmp_path, seconds):
    with pytest.raises(DataError, match="seconds of a video hold no frame; ask for more than 0"):
        annotate_video(finds_squares(), clip, tmp_path / "b.mp4", seconds=seconds)
    assert not (tmp_path / "b.mp4").exists()


def test_a_missing_clip_is_said_where_the_output_is_there_already(tmp_path):
    (tmp_path / "b.mp4").write_bytes(b"before")
    with pytest.raises(DataError, match="c.mp4: there is no such file"):
        annotate_video(finds_squares(), tmp_path / "c.mp4", tmp_path / "b.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == b"before"


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("b.avi", "b.avi: a video is written as .mp4, or as .jsonl"),
        ("clip.mp4", "clip.mp4: would replace the video that is read"),
    ],
)
def test_places_where_nothing_can_be_written(clip, tmp_path, out, message):
    with pytest.raises(DataError, match=message):
        annotate_video(finds_squares(), clip, tmp_path / out)

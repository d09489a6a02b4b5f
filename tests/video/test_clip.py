"""Frames of videos: all of them, upright, at their times; and files that are none."""

import wave

import numpy as np
import pytest
from clips import moving_square, write_clip

from keras_effspine.errors import DataError, MissingPackageError
from keras_effspine.video.clip import Clip, is_camera, is_video


def read(path):
    with Clip(path) as clip:
        return list(clip), clip


def test_all_frames_come_in_their_order_and_at_their_times(tmp_path):
    frames, clip = read(write_clip(tmp_path / "a.mp4", frames=10, rate=10))
    assert [frame.number for frame in frames] == list(range(10))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(10) / 10, atol=1e-6)
    assert (clip.rate, clip.frames, clip.broken) == (10, 10, None)
    for number in (0, 9):
        pixels = frames[number].pixels
        assert (pixels.shape, pixels.dtype) == ((48, 64, 3), np.uint8)
        assert np.abs(pixels.astype(int) - moving_square(number)).mean() < 8


def test_times_that_are_not_even_are_kept(tmp_path):
    times = [0.0, 0.1, 0.15, 0.5, 0.9]
    frames, _ = read(write_clip(tmp_path / "a.mp4", frames=5, rate=10, times=times))
    np.testing.assert_allclose([frame.time for frame in frames], times, atol=1e-3)


def test_a_clip_of_a_phone_that_was_turned_is_upright(tmp_path):
    plain, _ = read(write_clip(tmp_path / "plain.mp4", frames=1))
    turned, _ = read(write_clip(tmp_path / "turned.mp4", frames=1, rotation=90))
    assert turned[0].pixels.shape == (64, 48, 3)
    np.testing.assert_array_equal(turned[0].pixels, np.rot90(plain[0].pixels))
    other, _ = read(write_clip(tmp_path / "other.mp4", frames=1, rotation=-90))
    np.testing.assert_array_equal(other[0].pixels, np.rot90(plain[0].pixels, -1))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
def test_a_clip_that_was_cut_gives_the_frames_before_and_says_so(tmp_path, suffix):
    path = write_clip(tmp_path / f"a{suffix}", frames=60, front=True)
    frames, clip = read(path)
    assert (len(frames), clip.broken) == (60, None)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.8)])
    frames, clip = read(path)
    assert 1 < len(frames) < 57
    assert clip.broken is not None
    assert clip.broken.startswith(f"after {len(frames)} frames (")


def test_a_last_frame_that_stays_for_long_is_no_break(tmp_path):
    times = [0.0, 0.1, 0.2, 3.0, 3.1]
    _, clip = read(write_clip(tmp_path / "a.mp4", frames=5, times=times))
    assert clip.broken is None


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\0\0\0\x18ftypmp42" + bytes(500)])
def test_what_is_no_video_is_said_in_one_line(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(DataError, match=r"a.mp4: not a readable video \(") as caught:
        read(tmp_path / "a.mp4")
    assert "\n" not in str(caught.value)


def test_a_file_of_sound_alone_and_one_that_is_missing(tmp_path):
    with wave.open(str(tmp_path / "a.mp4"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000))
    with pytest.raises(DataError, match="holds no pictures, only sound or text"):
        read(tmp_path / "a.mp4")
    with pytest.raises(DataError, match="there is no such file"):
        read(tmp_path / "b.mp4")


def test_a_camera_that_is_not_there_is_said_in_one_line():
    with pytest.raises(DataError, match="camera:97: this camera cannot be opened"):
        read("camera:97")


def test_videos_are_known_by_their_names():
    assert is_video("a/B.MP4")
    assert is_video("camera:0")
    assert not is_video("a.png")
    assert not is_video("camera:x")
    assert is_camera("camera:12")
    assert not is_camera("camera.mp4")


def test_a_missing_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingPackageError, match=r"keras-effspine\[video\]"):
        Clip(tmp_path / "a.mp4")

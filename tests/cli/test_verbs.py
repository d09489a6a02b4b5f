"""`evaluate` and `predict` with the run that the tests share."""

import json
import pathlib
import shutil
import sys

import av
import numpy as np
import pytest
from clips import read_clip
from PIL import Image

from keras_effspine.data.loading import load_records
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.workflow.load_predictor import load_predictor
from keras_effspine.workflow.predictor import Predictor

pytestmark = pytest.mark.integration


@pytest.fixture
def run(trained_run, trained_model, tmp_path, monkeypatch):
    """The shared run folder; its model is loaded and traced once for all tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Pretrained, "read_for_inference", lambda self: trained_model)
    return trained_run.folder.path


def said(out):
    """What a verb said, but for the scores from which it draws."""
    lines = [line for line in out.splitlines() if not line.startswith("Drawn from these scores")]
    assert len(lines) == len(out.splitlines()) - 1
    return "\n".join(lines) + "\n"


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_a_run_is_evaluated_as_it_was_measured(trained_run, effspine, tmp_path):
    out = tmp_path / "new" / "measured.json"
    answer = effspine("evaluate", trained_run.folder.path, "--out", out)
    assert (answer.status, answer.err) == (0, "")
    assert "AP75" in answer.out
    assert "hexagon" in answer.out
    written = json.loads(out.read_text())
    best = trained_run.folder.read_json("metrics.json")["best"]
    assert {"step": best["step"], **written["result"]["stats"]} == best
    assert str(out) in answer.out.replace("\n", "")


def test_a_run_is_evaluated_on_data_that_are_named(run, effspine, handful, tmp_path):
    shutil.copytree(handful.images, "my pictures ü")
    content = json.loads(handful.file.read_text())
    content["categories"] = content["categories"][::-1]
    for category in content["categories"]:
        category["id"] = 100 - category["id"]
    for annotation in content["annotations"]:
        annotation["category_id"] = 100 - annotation["category_id"]
    content["annotations"].append({"id": 10**6, "image_id": 10**6})
    (tmp_path / "my data ü.json").write_text(json.dumps(content))
    answer = effspine(
        *("evaluate", run, "--data", "my data ü.json", "--images", "my pictures ü"),
        *("--out", "out.json"),
    )
    assert (answer.status, answer.err) == (0, "")
    assert "1 annotation dropped: unknown image (my data ü.json, annotation 1000000)" in answer.out
    assert json.loads((tmp_path / "out.json").read_text())["result"]["stats"]["AP"] > 0.9


@pytest.mark.parametrize(("name", "kind"), [("out.png", "PNG"), ("out.jpg", "JPEG")])
def test_a_photo_is_shown_upright(run, effspine, handful, name, kind):
    with Image.open(handful.records.records[0].path) as image:
        upright = image.convert("RGB").resize((480, 360))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    upright.rotate(90, expand=True).save("photo.jpg", exif=exif, quality=95)
    answer = effspine("predict", run, "photo.jpg", "--out", name, "--min-score", 1)
    assert (answer.status, answer.err) == (0, "")
    with Image.open(name) as drawn:
        assert drawn.format == kind
        assert drawn.size == (480, 360)
        difference = abs(np.asarray(drawn, int) - np.asarray(upright, int))
        assert np.median(difference) < 4  # all but the boxes that are drawn


def test_data_with_a_class_that_the_model_does_not_know_are_refused(run, effspine, handful):
    content = handful.file.read_text().replace('"ring"', '"donut"')
    with open("other.json", "w") as file:
        file.write(content)
    answer = effspine("evaluate", run, "--data", "other.json", "--images", handful.images)
    assert answer.status == 2
    assert "does not know the classes donut; it knows disc, " in answer.err


def test_one_picture_is_drawn_beside_where_one_stands(run, effspine, handful, tmp_path):
    shutil.copy(handful.images / "000001.png", "my photo ü.png")
    answer = effspine("predict", run, "my photo ü.png", "--batch-size", 4)
    assert (answer.status, answer.err) == (0, "")
    assert said(answer.out) == f"Model: {run} (best.keras).\n1 drawn: my photo ü-predicted.png\n"
    width, height = size_of("my photo ü.png")
    drawn = size_of("my photo ü-predicted.png")
    assert drawn[0] / drawn[1] == pytest.approx(width / height)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "my photo ü-predicted.png",
        "my photo ü.png",
    ]


def test_the_last_model_is_taken_where_it_is_asked_for(run, effspine, handful):
    picture = handful.images / "000001.png"
    for options, name in (([], "best.keras"), (["--last"], "model.keras")):
        answer = effspine("predict", run, picture, "--out", "o.png", "--batch-size", 4, *options)
        assert (answer.status, answer.err) == (0, "")
        assert f"{name}).\n1 drawn" in said(answer.out)


def test_only_what_reaches_the_score_is_drawn(run, effspine, handful):
    path = max(handful.records.records, key=lambda record: len(record.boxes)).path
    for score, out in ((0.0, "all.png"), (0.3, "some.png"), (1.1, "none.PNG")):
        options = ["--min-score", score, "--out", out, "--batch-size", 4]
        assert effspine("predict", run, path, *options).status == 0
    plain, some, everything = (
        np.asarray(Image.open(f)) for f in ("none.PNG", "some.png", "all.png")
    )
    original = np.asarray(Image.open(path))
    zoom = plain.shape[0] // original.shape[0]
    np.testing.assert_array_equal(plain, original.repeat(zoom, 0).repeat(zoom, 1))
    assert 0 < (some != plain).mean() < (everything != plain).mean()


def test_a_run_brings_the_scores_from_which_its_classes_are_drawn(run, effspine, handful):
    kept = json.loads((run / "thresholds.json").read_text())
    names = {category["name"] for category in json.loads(handful.file.read_text())["categories"]}
    assert kept["best"] and set(kept["best"]) <= names
    assert all(0 < score < 1 for score in kept["best"].values())
    path = max(handful.records.records, key=lambda record: len(record.boxes)).path
    answer = effspine("predict", run, path, "--out", "own.png", "--batch-size", 4)
    named = [f"{name} {kept['best'].get(name, 0.3):.2f}" for name in handful.records.class_names]
    assert f"the best by F1: {', '.join(named)} (--min-score" in answer.out
    asked = effspine("predict", run, path, "--out", "o.png", "--batch-size", 4, "--min-score", 0.99)
    assert "best by F1" not in asked.out
    assert (np.asarray(Image.open("own.png")) != np.asarray(Image.open("o.png"))).any()


def test_a_run_without_scores_gets_them_when_it_is_evaluated(run, effspine, handful, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    kept = json.loads((copy / "thresholds.json").read_text())
    (copy / "thresholds.json").unlink()
    other = ["--data", handful.file, "--images", handful.images]
    assert "kept with the run" not in effspine("evaluate", "copy", *other).out
    assert not (copy / "thresholds.json").exists()
    assert "kept with the run" in effspine("evaluate", "copy").out
    again = json.loads((copy / "thresholds.json").read_text())
    assert again["last"] is None
    assert again["best"] == pytest.approx(kept["last"], abs=1e-3)  # the model of the fixture
    (copy / "thresholds.json").write_text('{"best": {"disc": "high"}}')
    answer = effspine("predict", "copy", handful.images)
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "thresholds.json: was not written by a run, or changed: best.disc" in answer.err


def test_a_folder_gets_a_closer_look(run, effspine, handful, tmp_path):
    answer = effspine("evaluate", run, "--out", "look")
    assert (answer.status, answer.err) == (0, "")
    assert "Errors by kind" in answer.out
    assert answer.out.endswith("beside it: look/report.html\n")
    names = ["confusion_matrix", "curves", "errors", "sizes", "worst"]
    assert sorted(path.name for path in (tmp_path / "look").iterdir()) == sorted(
        [*(f"{name}.png" for name in names), "report.html", "report.json"]
    )
    values = json.loads((tmp_path / "look/report.json").read_text())
    assert values["result"]["stats"]["AP"] > 0.9
    matrix = np.array(values["confusion_matrix"]["annotated_by_predicted"])
    objects = sum(int(np.sum(~record.is_crowd)) for record in handful.records.records)
    assert matrix[:-1].sum() == objects
    assert np.trace(matrix) > 0.9 * objects  # four pictures, learnt by heart
    assert {one["image_id"] for one in values["worst"]} == {1, 2, 3, 4}
    assert size_of("look/worst.png")[0] > 1000


def test_large_pictures_are_looked_at_in_tiles(run, effspine, handful, tmp_path):
    picture = handful.images / "000001.png"
    answer = effspine("predict", run, picture, "--out", "o.png", "--tiles", "160:0.5")
    assert (answer.status, answer.err) == (0, "")
    tiles = "in tiles of 160 px that overlap by 50% or more, and whole"
    assert f"Pictures are looked at {tiles}." in answer.out
    copy = shutil.copytree(run, tmp_path / "copy")
    made = json.loads((copy / "run.json").read_text())
    made["recipe"]["tiles"] = {"size": 160, "overlap": 0.5}
    (copy / "run.json").write_text(json.dumps(made))
    answer = effspine("evaluate", "copy", "--out", "tiles.json")  # as it was trained
    assert f"Pictures are looked at {tiles}." in answer.out
    assert effspine("evaluate", "copy", "--tiles", "off", "--out", "whole.json").status == 0
    found = [json.loads(pathlib.Path(f"{name}.json").read_text()) for name in ("tiles", "whole")]
    stats = [one["result"]["stats"] for one in found]
    assert stats[1]["AP"] > 0.9
    assert stats[0] != stats[1]
    made["recipe"]["tiles"] = {"size": "large"}
    (copy / "run.json").write_text(json.dumps(made))
    answer = effspine("evaluate", "copy")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "its tiles make no sense: size:" in answer.err


def test_the_places_that_made_a_drawing_are_drawn_beside_it(
    run, effspine, handful, trained_model, monkeypatch
):
    monkeypatch.setattr(Pretrained, "read_model", lambda self: trained_model)
    picture = max(handful.records.records, key=lambda record: len(record.boxes)).path
    answer = effspine("predict", run, picture, "--out", "o.png", "--batch-size", 4, "--heatmap")
    assert (answer.status, answer.err) == (0, "")
    plain, warm = (np.asarray(Image.open(f"{name}.png"), int) for name in ("o", "o-heat"))
    assert warm.shape == plain.shape
    changed = (abs(warm - plain).max(axis=-1) > 40).mean()
    assert 0 < changed < 0.9  # some places, and not all
    tiled = effspine("predict", run, picture, "--heatmap", "--tiles", 160)
    assert (tiled.status, tiled.err.count("\n")) == (2, 1)
    assert "--heatmap looks at pictures as a whole" in tiled.err


def test_a_closer_look_is_refused_before_anything_is_measured(run, effspine, monkeypatch):
    pathlib.Path("taken").write_text("mine")
    answer = effspine("evaluate", run, "--out", "taken")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("Error: taken: is a file; name a folder")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    answer = effspine("evaluate", run, "--out", "look")
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "pip install 'keras-effspine[figures]'" in answer.err
    assert not pathlib.Path("look").exists()


def test_guesses_at_one_place_are_drawn_where_they_are_asked_for(run, effspine, handful):
    path = max(handful.records.records, key=lambda record: len(record.boxes)).path
    for options, out in (([], "best"), (["--every-guess"], "all")):
        options = [*options, "--min-score", 0.0, "--out", f"{out}.png", "--batch-size", 4]
        assert effspine("predict", run, path, *options).status == 0
    best, everything = (np.asarray(Image.open(f"{name}.png")) for name in ("best", "all"))
    assert (best != everything).any()


def test_grey_pictures_and_those_with_alpha_are_drawn(run, effspine, handful):
    with Image.open(handful.images / "000001.png") as image:
        for mode in ("L", "RGBA", "P"):
            image.convert(mode).save(f"{mode}.png")
            answer = effspine("predict", run, f"{mode}.png", "--batch-size", 4)
            assert (answer.status, answer.err) == (0, "")


def test_a_folder_is_drawn_into_a_folder_with_all_predictions(
    run, effspine, handful, trained_run, tmp_path
):
    answer = effspine("predict", run, handful.images, "--out", "a/drawn")
    assert (answer.status, answer.err) == (0, "")
    assert said(answer.out) == f"Model: {run} (best.keras).\n4 drawn: a/drawn\n"
    names = [f"{number:06d}.png" for number in range(1, 5)]
    assert sorted(path.name for path in (tmp_path / "a/drawn").iterdir()) == [
        *names,
        "predictions.json",
    ]
    found = json.loads((tmp_path / "a/drawn/predictions.json").read_text())
    kept = json.loads((trained_run.folder.path / "predictions.json").read_text())
    assert {entry["image_id"] for entry in found} == set(names)
    assert [entry["score"] for entry in found] == [entry["score"] for entry in kept]


@pytest.mark.parametrize("format", ["coco", "voc", "yolo", "cvat", "label-studio"])
def test_a_folder_is_annotated_for_people_to_correct(run, effspine, handful, tmp_path, format):
    answer = effspine("predict", run, handful.images, "--as", format, "--min-score", 0.5)
    folder = tmp_path / f"{handful.images.name}-{format}"
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.endswith(f"4 annotated: {folder}\n")
    images = folder / "images" if format == "coco" else None
    again = load_records(folder / "train.json" if images else folder, images)
    assert len(again.records) == 4
    found = load_predictor(str(run)).predict(handful.images, min_score=0.5)
    for mine, seen in zip(again.records, found, strict=True):
        assert [again.class_names[index] for index in mine.classes] == seen.names
        left, top, width, height = mine.boxes.T
        corners = np.stack([left, top, left + width, top + height], axis=1)
        np.testing.assert_allclose(corners, seen.boxes, atol=0.01)


def test_what_cannot_be_annotated_is_said_before_anything_is_predicted(
    run, effspine, handful, tmp_path, monkeypatch
):
    monkeypatch.setattr(Predictor, "predictions", None)
    answer = effspine("predict", run, handful.images, "--as", "csv")
    assert (answer.status, answer.err[:30]) == (2, "Error: csv: no known format; c")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a.txt").write_text("")
    answer = effspine("predict", run, handful.images, "--as", "cvat", "--out", "full")
    assert answer.status == 2
    assert "full: exists and is not empty; name a new folder." in answer.err
    answer = effspine("predict", run, handful.images, "--as", "cvat", "--jpeg")
    assert answer.err == (
        "Error: --jpeg is drawn, and --as writes annotations; leave one of them out.\n"
    )
    answer = effspine("predict", run, handful.images, "--as", "cvat", "--heatmap")
    assert answer.err == (
        "Error: --heatmap is drawn, and --as writes annotations; leave one of them out.\n"
    )


def test_a_data_set_is_drawn_next_to_its_truth(run, effspine, handful):
    answer = effspine("predict", run, "--data", handful.file, "--images", handful.images)
    assert (answer.status, answer.err) == (0, "")
    assert said(answer.out) == (
        f"Model: {run} (best.keras).\n"
        f"{handful.file}: COCO JSON file, 4 pictures of 6 classes\n4 drawn: val-predicted\n"
    )
    one, _ = size_of(handful.images / "000001.png")
    width, height = size_of("val-predicted/000001.png")
    assert width > 2 * one
    assert width > height


@pytest.mark.parametrize(("options", "suffix"), [((), "png"), (("--jpeg",), "jpg")])
def test_pictures_of_one_name_in_different_folders_or_formats_do_not_overwrite_each_other(
    run, effspine, handful, tmp_path, options, suffix
):
    content = json.loads(handful.file.read_text())
    names = ["a/one.png", "b/one.png", "two.png", "two.bmp"]
    for image, name in zip(content["images"], names, strict=True):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(handful.images / image["file_name"]) as path:
            path.save(tmp_path / "in" / name)
        image["file_name"] = name
    (tmp_path / "data.json").write_text(json.dumps(content))
    where = ("--data", "data.json", "--images", "in", "--out", "out")
    answer = effspine("predict", run, *where, *options)
    assert (answer.status, answer.err) == (0, "")
    drawn = (path for path in (tmp_path / "out").rglob(f"*.{suffix}"))
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in drawn) == [
        f"{name}.{suffix}" for name in ("a/one", "b/one", "two.bmp", "two.png")
    ]
    with Image.open(f"out/two.bmp.{suffix}") as one:
        assert one.format == {"png": "PNG", "jpg": "JPEG"}[suffix]


def test_a_picture_that_breaks_off_is_named_in_one_line(run, effspine, handful, tmp_path):
    whole = (handful.images / "000001.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    answer = effspine("predict", run, "cut.png", "--batch-size", 4)
    assert answer.status == 2
    assert answer.err.startswith("Error: 1 of the 1 pictures of cut.png cannot be decoded: cut.png")
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "cut-predicted.png").exists()


def test_files_of_a_folder_that_cannot_be_read_cost_themselves_alone(
    run, effspine, handful, tmp_path
):
    whole = (handful.images / "000001.png").read_bytes()
    for name, content in (
        *(("sub/good.png", whole), ("cut.png", whole[: len(whole) // 2])),
        *(("text.jpg", b"text"), ("._good.png", b"\0\5\x16\7")),
    ):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    for _ in range(2):  # the drawings of the first time are no pictures of the second
        answer = effspine("predict", run, "in", "--out", "in/drawn", "--batch-size", 4)
        assert (answer.status, answer.err) == (1, "")
        assert "1 picture skipped: not a readable picture (in/text.jpg)\n" in answer.out
        assert "1 file left out: hidden file (in/._good.png)\n" in answer.out
        assert "skipped: in/cut.png (image cut.png): " in answer.out
        assert answer.out.endswith("1 drawn: in/drawn\n")
    drawn = [path.relative_to("in/drawn") for path in pathlib.Path("in/drawn").rglob("*.png")]
    assert [str(path) for path in drawn] == ["sub/good.png"]


def test_one_file_among_many_that_cannot_be_read_is_no_failure(run, effspine, handful, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(10):
        shutil.copy(handful.images / "000001.png", tmp_path / "in" / f"{number}.png")
    (tmp_path / "in/text.jpg").write_bytes(b"text")
    answer = effspine("predict", run, "in", "--out", "drawn", "--batch-size", 4)
    assert answer.status == 0
    assert "1 picture skipped: not a readable picture (in/text.jpg)\n" in answer.out
    assert answer.out.endswith("10 drawn: drawn\n")


def test_a_folder_of_which_no_file_can_be_read_is_refused_with_the_reasons(run, effspine, tmp_path):
    (tmp_path / "in").mkdir()
    for name in "abcd":
        (tmp_path / "in" / f"{name}.png").write_bytes(b"no")
    answer = effspine("predict", run, "in")
    assert (answer.status, answer.out) == (2, f"Model: {run} (best.keras).\n")
    assert "in/a.png: not a readable picture" in answer.err
    assert answer.err.count("\n") == 1


def test_a_nul_character_in_a_path_is_named_in_one_line(run, effspine):
    for options in (["a\0b"], ["--data", "a\0b"]):
        answer = effspine("predict", run, *options)
        assert answer.status == 2
        assert "NUL character" in answer.err
        assert answer.err.count("\n") == 1


def test_a_video_is_annotated_and_its_objects_are_followed(run, effspine, handful, tmp_path):
    with Image.open(handful.images / "000001.png") as image:
        pixels = np.asarray(image.convert("RGB"))[:160, :160]
    with av.open("clip.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = 160, 160, "yuv420p"
        for number in range(6):
            moved = np.roll(pixels, number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode())
    answer = effspine("predict", run, "clip.mp4", "--track", "--batch-size", 4)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[-1].startswith("6 frames, 0.6 s, ")
    assert answer.out.endswith(": clip-predicted.mp4\n")
    frames, _ = read_clip("clip-predicted.mp4")
    assert len(frames) == 6
    # A crop that moves is not what the run learnt by heart: it is less sure of it.
    more = ("--out", "seen.jsonl", "--seconds", 0.3, "--batch-size", 4, "--min-score", 0.05)
    answer = effspine("predict", run, "clip.mp4", *more)
    assert (answer.status, answer.err) == (0, "")
    lines = [json.loads(line) for line in (tmp_path / "seen.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == [0, 1, 2]
    assert lines[0]["objects"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["photo.png", "--track"], "--track is for videos and cameras; leave it out."),
        (["photo.png", "--seconds", 2], "--seconds is for videos and cameras; leave it out."),
        (["clip.mp4", "--flip"], "clip.mp4: is a video; leave --flip out, which is for pictures."),
        (["clip.mp4", "--as", "cvat"], "clip.mp4: is a video; leave --as out, which is for"),
        (["clip.mp4", "--out", "a.png"], "a.png: a video is written as .mp4, or as .jsonl"),
        (["clip.mp4"], "clip.mp4: there is no such file."),
        (["camera:77"], "camera:77: this camera cannot be opened ("),
    ],
)
def test_what_makes_no_sense_with_videos_is_said(run, effspine, options, message):
    answer = effspine("predict", run, *options)
    assert answer.status == 2
    assert message in answer.err

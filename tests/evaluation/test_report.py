import json

import pytest
from rich.console import Console

from keras_effspine.evaluation.detection_result import STAT_NAMES, ClassResult, DetectionResult
from keras_effspine.evaluation.report import class_table, stats_table


def shown(renderable):
    console = Console(width=100)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


@pytest.fixture
def result():
    stats = {name: index / 16 for index, name in enumerate(STAT_NAMES)}
    stats["AP_large"] = None
    per_class = (
        ClassResult("red [bold] fox", 0.25, 0.5, 12, F1=0.625, score=0.375),
        ClassResult("owl", None, None, 0),
    )
    return DetectionResult(
        stats=stats,
        per_class=per_class,
        images=5,
        images_added=3,
        objects=12,
        crowds=1,
        detections=40,
    )


def test_the_table_of_numbers_has_every_one_and_a_dash_for_what_cannot_be_measured(result):
    lines = shown(stats_table(result)).splitlines()
    for name, value in result.stats.items():
        (line,) = [each for each in lines if name in each.split()]
        assert ("-" if value is None else f"{value:.3f}") in line.split()


def test_the_table_says_what_was_counted_and_what_was_not_run(result):
    text = " ".join(shown(stats_table(result)).split())
    assert "5 pictures, 12 objects, 1 crowds, 40 detections" in text
    assert "2 pictures were not run" in text


def test_the_table_of_classes_keeps_names_as_they_are_and_shows_absent_ones_as_dashes(result):
    lines = shown(class_table(result)).splitlines()
    (fox,) = [line for line in lines if "red [bold] fox" in line]
    assert "0.250" in fox and "0.500" in fox and "12" in fox
    assert "0.625" in fox and "0.375" in fox
    (owl,) = [line for line in lines if "owl" in line]
    assert owl.split().count("-") == 4


def test_the_result_survives_json(result):
    restored = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert restored["stats"]["AP50"] == 1 / 16
    assert restored["stats"]["AP_large"] is None
    owl = restored["per_class"][1]
    assert (owl.pop("name"), owl.pop("objects")) == ("owl", 0)
    assert set(owl) >= {"AP", "AP50", "AP_small", "F1", "score"} and set(owl.values()) == {None}
    assert "curves" not in restored and "matches" not in restored
    assert restored["images_added"] == 3

import html.parser
import json
import re
import sys

import numpy as np
import pytest
from PIL import Image
from random_detections import evaluated, random_pairs, random_truth
from rich.table import Table

from keras_effspine.analysis.detection_findings import detection_findings
from keras_effspine.analysis.finding import Finding
from keras_effspine.analysis.saving import save_findings
from keras_effspine.errors import DataError

pytest.importorskip("matplotlib")


class Result:
    def tables(self):
        table = Table("class", "AP", title="By class", caption="3 pictures")
        table.add_row("$x_1$ <b>", "0.5")
        return [table, "a line & more"]

    def as_json(self):
        return {"AP": 0.5}


class Outline(html.parser.HTMLParser):
    """Open tags, text and addresses of a page; every tag must be closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.sources, self.headings = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


@pytest.fixture(scope="module")
def findings():
    truth = random_truth(images=12)
    pairs = random_pairs(truth)
    return detection_findings(evaluated(truth, pairs).result(), truth, pairs, lambda found: found)


@pytest.fixture
def folder(tmp_path, findings):
    image = Finding("worst", "Worst", "text", [1], image=np.full((20, 30, 3), 200, "uint8"))
    save_findings(
        tmp_path / "a" / "b", "A <look>", ["Of x & y."], Result(), [*findings, image], "data"
    )
    return tmp_path / "a" / "b"


def test_each_finding_has_its_picture_and_its_numbers(folder, findings):
    names = [finding.name for finding in findings]
    assert names == ["confusion_matrix", "curves", "errors", "sizes"]
    pictures = [f"{name}.png" for name in (*names, "worst")]
    assert {path.name for path in folder.iterdir()} == {*pictures, "report.html", "report.json"}
    for name in pictures:
        with Image.open(folder / name) as image:
            image.load()
            assert len(set(image.convert("L").tobytes())) > 20 or name == "worst.png"
    values = json.loads((folder / "report.json").read_text())
    assert list(values) == ["source", "result", *names, "worst"]
    assert values["result"] == {"AP": 0.5}
    assert len(values["curves"][0]["precision_at_recalls"]) == 101
    assert set(values["errors"]["counts"]) >= {"class", "localisation", "missed"}


def test_the_page_needs_no_other_file_and_takes_names_as_text(folder):
    text = (folder / "report.html").read_text()
    outline = Outline(text)
    assert outline.headings[0] == "A <look>"
    assert outline.headings[1:] == [
        "Confusion matrix",
        "Precision, recall and score thresholds",
        "Errors by kind",
        "AP by size",
        "Worst",
    ]
    assert len(outline.sources) == 10
    assert all(re.match(r"#\w+$|data:image/(png|jpeg);base64,", one) for one in outline.sources)
    assert "$x_1$ <b>" in outline.text and "a line & more" in outline.text


@pytest.mark.parametrize("count", [1, 25, 70])
def test_any_number_of_classes_of_any_name_is_drawn(tmp_path, count):
    truth = random_truth(images=12)
    names = tuple(f"$_{n}$ 猫 {'long' * 9}" for n in range(max(count, 3)))
    truth = type(truth)(truth.records, names, tuple(range(len(names))), "many")
    pairs = random_pairs(truth)
    found = detection_findings(evaluated(truth, pairs).result(), truth, pairs, lambda one: one)
    save_findings(tmp_path, "many", [], Result(), found, "many")
    assert (tmp_path / "report.html").exists()


def test_an_empty_data_set_is_drawn_too(tmp_path):
    truth = random_truth(images=0)
    found = detection_findings(evaluated(truth, []).result(), truth, [], lambda one: one)
    save_findings(tmp_path, "nothing", [], Result(), found, "nothing")
    assert not (tmp_path / "sizes.png").exists()


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(DataError, match=r"pip install 'keras-effspine\[figures\]'"):
        save_findings(tmp_path / "new", "t", [], Result(), [], "data")
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match=r"file: is a file; name a folder"):
        save_findings(tmp_path / "file", "t", [], Result(), [], "data")
    assert (tmp_path / "file").read_text() == "mine"

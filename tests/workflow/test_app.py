"""The page of `effspine app`.

Gradio is not among what development installs: it asks for another Pillow. `pip install '.[app]'`.
"""

import importlib.util
import shutil
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.tasks.registry import find_task
from keras_effspine.workflow.app import build_app
from keras_effspine.workflow.predictor import Predictor

pytest.importorskip("gradio", reason="needs gradio (the extra app)")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


class NoFailures:
    def describe(self):
        return []


@pytest.fixture
def asked():
    """What the model was asked, a list of the file names of each time."""
    return []


@pytest.fixture
def predictor(asked):
    """Sees a box of each class in every picture, the second one faintly."""

    def predictions(records, batch_size=None, upright=False, most_failed=0.1, flip=False):
        asked.append([record.path.name for record in records.records])
        boxes = Boxes(
            boxes=np.array([[5.0, 5, 30, 20], [50, 30, 40, 30]]),
            classes=np.array([0, 1]),
            scores=np.array([0.9, 0.4]),
        )
        return [(record, boxes) for record in records.records], NoFailures()

    return Predictor(
        name="planted",
        kind="a run",
        task=find_task("detection"),
        task_name="detection",
        class_names=("cat", "dog"),
        canvas=(64, 64),
        predict_batch=len,
        stream=predictions,
    )


@pytest.fixture
def page(predictor):
    """Functions of the page by name: what is seen in files, and what is drawn of it."""
    blocks = build_app(predictor)
    return {function.fn.__name__: function.fn for function in blocks.fns.values()}


@pytest.fixture
def photos(tmp_path):
    for name in ("one.png", "two.png"):
        Image.new("RGB", (100, 80), "grey").save(tmp_path / name)
    return [str(tmp_path / "one.png"), str(tmp_path / "two.png")]


def coloured(image):
    """Number of pixels that are drawn, on a grey picture."""
    return int((np.ptp(image, axis=-1) > 20).sum())


def test_the_threshold_draws_anew_what_was_seen_and_asks_the_model_nothing(page, photos, asked):
    seen, said = page["see"](photos)
    assert said == "2 looked at"
    low, high, none = (page["draw"](seen, score) for score in (0.3, 0.5, 0.95))
    assert [caption for _, caption in low] == ["one.png", "two.png"]
    assert coloured(low[0][0]) > coloured(high[0][0]) > coloured(none[0][0]) == 0
    assert asked == [["one.png", "two.png"]]


def test_what_is_no_picture_is_named_and_the_others_are_looked_at(page, photos, tmp_path, asked):
    broken = tmp_path / "letter.jpg"
    broken.write_text("no picture")
    seen, said = page["see"]([str(broken), *photos])
    assert len(seen) == 2 and "letter.jpg is no picture that can be read" in said
    seen, said = page["see"]([str(broken)])
    assert seen == [] and "letter.jpg" in said and len(asked) == 1
    assert page["see"](None) == ([], "")


def test_without_gradio_one_line_says_what_to_install(effspine, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    answer = effspine("app", "m1_bccd")
    assert answer.status == 2
    assert "gradio, which is not installed: pip install 'keras-effspine[app]'" in answer.err


def test_an_address_that_is_taken_is_one_line(effspine):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = effspine("app", "m1_bccd", "--port", port)
    assert answer.status == 2 and f"127.0.0.1:{port} cannot be listened at" in answer.err
    assert "cannot be listened at" in effspine("app", "m1_bccd", "--port", 99999).err


@pytest.mark.slow
@pytest.mark.skipif(
    not (CHROMIUM and DRIVER and importlib.util.find_spec("selenium")),
    reason="needs Chromium, its driver and selenium",
)
def test_pictures_are_dropped_and_seen_in_a_browser(photos, tmp_path):
    """Looked at with the screenshot that it leaves in its folder."""
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    program = "from keras_effspine.cli.main import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "app", "m1_bccd", "--port", "0", "--min-score", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watchdog = threading.Timer(300, server.kill)
    watchdog.start()
    try:
        address = next(line for line in server.stdout if "The page is at" in line).split()[4]
        options = webdriver.ChromeOptions()
        for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=900,900"):
            options.add_argument(option)
        options.binary_location = CHROMIUM
        with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as browser:
            browser.get(address)
            wait = WebDriverWait(browser, 200)
            (upload,) = wait.until(
                lambda b: b.find_elements(By.CSS_SELECTOR, "#pictures input[type=file]")
            )
            upload.send_keys("\n".join(photos))
            wait.until(lambda b: len(b.find_elements(By.CSS_SELECTOR, "#drawn img")) >= 2)
            assert "2 looked at" in browser.find_element(By.ID, "said").text
            browser.save_screenshot(str(tmp_path / "page.png"))
    finally:
        watchdog.cancel()
        server.terminate()
        server.wait(30)

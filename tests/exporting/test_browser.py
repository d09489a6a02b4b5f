"""The page of `examples/browser` in headless Chromium."""

import functools
import http.server
import pathlib
import shutil
import subprocess
import threading

import numpy as np
import pytest
from PIL import Image

PAGE = pathlib.Path(__file__).parents[2] / "examples" / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.skipif(not (PAGE / "node_modules").is_dir(), reason="needs npm install"),
]


@pytest.fixture
def site(tmp_path):
    """Address of a copy of the page, and its folder."""
    for path in PAGE.iterdir():
        (tmp_path / path.name).symlink_to(path)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", tmp_path
        server.shutdown()


def text_of(address):
    """The page after its scripts have run."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000"]
    run = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", address], capture_output=True, text=True, timeout=300
    )
    return run.stdout


def test_a_page_without_a_server_of_its_own_detects(exported, site):
    address, folder = site
    file, _ = exported("detection", "onnx", decode=True)
    shutil.copy(file, folder / "cells.onnx")
    noise = np.random.default_rng(0).integers(0, 255, (60, 90, 3)).astype("uint8")
    Image.fromarray(noise).save(folder / "photo.png")
    assert "found in" in text_of(f"{address}?model=cells.onnx&picture=photo.png")
    raw, _ = exported("detection", "onnx")
    shutil.copy(raw, folder / "raw.onnx")
    assert "Error: This is no detector" in text_of(f"{address}?model=raw.onnx&picture=photo.png")
    assert "Error: " in text_of(f"{address}?model=photo.png&picture=photo.png")

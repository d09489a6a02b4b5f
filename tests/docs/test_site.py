"""The site is built of pages and docstrings without a warning."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = ("docs", "benchmarks", "examples")

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Function that builds the site as `make docs` does, and returns the finished process."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copyfile(ROOT / "mkdocs.yml", folder / "mkdocs.yml")
    (folder / "keras_effspine").symlink_to(ROOT / "keras_effspine")
    pages = folder / "build/pages"
    unwanted = shutil.ignore_patterns("*.py", "node_modules")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, pages / name, ignore=unwanted)
    for name in FILES:
        shutil.copyfile(ROOT / name, pages / name)
    program = pathlib.Path(sys.executable).with_name("zensical")

    def run():
        return subprocess.run(
            [program, "build", "--clean", "--strict", "-f", folder / "mkdocs.yml"],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
        )

    run.folder = folder
    return run


def test_the_site_is_built_without_a_warning(build):
    done = build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    page = (build.folder / "build/site/docs/api.html").read_text()
    shown = set(re.findall(r'id="keras_effspine\.[\w.]*\.(\w+)"', page))
    assert {"RetinaNet", "EffSpineNetBackbone", "MaskRCNN", "search", "export"} <= shown


def test_a_link_that_leads_nowhere_is_a_failure(build):
    page = build.folder / "build/pages/docs/faq.md"
    page.write_text(page.read_text() + "\n[nowhere](nowhere.md)\n")
    assert build().returncode != 0

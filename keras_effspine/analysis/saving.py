"""Findings written into a folder."""

from __future__ import annotations

import functools
import io
import json
import os
import pathlib
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from PIL import Image

from keras_effspine.analysis.finding import Finding
from keras_effspine.analysis.page import page
from keras_effspine.atomic_file import write_file
from keras_effspine.errors import DataError

PAGE_FILE, JSON_FILE = "report.html", "report.json"
_DPI = 110


def require_figures(folder: str | os.PathLike) -> None:
    """Says at once whether findings can be written there.

    Raises:
        DataError: if matplotlib is not installed, or the folder is a file.
    """
    if pathlib.Path(folder).is_file():
        raise DataError(
            f"{folder}: is a file; name a folder, or a file that ends in .json for the "
            "measurements alone."
        )
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise DataError(
            "A closer look is drawn with matplotlib, which is not installed: pip install "
            "'keras-effspine[figures]'; or name a file that ends in .json with --out."
        ) from error


def save_findings(
    folder: str | os.PathLike,
    title: str,
    facts: Iterable[str],
    result: Any,
    findings: Sequence[Finding],
    source: str,
) -> pathlib.Path:
    """Writes each finding's picture as PNG, all numbers as JSON, and a page with everything.

    Args:
        folder: path of the folder, made if it does not exist.
        title: heading of the page.
        facts: sentences on what was measured.
        result: what an evaluator's `result` returns.
        findings: sequence of `Finding`.
        source: what was measured on.

    Returns:
        Path of the page.

    Raises:
        DataError: as `require_figures`.
        RunFolderError: if a file cannot be written.
    """
    require_figures(folder)
    folder = pathlib.Path(folder)
    pictures = {}
    for finding in findings:
        png, shown = _pictures(finding)
        if png is not None:
            pictures[finding.name] = shown
            write_file(folder / f"{finding.name}.png", functools.partial(_write, content=png))
    values = {
        "source": source,
        "result": result.as_json(),
        **{finding.name: finding.values for finding in findings},
    }
    text = json.dumps(values, indent=2) + "\n"
    write_file(folder / JSON_FILE, lambda file: file.write_text(text, encoding="utf-8"))
    content = page(title, facts, result.tables(), findings, pictures)
    write_file(folder / PAGE_FILE, lambda file: file.write_text(content, encoding="utf-8"))
    return folder / PAGE_FILE


def _write(file: pathlib.Path, content: bytes) -> None:
    file.write_bytes(content)


def _pictures(finding: Finding) -> tuple[bytes | None, tuple[str, bytes]]:
    """The picture as PNG, and media type and bytes as they stand on the page."""
    png = io.BytesIO()
    if finding.image is not None:
        Image.fromarray(finding.image).save(png, "PNG")
        jpeg = io.BytesIO()  # photographs take a tenth of the room
        Image.fromarray(finding.image).save(jpeg, "JPEG", quality=88)
        return png.getvalue(), ("image/jpeg", jpeg.getvalue())
    if finding.figure is None:
        return None, ("", b"")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a class' name in letters that the font lacks
        finding.figure().savefig(png, format="png", dpi=_DPI, metadata={"Software": None})
    return png.getvalue(), ("image/png", png.getvalue())

"""Findings as one page of HTML that needs no other file."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from keras_effspine.analysis.finding import Finding

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1e1e1e; margin: 2rem auto; max-width: 72rem;
  padding: 0 1rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
th, td { border-bottom: 1px solid #ddd; padding: 0.2rem 0.8rem 0.2rem 0; text-align: left;
  overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.note { color: #666; font-size: 0.85rem; }
nav a { margin-right: 1rem; }
"""


def page(
    title: str,
    facts: Iterable[str],
    measured: Sequence[object],
    findings: Sequence[Finding],
    pictures: Mapping[str, tuple[str, bytes]],
) -> str:
    """The page as text.

    Args:
        title: its heading.
        facts: sentences on what was measured.
        measured: tables (`rich.table.Table`) or texts of the measurement.
        findings: what follows below it.
        pictures: dictionary from a finding's name to the media type and the bytes of its picture.
    """
    links = "".join(f'<a href="#{_shown(f.name)}">{_shown(f.title)}</a>' for f in findings)
    parts = [
        f"<h1>{_shown(title)}</h1>",
        *(f"<p>{_shown(fact)}</p>" for fact in facts),
        f"<nav>{links}</nav>",
        *map(_table, measured),
    ]
    for finding in findings:
        parts.append(f'<h2 id="{_shown(finding.name)}">{_shown(finding.title)}</h2>')
        parts.append(f"<p>{_shown(finding.text)}</p>")
        if finding.name in pictures:
            kind, content = pictures[finding.name]
            encoded = base64.b64encode(content).decode("ascii")
            parts.append(f'<img alt="{_shown(finding.title)}" src="data:{kind};base64,{encoded}">')
        parts += map(_table, finding.tables)
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(parts) + "\n</body>\n</html>\n"


def _table(table: object) -> str:
    if not isinstance(table, Table):
        return f"<p>{_shown(str(table))}</p>"
    heads = "".join(f"<th>{_shown(_plain(column.header))}</th>" for column in table.columns)
    rows = zip(*(column.cells for column in table.columns), strict=True)
    body = "".join(
        f"<tr>{''.join(f'<td>{_shown(_plain(cell))}</td>' for cell in row)}</tr>\n" for row in rows
    )
    title = f"<caption>{_shown(_plain(table.title))}</caption>" if table.title else ""
    note = f'<p class="note">{_shown(_plain(table.caption))}</p>' if table.caption else ""
    return f"<table>{title}<thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>{note}"


def _plain(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain


def _shown(text: str) -> str:
    return html.escape(text, quote=True)

# SPDX-License-Identifier: Apache-2.0
"""A report of a run: one HTML file that needs nothing beside itself.

Pictures are data URIs, the style sheet is inline, and the page's own content
security policy forbids it to load or run anything.
"""
from __future__ import annotations

import base64
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from pathlib import Path
from typing import Any

_PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --muted: #59636e;
  --paper: #ffffff; --line: #d1d9e0; --head: #f3f5f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --muted: #9aa4ae; --paper: #14181d;
    --line: #39414a; --head: #1f252c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem;
  color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 1.5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
p { max-width: 44rem; margin: 0.75rem 0; white-space: pre-line; }
.table { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; font-size: 0.92rem;
  font-variant-numeric: tabular-nums; }
caption, figcaption { color: var(--muted); font-size: 0.88rem;
  text-align: left; padding: 0.4rem 0; max-width: 44rem; }
caption { caption-side: bottom; }
th, td { padding: 0.4rem 0.9rem; text-align: left;
  border-bottom: 1px solid var(--line); }
th { background: var(--head); font-weight: 600; }
.number { text-align: right; }
figure { margin: 1.5rem 0; }
/* The pictures have a white ground, in the dark as well. */
figure img { display: block; max-width: 100%; height: auto; padding: 0.5rem;
  background: #ffffff; border: 1px solid var(--line); border-radius: 6px; }
"""


@dataclass(frozen=True)
class ReportTable:
    """A table: names of the columns, rows of cells, a line below it."""

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ''


@dataclass(frozen=True)
class ReportFigure:
    """A picture: PNG file, what it shows in words, a line below it."""

    png: bytes
    alt: str
    caption: str = ''


@dataclass(frozen=True)
class ReportSection:
    """A heading and, in reading order, paragraphs, tables and figures."""

    heading: str
    content: Sequence[str | ReportTable | ReportFigure] = ()


def write_report(path: str | os.PathLike, title: str,
                 sections: Sequence[ReportSection]) -> Path:
    """Write a report, or leave the old one as it was.

    Args:
        path: HTML file to write; its folder is created.
        title: Title of the page.
        sections: Content of the page. A string is a paragraph and stays
            plain text, whatever it contains.

    Returns:
        The path of the file.

    Raises:
        TypeError: Something that is no part of a report.
        ValueError: A figure that is no PNG file or has no alternative text,
            or a table whose rows do not fit its header.
    """
    path = Path(path)
    page = _page(title, sections)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader sees the old page or the new one, never half a page.
    part = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        part.write_text(page, encoding='utf-8')
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _page(title: str, sections: Sequence[ReportSection]) -> str:
    body = '\n'.join(map(_section, sections))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
</body>
</html>
"""


def _section(section: ReportSection) -> str:
    writers = {str: _paragraph, ReportTable: _table, ReportFigure: _figure}
    parts = [f'<h2>{escape(section.heading)}</h2>']
    for item in section.content:
        if type(item) not in writers:
            raise TypeError(
                f'Section {section.heading!r} of the report holds '
                f'{type(item).__name__}; its content may be str, ReportTable '
                'and ReportFigure')
        parts.append(writers[type(item)](item))
    return '<section>\n' + '\n'.join(parts) + '\n</section>'


def _paragraph(text: str) -> str:
    return f'<p>{escape(text)}</p>'


def _table(table: ReportTable) -> str:
    width = len(table.header)
    for row in table.rows:
        if isinstance(row, str) or len(row) != width:
            raise ValueError(
                f'A row of the table {list(table.header)} must have {width} '
                f'cells, got {row!r}')
    # A column of numbers has its name above the numbers' last digits.
    numeric = [
        bool(table.rows) and all(_is_number(row[i]) for row in table.rows)
        for i in range(width)
    ]
    kinds = [' class="number"' if number else '' for number in numeric]
    head = ''.join(f'<th scope="col"{kind}>{escape(str(name))}</th>'
                   for kind, name in zip(kinds, table.header))
    rows = '\n'.join(
        '<tr>' + ''.join(f'<td{kind}>{escape(_cell(value))}</td>'
                         for kind, value in zip(kinds, row)) + '</tr>'
        for row in table.rows)
    caption = (f'<caption>{escape(table.caption)}</caption>'
               if table.caption else '')
    return (f'<div class="table"><table>{caption}\n<thead><tr>{head}</tr>'
            f'</thead>\n<tbody>\n{rows}\n</tbody></table></div>')


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, Real) and
                             not isinstance(value, bool))


def _cell(value: Any) -> str:
    """Text of a cell; give a string where another format is wanted."""
    if value is None or (isinstance(value, Real) and math.isnan(value)):
        return '–'
    if isinstance(value, Real) and not isinstance(value, Integral):
        # Three digits after the point suit pixels and accuracies alike.
        return f'{value:.3f}'
    return str(value)


def _figure(figure: ReportFigure) -> str:
    if not bytes(figure.png[:8]) == _PNG_SIGNATURE:
        raise ValueError(
            f'The figure {figure.alt!r} of the report is no PNG file; use '
            'figure_to_png to make one')
    if not figure.alt.strip():
        raise ValueError(
            'A figure of the report has no alternative text; say in alt '
            'what it shows to those who cannot see it')
    data = base64.b64encode(figure.png).decode('ascii')
    caption = (f'<figcaption>{escape(figure.caption)}</figcaption>'
               if figure.caption else '')
    return (f'<figure><img src="data:image/png;base64,{data}" '
            f'alt="{escape(figure.alt)}">{caption}</figure>')

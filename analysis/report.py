"""A report as one HTML text: headings, paragraphs, tables and pictures in, a self-contained page out.

Every text is escaped, whoever wrote it; pictures are data within the page; the page asks for nothing from
anywhere and may run nothing. It reads on a phone, where rows of wide tables become blocks, and on paper.

Core Objects: Report, Section, Words, Table, Interval, Picture, Listing, report_html.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

MOST_ROWS = 300
"""Rows of a table that are shown; the others are counted."""

MOST_LETTERS = 4_000
"""Letters of a text in a table that are shown."""

_JOINERS = "\u200c\u200d"
"""Letters that do not print and that scripts need."""

_WIDE = 3
"""Tables of more columns become blocks on a narrow screen."""


@dataclass(frozen=True)
class Words:
    """Paragraphs; what stands between two pairs of asterisks is bold, nothing else is markup."""

    paragraphs: Sequence[str]
    kind: str = ""


@dataclass(frozen=True)
class Interval:
    """A number and its interval, on an axis from ``start`` to ``end``; ``mark`` is to compare it with."""

    low: float
    value: float
    high: float
    start: float
    end: float
    mark: float = 0.0


Cell: TypeAlias = "str | float | int | Interval | None"


@dataclass(frozen=True)
class Table:
    """A table with its caption; the first column heads each row. ``numbers`` are columns of numbers."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[str] = frozenset()
    elsewhere: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture, what it shows in words, and its caption."""

    data: bytes
    alt: str
    caption: str

    @property
    def media(self) -> str | None:
        """What kind of picture the data are; ``None`` if of none that a page may hold."""
        if self.data.startswith(b"\x89PNG\r\n\x1a\n"):
            return "image/png"
        return "image/svg+xml" if b"<svg" in self.data[:2000] else None

    @property
    def broad(self) -> bool:
        """Whether it is more than twice as wide as high: narrow screens show a part, not all of it tiny."""
        if self.media == "image/png":
            width, height = (float(int.from_bytes(self.data[at : at + 4], "big")) for at in (16, 20))
        else:
            box = re.search(rb'viewBox="0 0 (\d+\.?\d*) (\d+\.?\d*)"', self.data[:2000])
            width, height = (float(side) for side in box.groups()) if box else (0.0, 0.0)
        return width > 2 * height


@dataclass(frozen=True)
class Listing:
    """A file's text, as it is."""

    text: str


Part: TypeAlias = "Words | Table | Picture | Listing"


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Report:
    """A page: what it is a report of, the question, and its sections; those without parts are left out."""

    kind: str
    title: str
    question: str
    sections: Sequence[Section]
    made_by: str = ""


def report_html(report: Report) -> str:
    """Return a report as one page of HTML."""
    sections = [section for section in report.sections if section.parts]
    contents = "".join(
        f'<li><a href="#s{number}">{_text(section.heading)}</a></li>'
        for number, section in enumerate(sections)
    )
    body = "".join(
        f'<section aria-labelledby="s{number}"><h2 id="s{number}">{_text(section.heading)}</h2>'
        f"{''.join(map(_part, section.parts))}</section>\n"
        for number, section in enumerate(sections)
    )
    question = f'<p class="question">{_text(report.question)}</p>' if report.question else ""
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(report.title)}: {_text(report.kind)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        "<body>\n"
        f'<header><p class="kind">{_text(report.kind)}</p><h1>{_text(report.title)}</h1>{question}</header>\n'
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n<main>\n{body}</main>\n'
        f"<footer>{_text(report.made_by)}</footer>\n</body>\n</html>\n"
    )


def printable(text: str) -> str:
    """Return a text without letters that do not print: such could turn the direction of what follows."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" or letter in _JOINERS else "\ufffd"
        for letter in text
    )


def _text(text: str) -> str:
    return html.escape(printable(text), quote=True)


def _part(part: Part) -> str:
    match part:
        case Words():
            return "".join(f"<p{_class(part.kind)}>{_bold(text)}</p>" for text in part.paragraphs if text)
        case Table():
            return _table(part)
        case Picture():
            return _picture(part)
        case Listing():
            return f'<pre tabindex="0">{_text(part.text)}</pre>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _bold(text: str) -> str:
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", _text(text), flags=re.DOTALL)
    return bold.replace("\n", "<br>")


def _picture(picture: Picture) -> str:
    media = picture.media
    if media is None:
        return f"<p>{_text(picture.caption)}: not a picture that can be shown.</p>"
    data = base64.b64encode(picture.data).decode("ascii")
    # As an image, an SVG runs no scripts and fetches nothing.
    return (
        f'<figure{_class("broad" if picture.broad else "")}><div class="picture" tabindex="0">'
        f'<img alt="{_text(picture.alt)}" src="data:{media};base64,{data}"></div>'
        f"<figcaption>{_text(picture.caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    wide = len(table.columns) > _WIDE
    classes = ["number" if column in table.numbers else "" for column in table.columns]
    heads = "".join(
        f'<th scope="col"{_class(kind)}>{_breakable(_text(column))}</th>'
        for column, kind in zip(table.columns, classes, strict=True)
    )
    rows = []
    for row in table.rows[:MOST_ROWS]:
        first, *others = row
        cells = [f'<th scope="row">{_breakable(_cell(first))}</th>']
        for column, kind, cell in zip(table.columns[1:], classes[1:], others, strict=True):
            cells.append(f'<td{_class(kind)} data-of="{_text(column)}">{_cell(cell)}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>\n")
    more = len(table.rows) - MOST_ROWS
    left = f'<p class="more">{more} more rows{_text(table.elsewhere)}.</p>' if more > 0 else ""
    return (
        f'<div class="table" role="region" tabindex="0" aria-label="{_text(table.caption)}">'
        f"<table{_class('wide' if wide else '')}><caption>{_text(table.caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table></div>{left}\n"
    )


def _breakable(text: str) -> str:
    """Let a dotted key go on in the next line after a dot or an underscore."""
    return re.sub(r"(?<=[^\d\s])([._])(?=\w)", r"\1<wbr>", text)


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Interval():
            return _drawn(cell)
        case str():
            shown = cell if len(cell) <= MOST_LETTERS else f"{cell[:MOST_LETTERS]} ..."
            return _text(shown).replace("\n", "<br>")
        case bool() | int():
            return str(cell)
        case float():
            return number(cell)


def number(value: float) -> str:
    """Return a number in four digits, with a minus sign; what is not defined is a dash."""
    return "–" if value != value else f"{value + 0.0:.4g}".replace("-", "−")  # noqa: RUF001


def span(low: float, high: float) -> str:
    """Return an interval in words; one that is not defined is a dash."""
    return number(low) if low != low else f"{number(low)} to {number(high)}"


def _drawn(interval: Interval) -> str:
    """Return the interval as a drawing; its numbers stand beside it, so screen readers pass it over."""
    width = interval.end - interval.start
    if not width > 0 or interval.value != interval.value:
        return ""

    def at(value: float) -> str:
        return f"{4 + 152 * min(max((value - interval.start) / width, 0.0), 1.0):.1f}"

    line = ""
    if interval.low == interval.low and interval.high == interval.high:
        low, high = at(interval.low), at(interval.high)
        bar = f"M{low} 9H{high}M{low} 5V13M{high} 5V13"
        line = f'<path d="{bar}" stroke="#0072B2" stroke-width="1.6" fill="none"/>'
    return (
        '<svg class="interval" viewBox="0 0 160 18" width="160" height="18" aria-hidden="true">'
        f'<path d="M{at(interval.mark)} 0V18" stroke="#767676" stroke-dasharray="2 2"/>{line}'
        f'<circle cx="{at(interval.value)}" cy="9" r="3.4" fill="#D55E00"/></svg>'
    )


def intervals(
    rows: Sequence[tuple[float, float, float]], *, mark: float = 0.0
) -> Callable[[float, float, float], Interval]:
    """Return a function that puts (low, value, high) on an axis which fits all of ``rows`` and the mark."""
    known = [value for row in rows for value in row if value == value and abs(value) != float("inf")]
    start, end = min([*known, mark]), max([*known, mark])

    def placed(low: float, value: float, high: float) -> Interval:
        return Interval(low, value, high, start, end, mark)

    return placed


_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: #fff; color: #1a1a1a;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word; -webkit-text-size-adjust: 100%; }
header { border-bottom: 3px solid #0072B2; margin-bottom: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .6rem; padding-top: .4rem; border-top: 1px solid #d0d0d0; }
p, li { max-width: 46rem; }
p { margin: .5rem 0; }
.kind { margin: 0; color: #555; font-size: .9rem; }
.question { font-size: 1.1rem; margin: 0 0 .8rem; }
.warning { border-left: 5px solid #D55E00; background: #fdf1ea; padding: .5rem .8rem; }
.aside { color: #4a4a4a; font-size: .9rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; margin: 0; padding: 0; }
a { color: #005a8e; }
nav a { display: inline-block; padding: .3rem 0; }
figure { margin: 1rem 0; break-inside: avoid; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { color: #4a4a4a; font-size: .9rem; margin-top: .3rem; max-width: 46rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .875rem; line-height: 1.35; }
caption { text-align: left; font-weight: 600; padding: 0 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0;
  border-bottom: 1px solid #e2e2e2;
  overflow-wrap: anywhere; min-width: 3.5rem; max-width: 24rem; }
thead th { border-bottom: 2px solid #555; vertical-align: bottom; overflow-wrap: normal; }
tbody th { font-weight: 600; min-width: 7rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
td.number { white-space: nowrap; }
.interval { display: block; }
.more { color: #4a4a4a; font-size: .875rem; }
pre { background: #f5f5f5; border: 1px solid #ddd; padding: .7rem; overflow-x: auto; font-size: .8rem;
  line-height: 1.4; }
footer { border-top: 1px solid #d0d0d0; margin-top: 2rem; padding-top: .5rem; color: #4a4a4a;
  font-size: .85rem; }
a:focus-visible, .table:focus-visible,
.picture:focus-visible, pre:focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
@media screen and (max-width: 44rem) {
  body { padding: .8rem; }
  h1 { font-size: 1.4rem; }
  table.wide, .wide tbody, .wide tr, .wide th, .wide td, .wide caption { display: block; max-width: none; }
  .broad .picture { overflow-x: auto; }
  .broad img { max-width: 52rem; }
  .wide thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .wide tr { border-bottom: 2px solid #999; padding: .5rem 0; }
  .wide tbody th { border: 0; font-size: 1rem; padding: 0 0 .2rem; }
  .wide td, .wide td.number { border: 0; padding: .1rem 0; text-align: left; white-space: normal; }
  .wide td:empty { display: none; }
  .wide td::before { content: attr(data-of) ": "; color: #4a4a4a; }
  .wide td .interval { display: inline-block; vertical-align: middle; }
}
@media print {
  @page { margin: 15mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2 { break-after: avoid; }
  .table, pre { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: .2rem .4rem .2rem 0; }
  .interval { width: 100px; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
  pre { white-space: pre-wrap; font-size: 7.5pt; }
  .interval, .warning { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

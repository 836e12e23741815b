import base64
import re
from html.parser import HTMLParser

import pytest

from analysis.report import (
    MOST_ROWS,
    Interval,
    Listing,
    Picture,
    Report,
    Section,
    Table,
    Words,
    intervals,
    number,
    report_html,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> **<b>x</b>** &amp;"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(3)</script></svg>'
PNG = b"\x89PNG\r\n\x1a\n rest"


class Page(HTMLParser):
    """What a browser would make of a page: elements, attributes, text."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page(*parts, **said):
    told = {"kind": "Report", "title": "T", "question": "Q"} | said
    return Page(report_html(Report(**told, sections=[Section("One", parts)])))


def everything(text):
    return (
        Words([text]),
        Words([text], "warning"),
        Table(text, (text, "b", "c", "d"), [(text, text, 1.5, None)], frozenset({"c"})),
        Picture(SVG, text, text),
        Picture(b"not a picture", text, text),
        Listing(text),
    )


def test_hostile_texts_stay_texts():
    whole = Report(HOSTILE, HOSTILE, HOSTILE, [Section(HOSTILE, everything(HOSTILE))], HOSTILE)
    harmless = Report("x", "x", "x", [Section("x", everything("x"))], "x")
    hostile, plain = Page(report_html(whole)), Page(report_html(harmless))
    bold = [("strong", {})] * 2  # of the two paragraphs
    shape = sorted((tag, sorted(attributes)) for tag, attributes in hostile.elements)
    assert shape == sorted((tag, sorted(attributes)) for tag, attributes in plain.elements + bold)
    assert hostile.text.count("<script>alert(1)</script>\"'><img src=x onerror=alert(2)>") >= 10
    assert hostile.all("img")[0]["alt"] == HOSTILE
    assert not hostile.all("script")


def test_page_asks_for_nothing_and_may_run_nothing():
    found = page(*everything("x"), Picture(PNG, "a", "b"))
    for _, attributes in found.elements:
        for key in ("src", "href", "action", "data", "poster", "srcset"):
            assert attributes.get(key, "#").startswith(("#", "data:image/"))
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    assert not {tag for tag, _ in found.elements} & {"script", "link", "iframe", "object", "embed", "base"}
    (policy,) = [meta["content"] for meta in found.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "url(" not in found.text
    assert "@import" not in found.text


def test_pictures_are_data_of_images():
    found = page(Picture(SVG, "a drawing", "Below"), Picture(PNG, "a photograph", "Below"))
    drawing, photograph = found.all("img")
    assert (drawing["alt"], photograph["alt"]) == ("a drawing", "a photograph")
    for image, media, data in ((drawing, "svg+xml", SVG), (photograph, "png", PNG)):
        head, _, content = image["src"].partition(",")
        assert head == f"data:image/{media};base64"
        assert base64.b64decode(content) == data


@pytest.mark.parametrize(("width", "height", "broad"), [(900, 300, True), (900, 600, False)])
def test_broad_pictures_are_known(width, height, broad):
    png = PNG[:8] + b"\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    svg = f'<svg width="1pt" viewBox="0 0 {width}.5 {height}" xmlns="x"></svg>'.encode()
    found = page(Picture(png, "a", "b"), Picture(svg, "a", "b"))
    assert [figure.get("class") for figure in found.all("figure")] == [("broad" if broad else None)] * 2


def test_what_is_no_picture_is_said_so():
    found = page(Picture(b"MZ\x90 program", "a", "The plot"))
    assert not found.all("img")
    assert "The plot: not a picture" in found.text


def test_tables_have_captions_and_headings():
    table = Table(
        "Effects", ("Arm", "Mean"), [("law", 0.123456), ("none", float("nan"))], frozenset({"Mean"})
    )
    found = page(table)
    assert len(found.all("caption")) == 1
    assert [head["scope"] for head in found.all("th")] == ["col", "col", "row", "row"]
    assert found.all("td") == [{"class": "number", "data-of": "Mean"}] * 2
    assert "0.1235" in found.text
    assert "nan" not in found.text
    (region,) = [div for div in found.all("div") if div.get("class") == "table"]
    assert (region["role"], region["aria-label"], region["tabindex"]) == ("region", "Effects", "0")


def test_long_tables_are_cut_and_say_so():
    found = page(
        Table("Runs", ("Run", "Why"), [(n, "x" * 10_000) for n in range(MOST_ROWS + 7)], elsewhere=" in F")
    )
    assert len(found.all("tr")) == MOST_ROWS + 1
    assert "7 more rows in F." in found.text
    assert max(map(len, re.findall("x+", found.text))) < 5_000


def test_contents_lead_to_sections_and_empty_ones_are_left_out():
    report = Report(
        "k", "t", "", [Section("A", [Words(["x"])]), Section("B", []), Section("C", [Words(["y"])])]
    )
    found = Page(report_html(report))
    ids = [heading["id"] for heading in found.all("h2")]
    assert [link["href"] for link in found.all("a")] == [f"#{name}" for name in ids]
    assert len(ids) == 2
    assert "B" not in found.text.split()
    assert len(found.all("h1")) == 1
    assert found.all("html") == [{"lang": "en-GB"}]


@pytest.mark.parametrize("letter", ["\u202e", "\x00", "\x1b", "\ud800", "\u2066"])
def test_letters_that_turn_or_break_the_text_are_replaced(letter):
    text = report_html(Report("k", f"a{letter}b", "", [Section("s", [Listing(f"c{letter}\nd\u200d")])]))
    assert letter not in text
    assert "a\ufffdb" in text
    assert "c\ufffd\nd\u200d" in text
    text.encode()


def test_bold_is_the_only_markup():
    found = page(Words(["**Who acts.** Half *of* `them` [x](http://y)"]))
    assert len(found.all("strong")) == 1
    assert not [link for link in found.all("a") if "http" in link["href"]]
    assert "*of* `them` [x](http://y)" in found.text


def test_intervals_are_drawn_to_one_scale():
    place = intervals([(-1.0, 0.0, 1.0), (0.0, 2.0, 3.0)])
    found = page(Table("t", ("a", "b"), [("one", place(-1.0, 0.0, 1.0)), ("two", place(0.0, 2.0, 3.0))]))
    first, second = (float(circle["cx"]) for circle in found.all("circle"))
    assert first == pytest.approx(4 + 152 / 4)  # 0 on an axis from -1 to 3
    assert second == pytest.approx(4 + 152 * 3 / 4)
    bars = [path["d"] for path in found.all("path") if path.get("fill") == "none"]
    assert bars[0].startswith("M4.0 9H80.0")
    assert bars[1].startswith("M42.0 9H156.0")
    assert all(drawing["aria-hidden"] == "true" for drawing in found.all("svg"))


def test_intervals_that_are_not_defined_are_not_drawn():
    nan = float("nan")
    rows = [("one", Interval(nan, nan, nan, 0, 1)), ("two", Interval(nan, 0.5, nan, 0, 1))]
    found = page(Table("t", ("a", "b"), rows))
    assert len(found.all("svg")) == 1
    assert not [path for path in found.all("path") if path.get("fill") == "none"]


def test_numbers():
    assert [number(value) for value in (0.5, -0.0, 1234567.0, float("nan"))] == [
        "0.5",
        "0",
        "1.235e+06",
        "\u2013",
    ]
    assert number(-1.5) == "\u22121.5"

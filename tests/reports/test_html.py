import base64
import hashlib
import json
import re
import struct
import zlib
from html.parser import HTMLParser

import altair as alt
import nbformat
import pytest

from workbench.charts.export import to_png, to_vega_lite
from workbench.charts.frame import framed, inline
from workbench.reports import html as page_module
from workbench.reports.html import LIMIT, to_html

NASTY = "</script><script>alert(1)</script><!-- \u2028"
VEGA = "application/vnd.vegalite.v5+json"
new = nbformat.v4


class Page(HTMLParser):
    """What a browser would find: addresses, scripts, the elements' attributes."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.title, self._open = [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, _):
        self._open = ""

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] += data
        if self._open == "title":
            self.title += data

    def all(self, name, **wanted):
        return [a for tag, a in self.elements if tag == name and wanted.items() <= a.items()]


def bars(label=NASTY):
    data = inline([{"token": label, "count": 3}, {"token": "b", "count": 1}])
    chart = alt.Chart(data).mark_bar().encode(x="count:Q", y="token:N")
    return framed(chart, "Tokens", f"Counts of {label}")


def code(source="x", status="completed", outputs=(), number=1, seconds=0.1, **metadata):
    record = {"papermill": {"status": status, "duration": seconds}, **metadata}
    return new.new_code_cell(source, metadata=record, outputs=list(outputs), execution_count=number)


def shown(**forms):
    return new.new_output("display_data", data={k.replace("_", "/"): v for k, v in forms.items()})


def drawn(chart, png=None):
    data = {VEGA: to_vega_lite(chart), "text/plain": "a chart"}
    if png:
        data["image/png"] = base64.encodebytes(png).decode()
    return new.new_output("display_data", data=data)


def stream(name, text):
    return new.new_output("stream", name=name, text=text)


def notebook(*cells):
    return new.new_notebook(cells=list(cells))


@pytest.fixture(autouse=True)
def light_bundle(monkeypatch):
    """Leave Vega out: one test makes the real bundle."""
    monkeypatch.setattr(page_module, "bundle", lambda: "globalThis.vegaEmbed = null;")


@pytest.fixture(scope="module")
def picture():
    return to_png(bars())


@pytest.fixture
def charts(picture):
    return notebook(code(outputs=[drawn(bars(), picture)]), code(outputs=[drawn(bars("a"))]))


def test_nothing_in_the_page_has_an_address(charts):
    page = Page(to_html(charts, "title"))
    for tag, attributes in page.elements:
        for name in {"src", "href", "srcset", "data", "action"} & attributes.keys():
            assert attributes[name].startswith(("data:", "#"))
        assert tag not in ("link", "iframe", "object", "base")


def test_the_policy_allows_these_scripts_and_nothing_else(charts):
    page = Page(to_html(charts, "title"))
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    kinds = [attributes.get("type") for attributes in page.all("script")]
    assert kinds == ["application/json"] * 3 + ["module"] * 2
    digests = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in page.scripts[-2:]
    ]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert policy == (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def test_the_policy_comes_before_anything_it_governs(charts):
    text = to_html(charts, "title")
    assert text.index("Content-Security-Policy") < min(map(text.index, ("<style", "<script")))


def test_no_script_can_leave_a_specification(charts):
    page = Page(to_html(charts, "title"))
    specification = json.loads(page.scripts[0])
    assert NASTY in json.dumps(specification, ensure_ascii=False)
    assert "<" not in page.scripts[0]


def test_every_chart_says_what_it_shows(charts):
    page = Page(to_html(charts, "title"))
    assert [a["aria-label"] for a in page.all("figure")] == [f"Counts of {NASTY}", "Counts of a"]
    (still,) = page.all("img")
    assert still["alt"] == f"Counts of {NASTY}"


def test_the_picture_stands_at_half_its_pixels(charts, picture):
    (still,) = Page(to_html(charts, "title")).all("img")
    assert base64.b64decode(still["src"].partition(",")[2]) == picture
    assert int(still["width"]) == struct.unpack(">I", picture[16:20])[0] // 2


def test_without_a_chart_there_is_no_script():
    page = Page(to_html(notebook(code()), "title"))
    assert page.scripts == []
    assert (
        "script-src 'none'"
        in page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    )


def test_vega_is_in_the_page_once(charts, monkeypatch):
    monkeypatch.undo()
    text = to_html(charts, "title")
    assert text.count("globalThis.vegaEmbed=") == 1
    assert len(text.encode()) < LIMIT
    assert not re.search("</script|<!--|\r", page_module.bundle())


def png(size):
    """A picture of about `size` bytes."""
    header = struct.pack(">I4sIIBBBBB", 13, b"IHDR", 400, 300, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + header + zlib.compress(b"") + bytes(size)


def test_pictures_that_would_burst_the_page_are_left_out():
    sizes = (900_000, 600_000, 300_000)  # 4/3 of it in base64: the second is too much
    cells = [code(outputs=[drawn(bars("a"), png(size))]) for size in sizes]
    text = to_html(notebook(*cells), "title")
    assert len(text.encode()) < LIMIT
    assert len(Page(text).all("img")) == 2
    assert "<!--still" not in text


def test_the_head_of_the_page():
    text = to_html(
        notebook(new.new_markdown_cell("# About <b>x</b>\n\nText."), code()),
        "run <1>",
        facts={"Status": "ok", "Device": "<cpu>"},
        parameters={"units": 64, "word": "<i>"},
    )
    page = Page(text)
    assert page.title == "run <1>"
    assert text.count("<h1>") == 1
    assert "<h1>About &lt;b&gt;x&lt;/b&gt;</h1>" in text
    assert "<dd>&lt;cpu&gt;</dd>" in text
    assert "<li><span>word</span> &lt;i&gt;</li>" in text
    assert page.all("p", **{"class": "banner"}) == []


def test_without_a_heading_the_title_is_one():
    assert "<h1>run</h1>" in to_html(notebook(), "run")
    assert "<h1>run</h1>" in to_html(notebook(new.new_markdown_cell("## Part")), "run")


def test_a_failed_run_says_so_at_the_very_top():
    error = new.new_output(
        "error", ename="E", evalue="<x>", traceback=["\x1b[31mE\x1b[39m: <x>", "second"]
    )
    text = to_html(
        notebook(code(), code("fail()", "failed", [error], 2), code("never()", "pending")),
        "run",
        banner="This run failed in cell [2]: <E>",
    )
    body = text[text.index("<body>") :]
    assert re.match(r'<body>\s*<p class="banner" role="alert"><a href="#failed">This run', body)
    assert "&lt;E&gt;" in body
    assert len(Page(text).all("section", id="failed")) == 1
    assert len([a for a in Page(text).all("details") if "open" in a]) == 1
    assert '<span class="ansi-red-fg">E</span>: &lt;x&gt;\nsecond' in text
    assert "code, not run" in text


def test_code_is_folded_and_labelled():
    text = to_html(
        notebook(
            code("a = 1", tags=["parameters"]),
            code("a = 2", tags=["injected-parameters"], number=2),
            code("train()", number=3, seconds=12.34),
            code("   "),
        ),
        "run",
    )
    labels = re.findall("<summary>(.*?)</summary>", text)
    assert labels == ["default parameters [1]", "given parameters [2]", "code [3], 12.3 s"]


def test_sections_can_be_reached():
    parts = ["## One <&", "## Two", "### Below", "## Three"]
    text = to_html(notebook(*map(new.new_markdown_cell, parts)), "run")
    page = Page(text)
    anchors = [a["id"] for a in page.all("h2")]
    assert len(anchors) == 3
    nav = text[text.index("<nav") : text.index("</nav>")]
    assert [a["href"] for a in Page(nav).all("a")] == [f"#{anchor}" for anchor in anchors]
    assert "<nav" not in to_html(notebook(*map(new.new_markdown_cell, parts[:2])), "run")


@pytest.mark.parametrize(
    ("output", "expected", "unwanted"),
    [
        (stream("stdout", "<a> \x1b[1mb\x1b[0m"), '&lt;a&gt; <span class="ansi-bold">b', "<a>"),
        (stream("stderr", "<a>"), "<summary>standard error</summary>", "<a>"),
        (shown(text_plain="<a>"), "<pre tabindex=\"0\">&lt;a&gt;</pre>", "<a>"),
        (shown(text_html="<b>1</b>", text_plain="1"), "<b>1</b>", "<pre t"),
        (shown(text_markdown="*a*", text_plain="a"), "<em>a</em>", "<pre t"),
        (shown(image_png="aGk=\n"), 'src="data:image/png;base64,aGk="', None),
        (shown(**{"image_svg+xml": "<svg><script/></svg>"}), "data:image/svg+xml;base64,", "<svg"),
        (shown(application_javascript="alert(1)"), "<section", "alert"),
        (shown(**{"application_vnd.jupyter.widget-view+json": {}, "text_plain": "W()"}), "W()",
         "widget"),
    ],
)  # fmt: skip
def test_forms_of_output(output, expected, unwanted):
    text = to_html(notebook(code(outputs=[output])), "run")
    body = text[text.index("<main>") :]
    assert expected in body
    assert unwanted is None or unwanted not in body


def test_standard_error_is_one_fold_at_the_end():
    outputs = [stream("stderr", "one "), stream("stdout", "said"), stream("stderr", "two")]
    text = to_html(notebook(code(outputs=outputs)), "run")
    assert text.count("standard error") == 1
    assert text.index("said") < text.index("one two")


def test_the_notebook_is_not_changed(charts):
    before = json.dumps(charts)
    to_html(charts, "title")
    assert json.dumps(charts) == before


def test_dark_and_light_and_paper():
    text = to_html(notebook(), "run")
    assert "@media screen and (prefers-color-scheme: dark) { :root {--paper:#14181c;" in text
    assert "@media print" in text

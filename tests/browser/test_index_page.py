"""The comparison page in a real browser with the network cut."""

import os
import re
from pathlib import Path

import pytest

from workbench.charts import theme
from workbench.reports import comparison
from workbench.reports.comparison import write_index

pytestmark = pytest.mark.browser

NASTY = "</script><img src=x onerror=\"document.title='taken over'\">"
DIRECTORY = "<img src=x onerror=\"document.title='taken over'\">"
SENTENCE = ["the old dog", "le vieux chien"]


@pytest.fixture
def index(make_run, tmp_path, page, monkeypatch):
    """Write the page of some runs and open it."""
    monkeypatch.setattr(comparison, "importances_of", lambda *_: {"units": 0.75, NASTY: 0.25})

    def index(*names, **options):
        runs = [
            make_run(
                name, units=2 ** (place + 4), bleu=10.0 * place, page=True,
                losses=[5.0 / step + place for step in range(1, 41)],
                encoder="gru" if place % 2 else "lstm", parameters={"remark": NASTY + name},
                samples=[[*SENTENCE, "le chien vieux" if place % 2 else "le vieux chien"]],
            )
            for place, name in enumerate(names)
        ]  # fmt: skip
        broken = {"type": "ValueError", "message": NASTY, "traceback": NASTY}
        runs.append(
            make_run("broken", status="failed", units=1024, error=broken, losses=[9.0, 8.0])
        )
        options = {"title": "Sizes", "objective": "validation.bleu"} | options
        page.goto(write_index(tmp_path, runs, **options).as_uri())
        page.wait_for_function("() => !document.querySelector('.chart:not(.drawn)')")
        return page

    return index


def shown(page):
    return page.locator("#table tbody tr:visible th a").all_text_contents()


def pictures(page, name):
    """Keep screenshots where the variable says, to be looked at."""
    if folder := os.environ.get("WORKBENCH_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_everything_is_drawn_and_the_best_stand_first(index, watch):
    page = index("a", "b", "c", "d", "e")
    for figure in ("curves", "parallel", "mattered"):
        assert page.locator(f"#{figure} .view svg path").count() > 3
        assert page.locator(f"#{figure}").get_attribute("aria-label")
    assert shown(page) == ["e", "d", "c", "b", "a", "broken"]
    chosen = page.locator("#chosen li span").all_text_contents()
    assert chosen == ["e", "d", "c"]
    assert page.locator("#side thead th").all_text_contents()[2:] == [
        "estep 40", "dstep 40", "cstep 40"
    ]  # fmt: skip
    assert page.locator("#side td u").all_text_contents() == ["chien"]  # in d alone
    page.get_by_label("Figure").select_option("Training loss (nats a token)")
    page.locator("#curves[aria-label^='Training loss']").wait_for()
    pictures(page, "index")
    assert watch.console == watch.uncaught == []


def test_texts_of_runs_do_nothing(index, watch):
    page = index(DIRECTORY, "b", title=NASTY, notes={"b": NASTY})
    assert page.title() == NASTY
    assert DIRECTORY in page.locator("#chosen").text_content()
    assert NASTY in page.locator("#unfinished + ul").text_content()
    page.get_by_role("checkbox", name=f"Choose {DIRECTORY}", exact=True).uncheck()
    page.locator("#query").fill(DIRECTORY.split()[0])
    assert page.locator("img").count() == 0
    assert watch.console == watch.uncaught == watch.requests == []


def test_rows_are_found_by_words_comparisons_and_lists(index):
    page = index("a", "b", "c", "d", "e")
    count = page.locator("#count")
    assert count.get_attribute("aria-live") == "polite"
    for query, names in (
        ("units>=128", ["e", "d", "broken"]), ("gru", ["d", "b"]), ("bleu>5 gru", ["d", "b"]),
        ("validation.bleu=30", ["d"]), ("encoder!=gru units<128", ["c", "a"]),
        ("ValueError", []), ("nothing>5", []),
    ):  # fmt: skip
        page.locator("#query").fill(query)
        assert shown(page) == names, query
        assert count.text_content() == f"{len(names)} of 6 runs"
    page.get_by_role("button", name="Show all").click()
    page.locator("#count", has_text=re.compile("^6 runs$")).wait_for()
    page.locator("#filters").get_by_label("encoder").select_option("gru")
    page.locator("#filters").get_by_label("status").select_option("ok")
    assert shown(page) == ["d", "b"]


def test_headings_sort_with_the_keyboard(index):
    page = index("a", "b", "c")
    heading = page.get_by_role("columnheader", name="units")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert shown(page) == ["broken", "c", "b", "a"]
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert shown(page) == ["a", "b", "c", "broken"]
    bleu = page.get_by_role("columnheader", name="validation BLEU")
    bleu.get_by_role("button").click()
    assert shown(page)[-1] == "broken"  # what has no figure is last either way


def test_pointing_at_a_run_shows_it_everywhere(index):
    page = index("a", "b", "c")
    strong = f'[stroke="{theme.LIGHT.accent}"]'
    page.locator("#table tbody tr").nth(1).hover()
    for figure in ("curves", "parallel"):
        page.locator(f"#{figure} svg path{strong}").first.wait_for(state="attached")
    page.locator("h1").hover()
    page.wait_for_function("() => !document.querySelector('#table tr.at')")
    line = page.locator("#parallel svg path[stroke-width='8']").first
    line.dispatch_event("pointerover")
    page.locator("#table tr.at").wait_for()


def test_dragging_over_an_axis_keeps_the_runs_that_pass(index):
    page = index("a", "b", "c", "d", "e")
    page.locator("#parallel").scroll_into_view_if_needed()
    heading = page.locator("#parallel svg text", has_text="validation BLEU").bounding_box()
    x = heading["x"] + heading["width"] / 2
    top = heading["y"] + heading["height"]
    page.mouse.move(x - 20, top + 14)
    page.mouse.down()
    page.mouse.move(x + 20, top + 118, steps=5)  # of 280 px
    page.mouse.up()
    page.locator("#count", has_text="2 of 6 runs").wait_for()
    assert shown(page) == ["e", "d"]  # 40 and 30 of 0 to 40
    page.get_by_role("button", name="Show the runs outside").click()
    page.locator("#count", has_text=re.compile("^6 runs$")).wait_for()


def test_six_runs_at_most_are_told_apart(index):
    page = index("a", "b", "c", "d", "e", "f", "g")
    page.get_by_role("button", name="Best 6").click()
    assert page.locator("#chosen li").count() == 6
    seventh = page.get_by_role("checkbox", name="Choose a", exact=True)
    assert seventh.is_disabled()
    page.get_by_role("button", name="Choose c no longer").click()
    seventh.check()
    assert page.locator("#chosen li span").all_text_contents() == ["g", "f", "e", "d", "b", "a"]
    page.get_by_role("button", name="None").click()
    assert page.locator("#side").text_content() == "No run is chosen."


def test_links_lead_to_the_reports(index):
    page = index("a", "b")
    page.locator("ol.best a", has_text="b").click()
    assert page.locator("h1").text_content() == "report"


@pytest.mark.parametrize(("scheme", "palette"), [("light", theme.LIGHT), ("dark", theme.DARK)])
def test_the_page_follows_the_reader_s_system_and_fits(index, scheme, palette):
    page = index("a", "b", "c")
    page.emulate_media(color_scheme=scheme)
    paper = f"rgb({', '.join(str(part) for part in bytes.fromhex(palette.paper[1:]))})"
    page.wait_for_function(
        "paper => [...document.querySelectorAll('.chart svg')]"
        ".every(svg => svg.style.backgroundColor === paper)",
        arg=paper,
    )
    for width in (1280, 900, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        pictures(page, f"index-{scheme}-{width}")


def test_every_control_has_a_name(index):
    page = index("a", "b")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select')].filter(it =>
            !(it.textContent.trim() && it.tagName === 'BUTTON') && !it.ariaLabel
            && !it.labels?.length).map(it => it.outerHTML)"""
    )
    assert unnamed == []


def test_without_scripts_the_table_and_the_errors_are_there(browser, make_run, tmp_path):
    broken = make_run("broken", status="failed", error={"type": "ValueError", "message": "no"})
    path = write_index(tmp_path, [make_run("a", bleu=1.0), broken], title="Sizes")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.get_by_role("row", name="broken failed").is_visible()
    assert page.get_by_text("ValueError: no").is_visible()
    context.close()

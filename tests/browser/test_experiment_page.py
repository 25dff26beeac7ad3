"""The report of a real run in a real browser with the network cut."""

import pytest

pytestmark = pytest.mark.browser

WIDTH = 900  # px, the narrowest window it is made for


@pytest.fixture
def report(experiment, page):
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.goto(experiment.run.page.as_uri())
    page.wait_for_function("document.querySelectorAll('.chart:not(.drawn)').length === 0")
    return page


def test_every_chart_is_drawn_and_says_what_it_shows(report, watch):
    charts = report.locator(".chart")
    assert charts.count() == 7
    for number in range(charts.count()):
        chart = charts.nth(number)
        assert chart.locator("svg").first.bounding_box()["height"] > 100
        assert len(chart.get_attribute("aria-label")) > 20
    assert (watch.console, watch.uncaught) == ([], [])


def test_hovering_over_attention_names_both_tokens(report):
    chart = report.locator(".chart", has_text="gold alignment").first
    cell = chart.locator("g.mark-rect path").nth(3)
    cell.scroll_into_view_if_needed()
    cell.hover()
    tip = report.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert "source" in tip.inner_text()
    assert "target" in tip.inner_text()


def test_nothing_is_wider_than_the_window(report):
    assert report.evaluate("document.documentElement.scrollWidth") <= WIDTH

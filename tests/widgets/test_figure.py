from workbench.charts import Table, curves
from workbench.records import Progress
from workbench.widgets import figure

HISTORY = [
    Progress(1, 0, 2.0, 0.1, 1.0, 5, 50.0, 0.1, 2),
    Progress(2, 0, 1.5, 0.1, 1.0, 5, 50.0, 0.2, 2),
]
PNG = b"\x89PNG\r\n"


def test_a_chart_is_vega_lite_and_png_and_words():
    forms = figure.bundle(curves(HISTORY))
    assert set(forms) == {figure.VEGA_LITE, "image/png", "text/plain"}
    assert "v5" in forms[figure.VEGA_LITE]["$schema"]
    assert forms["image/png"].startswith(PNG)
    assert forms["text/plain"] == forms[figure.VEGA_LITE]["description"] != ""


def test_while_training_no_png_is_drawn():
    assert set(figure.bundle(curves(HISTORY), picture=False)) == {figure.VEGA_LITE, "text/plain"}


def test_a_table_is_html_and_text():
    table = Table(("a",), (("<b>",),), "A table")
    assert figure.bundle(table) == {"text/html": table.to_html(), "text/plain": table.to_text()}
    assert "<b>" not in figure.bundle(table)["text/html"]


def test_no_form_is_a_widget(monkeypatch):
    shown = []
    monkeypatch.setattr(figure, "display", lambda forms, raw: shown.append((forms, raw)))
    figure.show(curves(HISTORY), Table(("a",), ((1,),), "A table"))
    assert [raw for _, raw in shown] == [True, True]
    assert not any("widget" in mime for forms, _ in shown for mime in forms)

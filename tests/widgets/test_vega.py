import json
import threading

import altair as alt
import numpy as np
import pytest

from workbench.charts import theme
from workbench.charts.frame import framed, inline
from workbench.widgets import vega
from workbench.widgets.vega import VegaView

ROWS = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.5}]
ROW = {"step": 3, "loss": 1.0}


@pytest.fixture(autouse=True)
def no_bundle(monkeypatch):
    """Making the real one takes seconds."""
    vega.runtime.cache_clear()
    monkeypatch.setattr(vega, "vega_script", lambda code: code)
    yield
    vega.runtime.cache_clear()


def curve(rows=(), title="Loss", words="A loss."):
    points = alt.InlineData(values=list(rows), name="points")
    return framed(alt.Chart(points).mark_line().encode(x="step:Q", y="loss:Q"), title, words)


def drawing(view):
    """Return what a page gets that opens, or opens again."""
    return view.get_state("_drawing")["_drawing"]


def test_a_page_opens_with_the_chart_in_it(said):
    view = VegaView(curve(ROWS))
    opened = view.comm.said[0][1]["state"]["_drawing"]["message"]
    assert opened["number"] == 1
    assert opened["sets"] == {"points": ROWS}
    assert opened["description"] == "A loss."
    assert opened["specification"]["data"] == {"name": "points"}
    assert not {"config", "datasets", "description"} & opened["specification"].keys()
    assert said(view) == []


def test_other_rows_alone_are_sent_and_the_same_not_at_all(said):
    view = VegaView(curve(ROWS))
    view.show(curve(ROWS))
    assert said(view) == []
    view.show(curve([*ROWS, ROW], words="Another loss."))
    sets = {"points": [*ROWS, ROW]}
    assert said(view) == [({"number": 2, "description": "Another loss.", "sets": sets}, [])]


def test_another_chart_is_sent_whole(said):
    view = VegaView(curve(ROWS))
    view.show(curve([ROW], title="Another"))
    [(message, _)] = said(view)
    assert message["number"] == 2
    assert message["specification"]["title"]["text"] == "Another"
    assert message["sets"] == {"points": [ROW]}
    assert message == drawing(view)["message"]


def test_rows_are_numbered_messages_and_a_page_that_opens_later_gets_them_all(said):
    view = VegaView(curve())
    view.put("points", ROWS)
    view.append("points", [ROW])
    view.append("more", [{"x": np.float32("nan")}])
    assert said(view) == [
        ({"number": 2, "sets": {"points": ROWS}}, []),
        ({"number": 3, "more": {"points": [ROW]}}, []),
        ({"number": 4, "more": {"more": [{"x": None}]}}, []),
    ]
    message = drawing(view)["message"]
    assert message["number"] == 4
    assert message["sets"] == {"points": [*ROWS, ROW], "more": [{"x": None}]}


def test_what_was_sent_does_not_change_later(said):
    view = VegaView(curve())
    view.put("points", ROWS)
    view.append("points", [ROW])
    assert said(view)[0][0]["sets"] == {"points": ROWS}


def test_what_is_added_stays_out_of_the_chart_itself(said):
    rows = [dict(row) for row in ROWS]
    chart = alt.Chart(inline(rows)).mark_line().encode(x="step:Q")
    view = VegaView(chart)
    view.append("rows_0", [ROW])
    assert rows == ROWS
    view.show(chart)
    assert said(view)[-1][0]["sets"] == {"rows_0": ROWS}


def test_a_matrix_travels_as_bytes_beside_the_message(said):
    view = VegaView(curve())
    view.put_cells("points", np.array([[0, 1]]), ["a", "b"], ["c"])
    cells = {"source": ("a", "b"), "target": ("c",), "buffer": 0}
    assert said(view) == [({"number": 2, "sets": {"points": cells}}, [b"\x00\xff"])]
    assert drawing(view)["message"]["sets"] == {"points": cells}
    assert drawing(view)["buffers"] == [b"\x00\xff"]
    with pytest.raises(TypeError, match="expected rows in 'points', got cells"):
        view.append("points", [ROW])


def test_a_page_that_is_behind_gets_the_whole_and_others_nothing(said):
    view = VegaView(curve(ROWS))
    view.append("points", [ROW])
    view._handle_custom_msg({"number": 2}, [])
    assert len(said(view)) == 1
    view._handle_custom_msg({"number": 0}, [])
    assert said(view)[1][0] == drawing(view)["message"]


def test_parameters_that_are_listened_to_come_back(said):
    view = VegaView(curve(ROWS))
    seen = []
    view.listen("pick")
    view.observe(lambda change: seen.append(change.new), "selected")
    assert said(view)[0][0]["listening"] == ("pick",)
    view.set_state({"selected": {"pick": {"step": [1]}}})
    assert seen == [{"pick": {"step": [1]}}]
    view.show(curve(title="Another"))
    assert said(view)[-1][0]["listening"] == ("pick",)
    assert view.selected == {}  # nothing is, in another chart


def test_what_is_selected_stays_where_only_rows_change(said):
    view = VegaView(curve(ROWS))
    view.set_state({"selected": {"pick": {"step": [1]}}})
    view.show(curve([*ROWS, ROW]))
    assert view.selected == {"pick": {"step": [1]}}


def test_messages_from_many_threads_leave_in_the_order_of_their_numbers(said):
    view = VegaView(curve())
    threads = [
        threading.Thread(target=lambda: [view.append("points", [ROW]) for _ in range(200)])
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [message["number"] for message, _ in said(view)] == list(range(2, 1002))
    assert len(drawing(view)["message"]["sets"]["points"]) == 1000


def test_the_library_is_there_once_with_both_dresses(said):
    first, second = VegaView(), VegaView()
    assert first._runtime is second._runtime
    script = str(first._runtime._esm)
    assert "embed: vegaEmbed" in script
    for dark in (False, True):
        assert json.dumps(theme.config(dark)) in script


def test_the_real_library_is_vega_embed(monkeypatch):
    monkeypatch.undo()
    script = str(vega.VegaRuntime()._esm)
    assert len(script) > 500_000
    assert "https://cdn" not in script.lower()

import ipywidgets
import pytest

from workbench.widgets.parts import Painted, card, markup, row, show, words, write


def updates(widget):
    """Return the state of every message that a widget, made with `said`, sent of itself."""
    return [
        data["state"] for _, data, _ in widget.comm.said if data and data.get("method") == "update"
    ]


def test_words_are_escaped_and_markup_is_not():
    assert words("<b>").value == "&lt;b&gt;"
    assert markup("<b>x</b>", "wb-note").value == "<b>x</b>"
    assert "wb-note" in markup("", "wb-note")._dom_classes


def test_boxes_have_their_classes():
    inner = words("a")
    assert row(inner).children == (inner,)
    assert set(card()._dom_classes) >= {"wb-column", "wb-card"}


@pytest.mark.usefixtures("said")
def test_a_sliders_value_is_told_after_its_limits():
    slider = ipywidgets.IntSlider(value=1, min=0, max=1)
    write(slider, max=5, value=4, disabled=True)
    assert (slider.max, slider.value, slider.disabled) == (5, 4, True)
    assert [set(state) for state in updates(slider)] == [{"max", "disabled"}, {"value"}]
    write(slider, max=5, value=4)
    assert len(updates(slider)) == 2


def test_hiding_and_showing():
    box = row()
    show(box, shown=False)
    show(box, shown=False)
    assert box._dom_classes.count("wb-hidden") == 1
    show(box, shown=True)
    assert "wb-hidden" not in box._dom_classes


def test_what_was_painted_last_is_not_painted_again():
    painted, record = Painted(), []
    assert painted.is_new("a", 1, record)
    assert not painted.is_new("a", 1, record)
    assert painted.is_new("a", 2, record)
    assert painted.is_new("a", 2, [])  # equal, but another record
    assert painted.is_new("b", 2)
    assert painted.is_new("b", 2, 2)  # one thing more

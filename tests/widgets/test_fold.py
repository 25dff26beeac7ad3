import ipywidgets
import pytest

from workbench.widgets.choices import Choices
from workbench.widgets.fold import Fold


@pytest.fixture
def choices():
    return Choices()


def test_it_is_closed_until_its_button_is_pressed(choices):
    content = ipywidgets.HTML("inside")
    fold = Fold(choices, "More", content)
    button, inside = fold.children
    assert (button.description, fold.is_open) == ("▸ More", False)
    assert "wb-hidden" in inside._dom_classes
    button.click()
    assert choices.unfolded == ("More",)
    fold.paint()
    assert button.description == "▾ More"
    assert "wb-hidden" not in inside._dom_classes
    button.click()
    fold.paint()
    assert (choices.unfolded, button.description) == ((), "▸ More")


def test_copies_are_alike_and_others_stay_as_they_are(choices):
    one, copy = (Fold(choices, "More", ipywidgets.HTML()) for _ in range(2))
    other = Fold(choices, "Other", ipywidgets.HTML())
    for fold in (other, one):
        fold.children[0].click()
    for fold in (one, copy, other):
        fold.paint()
    assert (one.is_open, copy.is_open, other.is_open) == (True, True, True)
    one.children[0].click()
    assert (copy.is_open, other.is_open) == (False, True)

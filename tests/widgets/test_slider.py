import pytest
import traitlets

from workbench.widgets.parts import write
from workbench.widgets.slider import Slider


@pytest.fixture
def slider():
    slider = Slider(description="Moment")
    yield slider
    slider.close()


def test_a_person_moves_it(slider):
    seen = []
    write(slider, max=3, value=3, text="step 30")
    slider.observe(lambda change: seen.append(change.new), "value")
    slider.set_state({"value": 1})
    assert (seen, slider.max, slider.text) == ([1], 3, "step 30")


def test_it_takes_places_only(slider):
    with pytest.raises(traitlets.TraitError):
        slider.set_state({"value": -1})

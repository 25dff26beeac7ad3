import pytest

from workbench.errors import SettingsError
from workbench.reports.constraints import Constraint
from workbench.reports.dimensions import Choice
from workbench.reports.methods import Sampler
from workbench.reports.space import Space, as_text, located


@pytest.fixture
def space(load):
    def make(constraints=(), fixed=None, **dimensions):
        return Space(
            load("works"), {name: Choice(values) for name, values in dimensions.items()},
            fixed or {}, tuple(map(Constraint, constraints)), (), None, Sampler("grid"), None,
        )  # fmt: skip

    return make


def test_a_grid_is_every_point_that_meets_the_constraints(space):
    grid = space(["units * layers <= 32"], units=(8, 16, 32), layers=(1, 2)).grid
    assert grid == ({"units": 8, "layers": 1}, {"units": 8, "layers": 2},
                    {"units": 16, "layers": 1}, {"units": 16, "layers": 2},
                    {"units": 32, "layers": 1})  # fmt: skip


def test_constraints_see_what_does_not_vary_and_the_notebooks_own(space):
    assert space(["word == 'hello'", "beam_width == 5"], units=(8,)).grid == ({"units": 8},)
    with pytest.raises(SettingsError, match="none of the 1 points"):
        space(["word == 'hello'"], {"word": "bye"}, units=(8,)).grid  # noqa: B018


def test_a_constraint_spares_a_contradiction(space):
    dimensions = {"units": (8, 9), "bidirectional": (True, False)}
    with pytest.raises(SettingsError, match=r"units=9, bidirectional=True: .*units is"):
        space(**dimensions).grid  # noqa: B018
    grid = space(["units % 2 == 0 or not bidirectional"], **dimensions).grid
    assert {"units": 9, "bidirectional": True} not in grid
    assert len(grid) == 3


def test_why_a_point_makes_no_sense(space):
    drawn = space(["units > 8"], units=(8, 9, 10))
    assert drawn.refusal({"units": 8}) == "units > 8"
    assert "each direction takes half" in drawn.refusal({"units": 9})
    assert drawn.refusal({"units": 10}) == ""


def test_a_run_is_given_texts_that_read_back(space):
    made = space(fixed={"word": "5", "bidirectional": False}, learning_rate=(1e-05,))
    given = made.given({"learning_rate": 1e-05}, seed=3)
    assert given == {"word": "5", "bidirectional": "false", "learning_rate": "1e-05", "seed": "3"}
    chosen = made.chosen({"learning_rate": 1e-05}, seed=3)
    assert (chosen.config.learning_rate, chosen.config.seed) == (1e-05, 3)
    assert chosen.config.bidirectional is False
    assert chosen.extras["word"] == "5"


def test_texts():
    assert [as_text(value) for value in ("a", 1, 0.5, True, None, [1])] == [
        "a", "1", "0.5", "true", "null", "[1]",
    ]  # fmt: skip


def test_errors_say_where():
    with pytest.raises(SettingsError, match=r"^file: key: wrong$"), located("file"), located("key"):
        raise SettingsError("wrong")

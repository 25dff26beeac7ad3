import nbformat
import pytest
import yaml

from workbench.errors import SettingsError
from workbench.reports.dimensions import Choice, Range
from workbench.reports.methods import Pruner, Sampler
from workbench.reports.objective import Objective
from workbench.reports.space_file import read_space


@pytest.fixture
def read(tmp_path, load):
    """Read the space of a tiny notebook from a text."""

    def read(text, given=None):
        path = tmp_path / "space.yaml"
        path.write_text(text)
        return read_space(path, load("swept"), given or {})

    return read


def test_a_whole_space(read):
    space = read("""
parameters:
  units: [8, 16]
  learning_rate: {low: 1e-4, high: 1e-2, log: true}
  decoder: gru
fixed: {epochs: 4}
constraints:
  - units < 16 or learning_rate < 1e-3
seeds: 2
objective: validation.bleu
sampler: {name: tpe, trials: 7}
pruner: median
""")
    assert space.dimensions == {
        "units": Choice((8, 16)),
        "learning_rate": Range(1e-4, 1e-2, None, True, None, False),
    }
    assert space.fixed == {"epochs": 4, "decoder": "gru"}
    assert [each.text for each in space.constraints] == ["units < 16 or learning_rate < 1e-3"]
    assert space.seeds == (1, 2)
    assert space.objective == Objective("validation.bleu", "maximize")
    assert space.sampler == Sampler("tpe", 7)
    assert space.pruner == Pruner("median")


def test_a_short_space_is_a_grid(read):
    space = read("parameters: {units: [8, 16], layers: {low: 1, high: 2}}")
    assert space.sampler == Sampler("grid")
    assert len(space.grid) == 4
    assert (space.seeds, space.objective, space.pruner) == ((), None, None)


def test_what_is_given_beside_the_file_is_fixed_and_wins(read):
    space = read("{parameters: {units: [8, 16]}, fixed: {epochs: 4}}", {"epochs": "3", "seed": "9"})
    assert space.fixed == {"epochs": 3, "seed": 9}
    with pytest.raises(SettingsError, match=r"parameters\.units: is fixed as well"):
        read("parameters: {units: [8, 16]}", {"units": "8"})
    with pytest.raises(SettingsError, match="unknown parameter 'unit'"):
        read("parameters: {units: [8, 16]}", {"unit": "8"})


UNITS = "parameters: {units: [8, 16]}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected keys with values, got NoneType"),
        ("- units", "expected keys with values, got list"),
        ("parameter: {units: [8]}", "unknown key 'parameter'; did you mean 'parameters'?"),
        ("seeds: 3", "parameters: expected the parameters that vary, found none"),
        ("parameters: [units]", "parameters: expected keys with values, got list"),
        ("parameters: {unist: [8]}", r"parameters\.unist: unknown parameter; did you mean 'units'"),
        ("parameters: {units: []}", r"parameters\.units: expected values, got an empty list"),
        ("parameters: {units: {low: 9, high: 8}}", r"parameters\.units: .*is empty"),
        ("parameters: {units: [8, -1]}", r"parameters\.units: expected an integer from 1"),
        ("parameters: {run_directory: [a, b]}", r"parameters\.run_directory: the sweep decides"),
        ("parameters: {live: [true]}", r"parameters\.live: a run of a sweep has no person"),
        ("parameters:\n  units: [8\n  layers: 1\n", "line 3: is not YAML: "),
        ("parameters:\n\tunits: 1\n", "line 2: is not YAML: "),
        ("parameters: {units: [8], units: [9]}", "line 1: is not YAML: 'units' stands there twice"),
        (f"{UNITS}fixed: {{epoch: 3}}", r"fixed\.epoch: unknown parameter; did you mean 'epochs'"),
        (f"{UNITS}fixed: {{units: 3}}", r"parameters\.units: is fixed as well"),
        (f"{UNITS}fixed: {{epochs: few}}", r"fixed\.epochs: expected an integer"),
        (f"{UNITS}constraints: unit > 3", "constraints: 'unit > 3': unknown parameter 'unit'"),
        (f"{UNITS}constraints: units > 99", "constraints: none of the 2 points meets them"),
        (f"{UNITS}constraints: units % layers > corpus", "constraints: .*cannot be computed"),
        (f"{UNITS}seeds: 0", "seeds: expected a number of seeds, or a list of some, got 0"),
        (f"{UNITS}seeds: [1, 1]", "seeds: expected a number of seeds"),
        (f"{UNITS}seeds: true", "seeds: expected a number of seeds"),
        ("parameters: {seed: [1, 2]}\nseeds: 2", "seeds: seed is among the parameters as well"),
        (f"{UNITS}objective: validation.blue", "objective: no run of this notebook measures"),
        (f"{UNITS}sampler: tpe", "sampler: tpe needs trials"),
        (f"{UNITS}pruner: median", "pruner: a run can be judged early only by what training"),
        ("parameters: {dropout: {low: 0, high: 0.5}}", r"parameters\.dropout: a grid needs"),
        ("parameters: {units: {low: 1, high: 4000}, layers: [1, 2, 3]}", "a grid of 12000 points"),
        ("parameters: {bidirectional: [true], units: [8, 9]}",
         r"parameters: units=9: units is 9 .*; add a constraint"),
    ],
)  # fmt: skip
def test_every_error_is_one_line_with_file_and_key(read, tmp_path, text, reason):
    with pytest.raises(SettingsError, match=reason) as error:
        read(text)
    assert str(error.value).startswith(f"{tmp_path / 'space.yaml'}: ")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path, load):
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read: No such file"):
        read_space(tmp_path / "none.yaml", load("swept"), {})


def test_a_notebook_without_parameters(tmp_path):
    with pytest.raises(SettingsError, match="the notebook has no parameters: tag the cell"):
        read_space(tmp_path / "space.yaml", nbformat.v4.new_notebook(), {})


def test_the_example_is_a_space_of_the_experiment(request):
    from workbench.reports.parameters import read_notebook

    notebooks = request.config.rootpath / "notebooks"
    space = read_space(notebooks / "sweep.yaml", read_notebook(notebooks / "experiment.ipynb"), {})
    text = (notebooks / "sweep.yaml").read_text()
    assert set(yaml.safe_load(text)["parameters"]) == set(space.dimensions)


def test_what_the_sweep_decides_is_not_given_beside_it(read):
    with pytest.raises(SettingsError, match=r"^-p run_directory: the sweep decides .*leave it out"):
        read("parameters: {units: [8, 16]}", {"run_directory": "mine"})

import nbformat
import pytest

import workbench
from workbench.config import RunConfig
from workbench.reports.parameters import read_parameters
from workbench.widgets.code import parameters_of, python_of

CONFIGS = [
    RunConfig(),
    RunConfig(units=64),
    RunConfig(corpus="scan", split="length", encoder="transformer", decoder="transformer",
              learning_rate=1e-05, bidirectional=False, name='"\\\n\'é\u2028', live=False),
]  # fmt: skip


def settings_in(code, monkeypatch):
    """Run the code, and return the settings that a session was made with."""
    made = []

    class Session:
        def __init__(self, config):
            made.append(config)

        def train(self):
            made.append("trained")

    monkeypatch.setattr(workbench, "Session", Session, raising=False)
    exec(code, {})
    return made


@pytest.mark.parametrize("config", CONFIGS)
def test_the_python_trains_with_the_same_settings(config, monkeypatch):
    assert settings_in(python_of(config), monkeypatch) == [config, "trained"]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_parameters_cell_gives_the_same_settings(config):
    cell = nbformat.v4.new_code_cell(parameters_of(config), metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    read = read_parameters(notebook, {}).config
    assert read.replace(live=config.live) == config  # which the runner gives


def test_only_what_is_not_the_default_is_written():
    assert python_of(RunConfig()) == (
        "from workbench import RunConfig, Session\n\nsession = Session(RunConfig())\n"
        "session.train()\n"
    )
    assert "session = Session(RunConfig(units=64))\n" in python_of(RunConfig(units=64))
    assert parameters_of(RunConfig()) == "# all settings are the default ones\n"
    assert parameters_of(RunConfig(units=64)) == "units: int = 64  # width of the states\n"


def test_many_settings_stand_on_a_line_each_in_the_order_of_the_panels():
    config = RunConfig(epochs=3, corpus="dates", encoder="gru", decoder="gru", attention="dot")
    assert python_of(config).splitlines()[2:-1] == [
        "session = Session(RunConfig(",
        '    corpus="dates",',
        '    encoder="gru",',
        '    decoder="gru",',
        '    attention="dot",',
        "    epochs=3,",
        "))",
    ]

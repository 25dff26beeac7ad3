"""What may be asked of a session when. No model is made here, and TensorFlow is not loaded."""

import pytest

from workbench.errors import WorkbenchError
from workbench.session.refusals import (
    BUILDING,
    COMMANDS,
    NO_MODEL,
    Standing,
    out_of_place,
    refusal,
)

PREPARES = {"load", "build", "train", "advance"}
ASKS = {
    "translate", "stepper", "score", "self_attention", "evaluate", "diagnose", "attribute",
    "wanted_attention", "states", "over_time", "save",
}  # fmt: skip
MAY = {  # what may be requested in each state, where nothing is awaited, taken apart or stale
    "empty": PREPARES,
    "data": PREPARES,
    "built": PREPARES - {"build"} | ASKS,
    "training": {"pause", "stop"} | ASKS - {"over_time"},
    "paused": {"resume", "advance", "stop"} | ASKS,
    "trained": PREPARES - {"build"} | ASKS,
    "failed": PREPARES - {"build"} | ASKS,
}


@pytest.mark.parametrize("state", MAY)
def test_every_command_in_every_state(state):
    now = Standing(state)
    assert {command for command in COMMANDS if not refusal(command, now)} == MAY[state]


@pytest.mark.parametrize(
    ("command", "state", "reason"),
    [
        ("load", "training", "training is under way; stop it first"),
        ("build", "paused", "training is under way; stop it first"),
        ("build", "trained", "the model is built already; change a setting to build another"),
        ("train", "training", "training is under way; wait for it or stop it first"),
        ("train", "paused", "training is paused; resume it or stop it"),
        ("advance", "training", "training is under way; pause it first"),
        ("over_time", "training", "training is under way; pause it first"),
        ("pause", "paused", "nothing is training; there is nothing to pause"),
        ("resume", "training", "training is not paused; there is nothing to resume"),
        ("stop", "built", "nothing is training; there is nothing to stop"),
        ("take_apart", "built", "no translation is taken apart yet; ask for a stepper first"),
        ("translate", "data", NO_MODEL),
    ],
)
def test_a_refusal_says_what_to_do(command, state, reason):
    assert refusal(command, Standing(state)) == reason


def test_an_unknown_command_is_an_error():
    with pytest.raises(WorkbenchError, match=r"expected a command \(load, .*did you mean 'train'"):
        refusal("trian", Standing())


def test_other_settings_let_another_model_be_built():
    assert refusal("build", Standing("trained", stale=True)) == ""
    assert refusal("build", Standing("training", stale=True)) == (
        "training is under way; stop it first"
    )


def test_what_is_taken_apart_stays_as_the_model_is():
    apart = {state: refusal("take_apart", Standing(state, taken_apart=True)) for state in MAY}
    assert apart["training"] == (
        "training is under way and changes the model; pause it or stop it first"
    )
    assert {state for state, reason in apart.items() if not reason} == {
        "built", "paused", "trained", "failed",
    }  # fmt: skip


def test_only_worker_0_steers():
    now = Standing("training", leads=False)
    steered = {command for command in COMMANDS if "worker 0" in refusal(command, now)}
    assert steered == {"pause", "resume", "advance", "stop"}


@pytest.mark.parametrize("beginning", ["train", "advance"])
def test_while_training_is_about_to_begin_nothing_else_makes_a_model(beginning):
    now = Standing("empty", awaited=frozenset({beginning}))
    for command in ("train", "advance", "build"):
        assert refusal(command, now) == "training is about to begin; wait for it"
    assert refusal("load", now) == refusal("translate", now) == ""


def test_a_model_that_is_coming_may_be_asked():
    building, awaited = Standing("data", BUILDING), Standing("empty", awaited=frozenset({"build"}))
    for now in (building, awaited):
        assert {command for command in ASKS if refusal(command, now)} == set()
    assert refusal("build", awaited) == "the model is about to be built; wait for it"
    assert refusal("save", Standing("data", "reading the corpus")) == NO_MODEL


def test_a_method_may_come_too_early_for_a_request():
    """Called in Python, what asks a model makes one."""
    for command in ASKS:
        assert out_of_place(command, Standing("empty")) == ""

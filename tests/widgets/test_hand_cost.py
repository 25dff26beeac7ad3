"""What a step cost, and the diagnosis with a reference: numbers from the step itself, by hand."""

import numpy as np
import pytest

from workbench.charts.state_layout import nats
from workbench.data.tokenizer import BEGIN, END
from workbench.interventions import SetRow
from workbench.widgets.hand_cost import cost


@pytest.fixture
def part(hand):
    return hand.panel._hand.cost


@pytest.fixture
def by_hand(codec, make_stepper):
    """Return, of a source, what is written and its log-probabilities; greedily without tokens."""
    step = make_stepper.step_for(codec)

    def write(source, target="", weights=None, banned=()):
        memory, state, tokens, logs = step.sources[codec.encode_source(source)], np.zeros(5), [], []
        wanted = codec.encode_target(target) if target else None
        given = None if weights is None else np.tile(np.float32(weights), (2, 2, 1))
        while not tokens or (tokens[-1] != END and len(tokens) < 8):
            own, _, state = step.one([BEGIN, *tokens][-1], state, memory, given)
            allowed = own.copy()
            allowed[[0, 1, 2, *banned]] = -np.inf
            tokens.append(int(allowed.argmax()) if wanted is None else wanted[len(tokens)])
            logs.append(float(own[tokens[-1]]))
            given, banned = None, ()  # what was done is done before the first token
        return codec.target.tokens(tokens), logs

    return write


def scored(logs):
    """Return the score of the search, with its length penalty of 0.6."""
    return sum(logs) / ((5 + len(logs)) / 6) ** 0.6


def diagnose(hand, part, reference, **settings):
    hand.session.configure(beam_width=1, **settings)
    hand.stepping.reference = reference
    hand.press(part.box.children[2].children[1])
    return hand.stepping.diagnosis


def test_a_step_costs_what_it_lacks_of_the_likeliest(hand, part):
    assert part._cost.value == "Nothing is written yet."
    first = hand.stepper.current.decoded
    likeliest = first.following[first.best()]
    last = hand.stepper.candidates(6)[-1]
    hand.stepper.force(last.token)
    hand.settle()
    one = last.log_probability - likeliest
    assert f"{last.token} cost Δ log p {one:.2f}; all".replace("-", "−") in cost(hand.stepping.now)
    hand.stepper.advance()
    told = cost(hand.stepping.now)
    assert f"cost Δ log p 0.00; all steps together {one:.2f},".replace("-", "−") in told


def test_with_a_reference_it_says_whose_error_it_is(hand, part, by_hand):
    """Greedy search, token by token: at the first that differs the reference leaves the beam."""
    source, target = "small cat and dog", "chien et chat"
    (tokens, logs), (wanted, their_logs) = by_hand(source), by_hand(source, target)
    found = diagnose(hand, part, target)
    assert found.found.best.tokens == tokens
    assert found.found_score == pytest.approx(scored(logs), abs=1e-4)
    most = int(np.argmin(their_logs))
    assert f"most first: {wanted[most]} {-their_logs[most]:.2f}" in part._surprise._description
    assert found.reference_score == pytest.approx(scored(their_logs), abs=1e-4)
    assert found.fault == ("search" if scored(their_logs) > scored(logs) else "model")
    step = [ours == theirs for ours, theirs in zip(tokens, wanted, strict=False)].index(False)
    assert (found.fall.step, found.fall.token, found.fall.fate) == (step, wanted[step], "pruned")
    short = sum(logs[: step + 1]) - sum(their_logs[: step + 1])
    assert found.fall.short == pytest.approx(short, abs=1e-4)
    told = part._verdict.value
    assert told.startswith("Model error: the reference scores −")
    assert f"scores {nats(scored(their_logs))}, what the search finds {nats(scored(logs))};" in told
    assert f"the reference left the beam at step {step + 1}, {wanted[step]}" in told
    assert "Diagnosis: model error" in part._table.value
    assert hand.stepper.current.decoded.prefix == ()  # the tree stays as it is


def test_a_reference_that_is_found_has_no_error(hand, part, by_hand):
    hand.begin("dog")
    hand.stepping.reference = "poisson"
    hand.press(part.box.children[2].children[1])  # with a beam of three
    found, (_, logs) = hand.stepping.diagnosis, by_hand("dog", "poisson")
    assert (found.fault, found.fall) == ("none", None)
    assert part._verdict.value == "The search finds the reference."
    both = found.found_score, found.reference_score
    assert both == pytest.approx((scored(logs), scored(logs)), abs=1e-4)


def test_what_is_edited_at_the_beginning_counts_for_both(hand, part, by_hand, codec):
    target, weights = "chien et", (0.1, 0.2, 0.3, 0.4, 0.0)
    plain = diagnose(hand, part, target)
    hand.stepper.edit_source(0, "old")
    hand.stepper.edit_attention(SetRow(weights=weights))
    free = by_hand("old cat and dog", weights=weights)
    hand.stepper.ban(free[0][0])
    hand.stepper.force("poisson")  # further on: it counts for neither
    hand.settle()
    banned = codec.encode_target(free[0][0])[:1]
    tokens, logs = by_hand("old cat and dog", weights=weights, banned=banned)
    _, their_logs = by_hand("old cat and dog", target, weights)
    found = diagnose(hand, part, target)
    assert found.found.best.tokens == tokens
    assert found.found_score == pytest.approx(scored(logs), abs=1e-4)
    assert found.reference_score == pytest.approx(scored(their_logs), abs=1e-4)
    assert abs(found.reference_score - plain.reference_score) > 1e-3
    assert hand.stepper.current.decoded.prefix == ("poisson",)


def test_what_the_settings_or_a_ban_rule_out_is_said(hand, part):
    told = diagnose(hand, part, "chien et", min_decode_length=5)
    assert told.fault == "settings"
    assert part._verdict.value.startswith(
        "Ruled out by the settings, as it is shorter than min_decode_length, 5: the reference"
    )
    hand.stepper.ban("chien")
    hand.settle()
    assert diagnose(hand, part, "chien et", min_decode_length=0).fall.fate == "barred"
    assert "as chien is banned at the beginning" in part._verdict.value
    assert diagnose(hand, part, "zebra et").fault == "vocabulary"


def test_without_a_reference_it_asks_for_one(hand, part):
    hand.press(part.box.children[2].children[1])
    assert "there is no reference" in hand.status[1]

"""What of a change of settings counts when. No model is made here, and TensorFlow not loaded."""

import pytest

from workbench.config import RunConfig
from workbench.errors import RunError, SettingsError
from workbench.interventions import Ban
from workbench.session.draft import (
    adopted_before_training,
    check_under_way,
    of_other_data,
    stale,
    under,
)

CONFIG = RunConfig(units=64, attention="none")


@pytest.mark.parametrize("name", ["corpus", "train_limit", "source_tokens", "max_length"])
def test_another_corpus_or_other_tokens_are_other_data(name):
    value = {"corpus": "scan", "source_tokens": "char"}.get(name, 7)
    assert of_other_data(CONFIG.replace(**{name: value}), CONFIG)


def test_another_model_or_training_of_the_same_data_is_not():
    assert not of_other_data(CONFIG.replace(units=8, epochs=1, beam_width=2), CONFIG)
    assert not of_other_data(CONFIG, CONFIG)


def test_a_model_is_stale_in_what_made_it_and_how_it_trains_but_not_in_how_it_is_used():
    draft = CONFIG.replace(seed=9, beam_width=2, units=8, learning_rate=0.5, corpus="scan")
    order = ("corpus", "units", "learning_rate", "seed")  # as in the list of all settings
    assert stale(draft, CONFIG, under_way=False) == order
    assert stale(draft, CONFIG, under_way=True) == ("corpus", "units", "seed")
    assert stale(CONFIG, CONFIG, under_way=False) == ()


def test_training_goes_on_with_another_rate_and_another_search_alone():
    check_under_way(CONFIG.replace(learning_rate=0.5, beam_width=2), CONFIG)
    with pytest.raises(RunError, match=r"^clip_norm, units: cannot change while training is under"):
        check_under_way(CONFIG.replace(units=8, clip_norm=2, learning_rate=0.5), CONFIG)


def test_before_training_how_to_train_is_adopted_and_the_model_stays_as_it_is():
    draft = CONFIG.replace(
        epochs=3, batch_size=7, units=8, seed=9, precision="bfloat16", deterministic=False
    )
    assert adopted_before_training(draft, CONFIG) == CONFIG.replace(epochs=3, batch_size=7)


def test_what_makes_no_sense_without_the_rest_waits_with_it():
    """A loss of coverage needs attention, which only the next model has."""
    draft = CONFIG.replace(attention="additive", coverage_loss=1, epochs=3)
    assert adopted_before_training(draft, CONFIG) == CONFIG


def test_other_interventions_take_the_place_of_those_of_the_draft():
    draft = CONFIG.replace(interventions=[Ban(token="chat")])
    assert under(draft, None) == draft
    assert under(draft, ()).interventions == ""
    assert "chien" in under(draft, [Ban(token="chien")]).interventions
    with pytest.raises(SettingsError, match="interventions: item 1: expected a kind"):
        under(draft, [{"kind": "push"}])

import gc
import weakref

import pytest
import traitlets

from workbench.widgets.choices import LATEST, MEAN, QUIET, Choices


def test_the_choices_of_a_session_are_shared_and_go_with_it():
    session, other = traitlets.HasTraits(), traitlets.HasTraits()
    Choices.of(session).layer = 2
    assert Choices.of(session).layer == 2
    assert Choices.of(other).layer == MEAN
    gone = weakref.ref(Choices.of(session))
    del session
    gc.collect()
    assert gone() is None


def test_at_first_everything_is_averaged_and_the_latest_is_shown():
    choices = Choices()
    assert (choices.layer, choices.head, choices.moment) == (MEAN, MEAN, LATEST)
    assert choices.notice == QUIET


def test_a_kind_of_attention_that_does_not_exist_is_refused():
    with pytest.raises(traitlets.TraitError):
        Choices().kind = "sideways"

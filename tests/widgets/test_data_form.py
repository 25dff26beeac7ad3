import pytest

from workbench.config import RunConfig
from workbench.data.catalogue import BUILT_IN
from workbench.errors import DataError, SettingsError
from workbench.session import Session
from workbench.widgets.choices import Choices
from workbench.widgets.data_form import OF_FILES, OWN, DataForm, check_filled_in
from workbench.widgets.ticker import Ticker


def form_of(**settings):
    return DataForm(Session(RunConfig(**settings)), groups=("Data",))


@pytest.fixture
def form():
    form = form_of()
    yield form
    form.close()


def choose(form, name, value):
    form.take(name, value)
    assert Ticker.of(form.session).settle()
    return form.state[name]


def hidden(form):
    return {name for name, shown in form.state.items() if shown["hidden"]}


def test_built_in_corpora_and_own_files_are_offered(form):
    shown = form.state["corpus"]
    assert shown["options"] == (*BUILT_IN, OWN)
    assert (shown["value"], shown["note"]) == ("phrases", BUILT_IN["phrases"])
    assert hidden(form) == {*OF_FILES, "split"}  # phrases have one split only


def test_the_splits_are_those_of_the_corpus(form):
    choose(form, "corpus", "scan")
    shown = form.state["split"]
    assert (shown["value"], shown["hidden"]) == ("simple", False)
    assert "length" in shown["options"]
    assert choose(form, "split", "length")["value"] == "length"
    choose(form, "corpus", "dates")
    assert form.session.draft.split == ""


def test_own_files_change_nothing_before_one_is_named(form):
    before = form.session.draft
    assert choose(form, "corpus", OWN)["value"] == OWN
    assert form.session.draft == before
    assert hidden(form) == {"split"}
    assert form.state["split"]["options"] == ()
    with pytest.raises(DataError, match="train_file: name the file"):
        form.check()


def test_a_named_file_takes_the_place_of_what_was_built_in():
    form = form_of(corpus="scan", split="length")
    choose(form, "corpus", OWN)
    choose(form, "train_file", "mine.tsv")
    draft = form.session.draft
    assert (draft.train_file, draft.split) == ("mine.tsv", "")
    form.check()
    choose(form, "source_column", "2")
    choose(form, "corpus", "dates")
    draft = form.session.draft
    assert (draft.corpus, draft.train_file, draft.source_column) == ("dates", "", "")
    assert OF_FILES[0] in hidden(form)
    form.close()


def test_a_corpus_that_is_a_file_is_one_of_ones_own():
    form = form_of(corpus="some/pairs.tsv")
    assert form.state["corpus"]["value"] == OWN
    assert form.state["train_file"]["value"] == "some/pairs.tsv"
    choose(form, "train_file", "other.tsv")
    assert (form.session.draft.corpus, form.session.draft.train_file) == ("phrases", "other.tsv")
    form.close()


def test_a_validation_file_waits_for_the_training_file(form):
    choose(form, "corpus", OWN)
    shown = choose(form, "validation_file", "v.tsv")
    assert "give train_file as well" in shown["note"]
    with pytest.raises(DataError, match="give train_file as well"):
        form.check()
    choose(form, "train_file", "t.tsv")
    draft = form.session.draft
    assert (draft.train_file, draft.validation_file) == ("t.tsv", "v.tsv")
    form.check()


def test_what_waits_for_files_is_forgotten_with_them(form):
    choose(form, "corpus", OWN)
    choose(form, "validation_file", "v.tsv")
    choose(form, "corpus", "scan")
    assert form.session.draft.validation_file == ""
    assert Choices.of(form.session).faults == {}


def test_two_copies_agree_that_files_are_wanted(form):
    other = DataForm(form.session, groups=("Data",))
    choose(form, "corpus", OWN)
    assert other.state == form.state
    other.close()


def test_nothing_begins_with_own_files_of_which_none_is_named(form):
    session, choices = form.session, form.choices
    check_filled_in(session, choices)
    choose(form, "corpus", OWN)
    with pytest.raises(DataError, match=r"train_file: name the file .* or choose a corpus that is"):
        check_filled_in(session, choices)
    choose(form, "train_file", "mine.tsv")
    check_filled_in(session, choices)
    choose(form, "corpus", OWN)
    choose(form, "corpus", "scan")
    check_filled_in(session, choices)


def test_nothing_begins_with_a_value_that_waits_but_what_is_under_way_goes_on(form):
    session, choices = form.session, form.choices
    choices.faults = {"batch_size": ("abc", "batch_size: expected an integer")}
    with pytest.raises(SettingsError, match="batch_size: expected an integer"):
        check_filled_in(session, choices)
    session.set_trait("state", "paused")
    check_filled_in(session, choices)
    choices.faults = {"learning_rate": ("abc", "learning_rate: expected a number")}
    with pytest.raises(SettingsError, match="learning_rate: expected a number"):
        check_filled_in(session, choices)

import pytest

from workbench.config import RunConfig, settings
from workbench.session import Session
from workbench.widgets.choices import Choices
from workbench.widgets.forms import Form
from workbench.widgets.ticker import Ticker


@pytest.fixture
def session():
    return Session(RunConfig(units=8, embedding=6))


@pytest.fixture
def form(session):
    form = Form(session, groups=("Model", "Training"))
    yield form
    form.close()


def choose(form, name, value):
    """Do what the page does when a person changes a control; return what it shows then."""
    form._answer(form, {"name": name, "value": value}, [])
    assert Ticker.of(form.session).settle()
    return form.state[name]


def test_every_setting_of_the_groups_has_a_control(form):
    wanted = [each for each in settings() if each.group in ("Model", "Training")]
    assert [field["name"] for field in form.fields] == [each.name for each in wanted]
    assert set(form.state) == {each.name for each in wanted}
    kinds = {field["name"]: field["kind"] for field in form.fields}
    assert kinds["encoder"] == "choice"
    assert kinds["tie_embeddings"] == "flag"
    assert kinds["units"] == kinds["learning_rate"] == "number"


def test_names_choose_settings_one_by_one(session):
    form = Form(session, names=("corpus", "units"))
    assert [field["kind"] for field in form.fields] == ["text", "number"]
    form.close()


def test_controls_are_labelled_and_say_what_they_take(form):
    field = next(field for field in form.fields if field["name"] == "learning_rate")
    assert field["label"] == "learning rate"
    assert field["title"] == "learning_rate: a number above 0 to 10; by default 0.005"
    assert form.state["learning_rate"]["note"] == "highest learning rate"


def test_a_choice_goes_to_the_draft_and_back(form, session):
    assert choose(form, "units", "32")["value"] == "32"
    assert session.draft.units == 32
    assert choose(form, "learning_rate", "1e-3")["value"] == "0.001"
    assert choose(form, "tie_embeddings", True)["value"] is True
    assert choose(form, "max_minutes", "2")["value"] == "2"
    session.configure(units=64)
    assert Ticker.of(session).settle()
    assert form.state["units"]["value"] == "64"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("learning_rate", "abc", "learning_rate: expected a number"),
        ("units", "7.5", "units: expected an integer from 1 to 4096, got '7.5'"),
        ("units", "", "units: expected an integer from 1 to 4096, got ''"),
        ("units", "7", "units is 7 and bidirectional is True: each direction takes half"),
        ("encoder", "<b>", "encoder: expected one of"),
    ],
)
def test_a_bad_value_stays_with_its_reason_and_the_draft_as_it_was(
    form, session, name, value, reason
):
    before = session.draft
    shown = choose(form, name, value)
    assert shown["value"] == value
    assert shown["note"].startswith(reason)
    assert (shown["tone"], shown["disabled"]) == ("error", False)
    assert session.draft == before


def test_a_corrected_value_takes_its_reason_away(form, session):
    choose(form, "units", "abc")
    shown = choose(form, "units", "16")
    assert (shown["value"], shown["tone"]) == ("16", "help")
    assert Choices.of(session).faults == {}


def test_the_value_that_was_there_is_a_correction_too(form):
    choose(form, "units", "abc")
    assert choose(form, "units", "8")["tone"] == "help"


def test_what_waits_is_tried_again_with_the_next_change(session):
    """Half-way: a Transformer with input feeding makes no sense until that is switched off."""
    session.configure(input_feeding=True)
    form = Form(session, groups=("Model", "Recurrent layers"))
    shown = choose(form, "decoder", "transformer")
    assert "switch input_feeding off" in shown["note"]
    assert session.draft.decoder == "lstm"
    choose(form, "input_feeding", False)
    assert (session.draft.decoder, session.draft.attention) == ("transformer", "multi_head")
    assert Choices.of(session).faults == {}
    form.close()


def test_what_waits_does_not_hold_up_other_changes(form, session):
    choose(form, "units", "abc")
    choose(form, "epochs", "3")
    assert session.draft.epochs == 3
    assert form.state["units"]["value"] == "abc"
    choose(form, "epochs", "none")
    assert Choices.of(session).faults.keys() == {"units", "epochs"}


def test_another_decoder_brings_its_own_attention(form, session):
    assert "multi_head" not in form.state["attention"]["options"]
    choose(form, "decoder", "transformer")
    assert session.draft.attention == "multi_head"
    assert form.state["attention"]["options"] == ("multi_head",)


def test_what_makes_no_difference_is_switched_off_with_the_reason(form, session):
    shown = form.state["stochastic_depth"]
    assert (shown["disabled"], shown["tone"]) == (True, "reason")
    assert "residual layers" in shown["note"]
    session.configure(layers=2, residual=True)
    assert Ticker.of(session).settle()
    assert form.state["stochastic_depth"]["disabled"] is False


def test_what_makes_no_difference_but_was_changed_can_be_put_back(session):
    session.configure(attention_span="local_m", attention_window=3)
    form = Form(session, groups=("Recurrent layers",))
    choose(form, "attention_span", "global")
    shown = form.state["attention_window"]
    assert (shown["note"], shown["disabled"]) == ("the span is not local", False)
    assert choose(form, "attention_window", "10")["disabled"] is True
    form.close()


def test_while_training_only_the_rate_is_open(form, session):
    for state in ("training", "paused"):
        session.set_trait("state", state)
        assert Ticker.of(session).settle()
        open_ones = {name for name, shown in form.state.items() if not shown["disabled"]}
        assert open_ones == {"learning_rate"}
        assert form.state["units"]["note"] == "training is under way"
    search = Form(session, groups=("Search",))
    assert not any(shown["disabled"] for shown in search.state.values())
    search.close()


def test_two_forms_show_the_same_even_what_is_wrong(form, session):
    other = Form(session, names=("units",))
    choose(form, "units", "abc")
    assert other.state["units"] == form.state["units"]
    other.close()


def test_a_page_that_asks_for_anything_else_is_ignored(form, session):
    before = session.draft
    form._answer(form, {"name": "corpus", "value": "dates"}, [])
    form._answer(form, {"other": 1}, [])
    assert session.draft == before


def test_a_closed_form_paints_no_more(form, session):
    form.close()
    before = form.state
    session.configure(units=64)
    assert Ticker.of(session).settle()
    assert form.state == before

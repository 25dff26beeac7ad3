import asyncio

import pytest

import workbench
from workbench.charts.tables import Table
from workbench.session import Session
from workbench.widgets.choices import Choices
from workbench.widgets.keepsake import Keepsake
from workbench.widgets.panel import Panel
from workbench.widgets.status import Status
from workbench.widgets.ticker import Ticker
from workbench.widgets.workbench import PANELS, Workbench


@pytest.fixture
def session(pairs, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus = tmp_path / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    return Session(config.replace(corpus=str(corpus), live=True))


@pytest.fixture
def bench(session):
    bench = Workbench(session)
    yield bench
    settled(session)
    bench.close()


def settled(session):
    assert Ticker.of(session).settle(30)


def made(bench):
    return [type(place.children[0]).title for place in bench._places if place.children]


def titles(things):
    return [it.caption if isinstance(it, Table) else it.to_dict()["title"]["text"] for it in things]


def statuses(widget):
    own = [widget] if isinstance(widget, Status) else []
    return own + [one for child in getattr(widget, "children", ()) for one in statuses(child)]


def test_it_has_the_panels_in_the_order_of_the_work(bench):
    assert bench._tabs.titles == (
        "Data", "Model", "Train", "Attention", "Decode", "Compare", "Report"
    )  # fmt: skip
    assert all(issubclass(panel, Panel) for panel in PANELS)


def test_a_panel_is_made_when_it_is_first_shown(bench, session):
    assert made(bench) == ["Data"]
    bench._tabs.selected_index = 6
    settled(session)
    assert made(bench) == ["Data", "Report"]
    report = bench._places[6].children[0]
    bench._tabs.selected_index = 0
    bench._tabs.selected_index = 6
    settled(session)
    assert bench._places[6].children[0] is report


def test_every_panel_can_be_shown(bench, session):
    for tab in range(len(PANELS)):
        Choices.of(session).tab = tab
        settled(session)
        assert bench._tabs.selected_index == tab
    assert made(bench) == [panel.title for panel in PANELS]


def test_one_line_of_status_serves_all(bench, session):
    Choices.of(session).tab = 2
    settled(session)
    assert statuses(bench) == [bench._status]


def test_two_copies_show_the_same_tab(bench, session):
    other = Workbench(session)
    bench._tabs.selected_index = 6
    settled(session)
    assert (other._tabs.selected_index, made(other)) == (6, ["Data", "Report"])
    other.close()


def test_the_model_its_training_and_its_translation_stay_in_the_notebook(
    bench, session, monkeypatch
):
    kept = []
    monkeypatch.setattr(Keepsake, "show", lambda _, make: kept.append(make()))
    bench._repr_mimebundle_()
    session.build()
    settled(session)
    assert titles(kept[-1]) == ["Model"]
    session.configure(max_steps=4, evaluate_every=2)
    session.train()
    asyncio.run(session.wait())
    settled(session)
    trained = ["Model", "Training", "Watched sentences at step 4", "Attention"]
    assert titles(kept[-1]) == trained
    session.translate(session.history[-1].probes[0].source)
    settled(session)
    assert titles(kept[-1]) == [*trained, "Translated last", "Attention"]
    assert made(bench) == ["Data"]  # no other tab was opened for it


def test_the_package_hands_it_out():
    assert workbench.Workbench is Workbench
    assert {"RunConfig", "Session", "Workbench"} <= set(workbench.__all__)


def test_headless_it_shows_what_all_panels_show(session):
    session.set_trait("config", session.config.replace(live=False))
    session.set_trait("draft", session.config)
    session.load()
    shown = Workbench(session).still()
    assert len(shown) >= len(PANELS)

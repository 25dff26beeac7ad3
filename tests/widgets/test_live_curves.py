import pytest

from workbench.charts.curve_rows import curve_rows
from workbench.records import Evaluation, Progress
from workbench.widgets.live_curves import SECONDS, SLOWEST, LiveCurves, pause

NONE = []  # samples of the memory


def step(number, figures=None, best=False, loss=None):
    return Progress(
        number, 0, loss or 1 / number, 0.1, 1.0, 10, 1000.0, float(number), 900,
        Evaluation("validation", figures, 5) if figures else None, (), best,
    )  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self):
        self.now += SLOWEST  # every look at it is late enough
        return self.now


@pytest.fixture
def drawn(monkeypatch):
    """The names of the charts that were drawn anew."""
    drawn = []
    module = "workbench.widgets.live_curves.live_curve"
    from workbench.charts.curves import live_curve

    monkeypatch.setattr(module, lambda name, *rest: drawn.append(name) or live_curve(name, *rest))
    return drawn


@pytest.fixture
def curves():
    return LiveCurves(Clock())


def rows(curves):
    """All rows on the page, by dataset."""
    views = [curves.loss, *curves.small.children]
    return {
        name: rows for view in views for name, rows in view._sets.items() if name[:5] != "empty"
    }


def ordered(rows):
    return sorted(map(str, rows))


def test_nothing_is_drawn_of_nothing(curves, drawn):
    curves.paint([], [])
    assert drawn == []


def test_no_widget_is_made_while_training_goes_on(curves, monkeypatch):
    monkeypatch.setattr("workbench.widgets.live_curves.FedView", lambda: pytest.fail("was made"))
    figures = {"bleu": 1.0, "chrf": 2.0, "accuracy": 0.5}
    curves.paint([step(1), step(2, figures)], [(1, 900)], growing=True)
    assert len(curves.small.children) == len(figures) + len(("rate", "speed", "memory"))


def test_charts_are_drawn_once_and_then_fed(curves, drawn):
    history = [step(1), step(2)]
    curves.paint(history, NONE, growing=True)
    assert sorted(drawn) == ["loss", "rate", "speed"]
    drawn.clear()
    for number in range(3, 30):
        history.append(step(number))
        curves.paint(history, NONE, growing=True)
    assert drawn == []
    assert [row["step"] for row in rows(curves)["loss"]] == list(range(1, 30))


def test_a_figure_that_is_new_gets_a_chart_of_its_own(curves, drawn):
    history = [step(1), step(2)]
    curves.paint(history, NONE, growing=True)
    drawn.clear()
    history.append(step(3, {"loss": 1.0, "bleu": 30.0}, best=True))
    curves.paint(history, NONE, growing=True)
    assert sorted(drawn) == ["figure_0", "loss"]
    titles = [view._specification["title"]["text"] for view in curves.small.children]
    assert titles == ["BLEU", "learning rate", "target tokens per second"]
    assert curves.loss._description.startswith("Training loss from 1 to")


def test_whatever_was_fed_the_page_shows_the_whole(curves):
    history, memory = [], []
    for number in range(1, 450):
        history.append(
            step(number, {"loss": 1.0, "bleu": number / 9} if number % 60 == 0 else None)
        )
        if number % 7 == 0:
            memory.append((number, number * 10**6))
        curves.paint(history, memory, growing=True)
    wanted = curve_rows(history, memory, live=True)
    found = rows(curves)
    for name in wanted.keys() - {"now"}:
        assert ordered(found[name]) == ordered(wanted[name]), name
    curves.paint(history, memory)
    found, wanted = rows(curves), curve_rows(history, memory)
    for name, its in wanted.items():
        assert ordered(found[name]) == ordered(its), name


def test_training_that_goes_on_after_a_pause_draws_no_point_twice(curves):
    history = [step(number) for number in range(1, 402)]  # two to a point, and one left over
    curves.paint(history, NONE)
    history += [step(402), step(403)]
    curves.paint(history, NONE, growing=True)
    assert ordered(rows(curves)["loss"]) == ordered(curve_rows(history, live=True)["loss"])


def test_a_training_that_begins_anew_is_drawn_anew(curves, drawn):
    curves.paint([step(n, {"bleu": 1.0}) for n in (1, 2, 3)], NONE, growing=True)
    drawn.clear()
    curves.paint([step(1, loss=7.0)], NONE, growing=True)
    assert sorted(drawn) == ["loss", "rate", "speed"]
    assert [row["loss"] for row in rows(curves)["loss"]] == [7.0]
    assert len(curves.small.children) == 2


def test_a_training_that_goes_on_in_a_new_history_is_fed_and_not_drawn_anew(curves, drawn):
    history = [step(1), step(2)]
    curves.paint(history, NONE, growing=True)
    drawn.clear()
    curves.paint([*history, step(3)], NONE, growing=True)
    assert drawn == []
    assert [row["step"] for row in rows(curves)["loss"]] == [1, 2, 3]
    assert curves.loss._description.endswith("over 3 steps.")


def test_while_it_grows_little_that_is_new_waits_for_more(drawn):
    clock = Clock()
    curves = LiveCurves(lambda: clock.now)
    history = [step(1), step(2)]
    clock.now = SECONDS
    curves.paint(history, NONE, growing=True)
    history.append(step(3))
    curves.paint(history, NONE, growing=True)
    assert len(rows(curves)["loss"]) == 2
    curves.paint(history, NONE)  # it is paused: nothing more may come
    assert len(rows(curves)["loss"]) == 3
    history.append(step(4))
    clock.now += SECONDS
    curves.paint(history, NONE, growing=True)
    assert len(rows(curves)["loss"]) == 4


def test_all_that_is_new_of_a_chart_is_one_message(said):
    curves = LiveCurves(Clock())
    history = [step(1), step(2)]
    curves.paint(history, NONE, growing=True)
    before = len(said(curves.loss))
    history += [step(3), step(4)]
    curves.paint(history, NONE, growing=True)
    curves.paint(history, NONE, growing=True)  # nothing is new
    [(message, _)] = said(curves.loss)[before:]
    assert [row["step"] for row in message["more"]["loss"]] == [3, 4]
    assert message["sets"] == {}


def test_a_curve_is_fed_less_often_the_longer_it_is():
    after = (1, 10, 20, 50, 100, 3000)
    assert [pause([step(seconds)]) for seconds in after] == [1, 1, 2, 5, 10, 10]
    assert pause([]) == 1

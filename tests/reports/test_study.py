import json

import optuna
import pytest
from optuna.storages import InMemoryStorage

from workbench.errors import SettingsError
from workbench.reports.constraints import Constraint
from workbench.reports.dimensions import Choice, Range
from workbench.reports.methods import Pruner, Sampler
from workbench.reports.objective import Objective
from workbench.reports.space import Space
from workbench.reports.storage import beside
from workbench.reports.study import Study, Trial

BLEU = Objective("validation.bleu", "maximize")
RANGES = {"units": Range(2, 64, 2, False, None, True),
          "learning_rate": Range(1e-4, 1e-2, None, True, None, False)}  # fmt: skip


@pytest.fixture
def database(monkeypatch):
    """A database that is kept in memory, so that no test waits for a disk."""
    database = InMemoryStorage()
    monkeypatch.setattr("workbench.reports.study.open_storage", lambda _: database)
    return database


@pytest.fixture
def study(database, tmp_path, load):
    """Open the study of a space; again, as a sweep that goes on does."""

    def make(sampler="grid", trials=0, pruner=None, dimensions=None, constraints=(), owner="me"):
        dimensions = dimensions or {"units": Choice((8, 16)), "layers": Choice((1, 2))}
        space = Space(
            load("swept"), dimensions, {}, tuple(map(Constraint, constraints)), (), BLEU,
            Sampler(sampler, trials, startup=2), pruner,
        )  # fmt: skip
        return Study(space, "tiny", beside(tmp_path), owner)

    return make


def all_of(study):
    trials = []
    while trial := study.next():
        trials.append(trial)
    return trials


def points(trials):
    return [trial.point for trial in trials]


def test_a_grid_is_gone_through_once(study):
    trials = all_of(study())
    assert points(trials) == [{"units": 8, "layers": 1}, {"units": 8, "layers": 2},
                              {"units": 16, "layers": 1}, {"units": 16, "layers": 2}]  # fmt: skip
    assert study().total == 4


def test_a_sweep_that_was_killed_takes_up_what_it_left(study):
    first = study()
    one, two, three = first.next(), first.next(), first.next()
    first.end(one.number, "ok", 30.0)
    first.end(two.number, "pruned")
    again = study()
    assert again.begun() == [Trial(0, one.point, "ok"), Trial(1, two.point, "pruned"),
                             Trial(2, three.point, "running")]  # fmt: skip
    assert points(all_of(again)) == [{"units": 16, "layers": 2}]


def test_a_grid_that_was_queued_in_part_is_completed(study, monkeypatch):
    queue, left = optuna.Study.enqueue_trial, iter(range(2))

    def die_soon(self, *words, **options):
        next(left)
        queue(self, *words, **options)

    monkeypatch.setattr(optuna.Study, "enqueue_trial", die_soon)
    with pytest.raises(StopIteration):
        study()
    monkeypatch.setattr(optuna.Study, "enqueue_trial", queue)
    assert len(all_of(study())) == 4


def test_what_failed_is_tried_again_and_counted_once(study):
    first = study("random", 2, dimensions=RANGES)
    one = first.next()
    first.end(one.number, "failed")
    again = study("random", 2, dimensions=RANGES)
    assert again.begun() == []
    tried = all_of(again)
    assert one.point in points(tried)
    assert len(tried) == 2
    for trial in tried:
        again.end(trial.number, "ok", 1.0)
    third = study("random", 2, dimensions=RANGES)
    assert [trial.status for trial in third.begun()] == ["ok", "ok"]
    assert all_of(third) == []


def test_an_interrupted_sweep_draws_the_same_points(study, database):
    undisturbed = points(all_of(study("random", 6, dimensions=RANGES)))
    assert len({json.dumps(point) for point in undisturbed}) == 6
    database.delete_study(database.get_study_id_from_name("tiny"))
    drawn = [study("random", 6, dimensions=RANGES).next().point for _ in range(6)]
    assert drawn == undisturbed


def test_a_trial_whose_point_was_chosen_in_part_is_completed(study, monkeypatch):
    first = study("random", 1, dimensions=RANGES)
    suggest = optuna.Trial.suggest_float
    monkeypatch.setattr(optuna.Trial, "suggest_float", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        first.next()
    monkeypatch.setattr(optuna.Trial, "suggest_float", suggest)
    (trial,) = study("random", 1, dimensions=RANGES).begun()
    assert set(trial.point) == {"units", "learning_rate"}
    assert trial.status == "running"


def test_tpe_goes_where_good_ones_are(study):
    swept = study("tpe", 14, dimensions={"units": RANGES["units"]})
    tried = []
    while trial := swept.next():
        tried.append(trial.point["units"])
        swept.end(trial.number, "ok", -abs(trial.point["units"] - 20))
    assert len(tried) == 14
    assert sum(abs(units - 20) for units in tried[7:]) < sum(abs(u - 20) for u in tried[:7])


def test_points_that_make_no_sense_are_drawn_again(study, monkeypatch):
    units = {"units": RANGES["units"]}
    swept = study("random", 8, dimensions=units, constraints=["units > 30"])
    tried = all_of(swept)
    assert len(tried) == 8
    assert all(trial.point["units"] > 30 for trial in tried)
    assert study("random", 8, dimensions=units).begun() == tried
    hopeless = study("random", 9, dimensions=units, constraints=["units > 99"])
    monkeypatch.setattr("workbench.reports.study.TRIES", 3)
    with pytest.raises(SettingsError, match=r"3 points in a row make no sense, .*'units > 99'"):
        hopeless.next()


def test_the_median_pruner_ends_what_is_worse_than_half(study):
    swept = study(pruner=Pruner("median", startup=2, warmup=2))
    for value in (30.0, 40.0):
        trial = swept.next()
        assert not any(swept.report(trial.number, number, value) for number in (1, 2, 3))
        swept.end(trial.number, "ok", value)
    poor, good = swept.next(), swept.next()
    assert not swept.report(poor.number, 1, 10.0)  # too early
    assert swept.report(poor.number, 2, 10.0)
    assert not swept.report(poor.number, 2, 10.0)  # it was told that before
    assert not swept.report(good.number, 2, 50.0)


def test_a_trial_taken_up_again_may_tell_the_same_again(study):
    pruner = Pruner("median", startup=0)
    assert not (first := study(pruner=pruner)).report(first.next().number, 1, 10.0)
    again = study(pruner=pruner)
    assert not again.report(0, 1, 10.0)
    assert not again.report(0, 2, 11.0)


def test_the_halving_pruner_keeps_the_best(study):
    swept = study(pruner=Pruner("halving"), dimensions={"units": Choice(tuple(range(2, 18, 2)))})
    trials = all_of(swept)
    ended = [swept.report(trial.number, 1, float(trial.number)) for trial in reversed(trials)]
    assert ended[0] is False
    assert sum(ended) >= 5  # of eight, the best quarter goes on


def test_without_a_pruner_nothing_is_ended_early(study):
    swept = study()
    assert not swept.report(swept.next().number, 1, 0.0)


def test_another_sweep_on_the_same_database_has_its_own_trials(study, monkeypatch):
    monkeypatch.setattr("workbench.reports.study.LOCAL", "elsewhere:")
    mine, theirs = study(owner="me"), study(owner="they")
    numbers = {each.next().number for each in (mine, theirs, mine, theirs)}
    assert numbers == {0, 1, 2, 3}
    assert (mine.next(), theirs.next()) == (None, None)
    assert [trial.number for trial in study(owner="me").begun()] == [0, 2]


def test_a_point_that_another_machine_took_meanwhile_is_none(study, monkeypatch):
    swept = study(dimensions={"units": Choice((8, 16))})
    all_of(swept)
    left = iter([True])
    monkeypatch.setattr(Study, "_wants_more", lambda _: next(left, False))
    assert swept.next() is None
    assert len(study(dimensions={"units": Choice((8, 16))}).begun()) == 2

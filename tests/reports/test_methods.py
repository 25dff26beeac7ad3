import pytest

from workbench.errors import SettingsError
from workbench.reports.methods import Pruner, Sampler, read_pruner, read_sampler
from workbench.reports.objective import Objective

BLEU = Objective("validation.bleu", "maximize")
SPEED = Objective("training.tokens_per_second", "maximize")


def test_by_name_or_in_full():
    assert read_sampler("grid", None) == Sampler("grid")
    assert read_sampler({"name": "random", "trials": 5, "seed": 3}, None) == Sampler("random", 5, 3)
    assert read_sampler({"name": "tpe", "trials": 5, "startup": 2}, BLEU).startup == 2
    assert read_pruner(None, None) is None
    assert read_pruner("none", BLEU) is None
    assert read_pruner("median", BLEU) == Pruner("median")
    assert read_pruner({"name": "halving", "warmup": 3}, BLEU) == Pruner("halving", warmup=3)


@pytest.mark.parametrize(
    ("raw", "objective", "reason"),
    [
        ("gird", BLEU, "expected one of grid, random, tpe, got 'gird'; did you mean 'grid'?"),
        ({"trials": 5}, BLEU, "expected one of grid, random, tpe, got None"),
        ({"name": "tpe", "trails": 5}, BLEU, "unknown key 'trails'; did you mean 'trials'?"),
        ({"name": "tpe", "trials": "5"}, BLEU, "trials: expected an integer from 0, got '5'"),
        ("random", BLEU, "random needs trials"),
        ({"name": "grid", "trials": 5}, BLEU, "a grid has its own number of trials"),
        ({"name": "tpe", "trials": 5}, None, "tpe needs an objective"),
    ],
    ids=str,
)
def test_samplers_that_are_refused(raw, objective, reason):
    with pytest.raises(SettingsError, match=reason):
        read_sampler(raw, objective)


@pytest.mark.parametrize(
    ("raw", "objective", "reason"),
    [
        ("meidan", BLEU, "expected one of median, halving, got 'meidan'; did you mean 'median'?"),
        ("median", None, "only by what training measures"),
        ("median", SPEED, "only by what training measures"),
        ({"name": "median", "warmup": -1}, BLEU, "warmup: expected an integer from 0, got -1"),
    ],
    ids=str,
)
def test_pruners_that_are_refused(raw, objective, reason):
    with pytest.raises(SettingsError, match=reason):
        read_pruner(raw, objective)

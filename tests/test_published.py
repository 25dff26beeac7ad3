import json
from dataclasses import asdict
from statistics import NormalDist

import pytest

from workbench.errors import SettingsError
from workbench.published import FIGURES, Comparison, Published, published, recomputed, spread

EXACT = Published("scan-length", "LSTM", "exact match", 13.8, "a paper")
ERRORS = Published("g2p-hun", "LSTM", "word error rate", 5.33, "a paper")


def compared(bar, *values, reason=""):
    return Comparison("ours", {f"seed {i}": value for i, value in enumerate(values)}, bar, reason)


def test_mean_and_spread_by_hand():
    one = compared(EXACT, 2.0, 4.0, 9.0)
    assert one.mean == 5.0
    assert one.values == (2.0, 4.0, 9.0)
    # deviations -3, -1, 4: squares 26, over n - 1 = 2
    assert spread(one.values) == "3 seeds, 2.00 to 9.00, standard deviation 3.61"
    assert spread([7.0]) == "one seed, spread unknown"


def test_the_deviation_is_that_of_a_sample():
    values = NormalDist(50, 3).samples(20, seed=4)
    expected = (sum((each - sum(values) / 20) ** 2 for each in values) / 19) ** 0.5
    assert spread(values).endswith(f"standard deviation {expected:.2f}")


@pytest.mark.parametrize(
    ("bar", "values", "verdict"),
    [
        (EXACT, (13.8,), "reached"),
        (EXACT, (10.0, 20.0), "reached"),
        (EXACT, (10.0, 12.0), "missed by 2.80: too short"),
        (ERRORS, (5.0, 5.5), "reached"),
        (ERRORS, (5.0, 6.0), "missed by 0.17: too short"),
    ],
)
def test_the_mean_decides_in_the_direction_of_the_metric(bar, values, verdict):
    assert compared(bar, *values, reason="too short").verdict == verdict


def test_a_miss_without_a_reason_says_so():
    assert compared(EXACT, 1.0).verdict == "missed by 12.80: no reason is known"


def test_table_shows_every_run_the_mean_and_all_that_is_published():
    bar = published("scan-length")[0]
    table = compared(bar, 10.0, 12.5, reason="so it is").table()
    who = [row[0] for row in table.rows]
    assert who == ["ours", "ours", "ours, mean", "published", "published"]
    assert table.columns == ("who", "what", "exact match %", "verdict", "source")
    assert [row[2] for row in table.rows] == ["10.00", "12.50", "11.25", "13.8", "20.8"]
    assert [row[3] for row in table.rows] == ["", "", "missed by 2.55: so it is", "the bar", ""]
    assert table.rows[3][4] == "Lake & Baroni 2018, arXiv:1711.00350"
    assert table.caption == "scan-length: ours"


def test_record_is_plain_and_whole():
    record = json.loads(json.dumps(compared(ERRORS, 5.0, 6.0).record(), allow_nan=False))
    assert record["runs"] == {"seed 0": 5.0, "seed 1": 6.0}
    assert record["bar"] == asdict(ERRORS)
    assert record["mean"] == 5.5
    assert record["verdict"].startswith("missed by 0.17")


def test_no_run_is_refused():
    with pytest.raises(SettingsError, match="set seeds to 1 or more"):
        Comparison("ours", {}, EXACT)


def test_recomputed_figures_agree_within_the_tolerance():
    table = recomputed([ERRORS, ERRORS, ERRORS], [5.42, 5.24, 5.44])
    assert [row[3] for row in table.rows] == ["+0.09", "-0.09", "+0.11"]
    assert [row[4] for row in table.rows] == ["reached", "reached", "missed"]
    with pytest.raises(ValueError, match="shorter"):
        recomputed([ERRORS, ERRORS], [5.0])


@pytest.mark.parametrize(
    ("task", "values"),
    [
        ("scan-simple", [99.7, 99.8]),
        ("scan-addprim_jump", [0.08, 1.2]),
        ("scan-addprim_turn_left", [90.0, 90.3]),
        ("scan-template_jump_around_right", [98.43]),
        ("scan-template_around_right", [2.46]),
        ("g2p-rum", [10.67, 11.56, 12.0]),
        ("g2p-ice", [10.0, 17.56, 10.22]),
        ("alignment-roen", [33.8, 35.6, 32.1, 32.2, 28.7, 32.2, 27.9, 26.4, 20.7]),
    ],
)
def test_figures_of_a_task(task, values):
    assert [each.value for each in published(task)] == values


def test_every_figure_has_its_source_and_is_no_other():
    assert all(each.setup and each.source for each in FIGURES)
    assert len(set(FIGURES)) == len(FIGURES) == 30


def test_unknown_task_names_the_nearest():
    with pytest.raises(SettingsError, match=r"got 'scan-lenght'; did you mean 'scan-length'\?"):
        published("scan-lenght")

import pytest

from workbench.charts.trials import trials_chart, trials_table
from workbench.records import Trial


def trial(precision, batch_size, seed, speed, loss=2.0, joules=None):
    return Trial(precision, batch_size, seed, 2000, speed, 2**30, joules, loss)


PLAIN = [
    trial("float32", 32, 1, 1000.0),
    trial("bfloat16", 32, 1, 1500.0, 2.5),
    trial("float32", 32, 2, 3000.0, 4.0),
    trial("bfloat16", 32, 2, 1700.0, 2.5),
]


def rows(part, seen):
    return seen.json["datasets"][part["data"]["name"]]


def test_a_ring_for_each_and_a_bar_for_the_mean(spec):
    seen = spec(trials_chart(PLAIN))
    speed = seen.json["concat"][0]
    means, rings = (rows(layer, seen) for layer in speed["layer"])
    assert means == [
        {"way": "float32 · 32", "value": 2000.0}, {"way": "bfloat16 · 32", "value": 1600.0},
    ]  # fmt: skip
    assert [ring["value"] for ring in rings] == [1000.0, 1500.0, 3000.0, 1700.0]
    assert [part["title"]["text"] for part in seen.json["concat"]] == [
        "target tokens per second", "memory, GiB", "validation loss (nats a token)",
    ]  # fmt: skip
    assert "float32 · 32: 2,000 (1,000 to 3,000) tokens per second" in seen.json["description"]


def test_a_loss_has_no_bar_as_it_does_not_begin_at_zero(spec):
    loss = spec(trials_chart(PLAIN)).json["concat"][-1]
    assert [layer["mark"]["type"] for layer in loss["layer"]] == ["point", "point"]


def test_energy_is_shown_where_it_is_known(spec):
    counted = [trial("float32", 32, seed, 1000.0, joules=50.0 * seed) for seed in (1, 2)]
    seen = spec(trials_chart(counted))
    [energy] = [one for one in seen.json["concat"] if "joules" in one["title"]["text"]]
    assert rows(energy["layer"][0], seen) == [{"way": "float32 · 32", "value": 37.5}]
    table = trials_table(counted)
    assert table.rows[0][table.columns.index("joules for 1000 tokens")] == "37.5 (25.0 to 50.0)"


def test_the_table_has_means_and_extremes():
    table = trials_table(PLAIN)
    assert table.columns[:2] == ("way", "repeats")
    assert table.rows[0] == ("float32 · 32", 2, "2,000 (1,000 to 3,000)", "1.00 (1.00 to 1.00)",
                             "3.000 (2.000 to 4.000)")  # fmt: skip
    assert trials_table(PLAIN[:1]).rows[0][2] == "1,000"


@pytest.mark.parametrize("trials", [[]])
def test_without_trials_it_says_so(spec, trials):
    assert "nothing was tried" in spec(trials_chart(trials)).texts()

from dataclasses import replace

import numpy as np
import pytest

from workbench.charts.wanted import wanted_attention
from workbench.records import WantedAttention

OWN = np.float32([[[1, 0], [0.5, 0.5]]])
FOUND = np.float32([[[1, 0], [0, 1]]])


@pytest.fixture
def wanted():
    return WantedAttention(
        source_tokens=("a", "b"), prefix=("x",), wanted="y", own=OWN, found=FOUND,
        sought=np.array([[False, True]]), start=-1,
        log_probabilities=np.log(np.float32([0.25, 0.25, 0.5])),
        rivals=np.log(np.float32([0.5, 0.5, 0.3])), divergences=np.float32([0, 0, 0.69]),
        divergence=np.float32([[0, 0.69]]), distance=np.float32([[0, 0.5]]),
    )  # fmt: skip


def test_own_and_found_stand_side_by_side(wanted, spec):
    seen = spec(wanted_attention(wanted, head=1))
    (rows,) = seen.rows("whose")
    assert [(row["whose"], row["token"], row["weight"]) for row in rows] == [
        ("own", "a", 0.5), ("own", "b", 0.5), ("found", "a", 0), ("found", "b", 1),
    ]  # fmt: skip
    (mean,) = spec(wanted_attention(wanted)).rows("whose")
    assert [row["weight"] for row in mean] == [0.75, 0.25, 0.5, 0.5]


def test_the_way_is_drawn_from_the_models_own_attention_on(wanted, spec):
    seen = spec(wanted_attention(wanted))
    (rows,) = seen.rows("iteration")
    assert [row["nats"] for row in rows[:3]] == pytest.approx(np.log([0.25, 0.25, 0.5]))
    assert [row["nats"] for row in rows[3:]] == pytest.approx(np.log([0.5, 0.5, 0.3]))
    assert rows[2]["divergence"] == pytest.approx(0.69)


@pytest.mark.parametrize(("first", "rivals", "outcome"), [
    (0.25, [0.5, 0.5, 0.3], "it would have won"), (0.25, [0.5, 0.5, 0.6], "it would not have won"),
    (0.3, [0.2, 0.2, 0.2], "it wins anyway"),
])  # fmt: skip
def test_it_says_what_came_of_it(wanted, spec, first, rivals, outcome):
    nats = np.log(np.float32([first, 0.25, 0.5]))
    one = replace(wanted, log_probabilities=nats, rivals=np.log(np.float32(rivals)))
    texts = spec(wanted_attention(one)).texts()
    assert f"that one lies 0.69 nats and 50% of the attention away; {outcome}" in texts
    assert "after: x" in texts
    assert "What attention would have produced y?" in texts


def test_there_is_no_such_head(wanted):
    with pytest.raises(ValueError, match="expected a head from 0 to 1, got 2"):
        wanted_attention(wanted, head=2)

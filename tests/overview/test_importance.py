import random
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.overview import Objective, Summary, importances

BLEU = Objective("validation.bleu")


def run(bleu, status="ok", **parameters):
    return Summary("r", Path("r"), status=status, parameters=parameters,
                   figures={"validation.bleu": bleu})  # fmt: skip


def test_what_makes_the_difference_is_found(capfd):
    print("seed 7")
    draw = random.Random(7)
    runs = []
    for _ in range(24):
        units, encoder, rate = draw.choice([32, 64]), draw.choice("ab"), 10 ** draw.uniform(-4, -1)
        bleu = 20 + 10 * (units == 64) + 2 * (encoder == "b")  # variances as 25 to 1
        runs.append(run(bleu, units=units, encoder=encoder, learning_rate=rate, same=1))
    found = importances(runs, BLEU)
    assert list(found) == ["units", "encoder", "learning_rate"]
    assert sum(found.values()) == pytest.approx(1)
    assert found["units"] > 0.85
    assert found["learning_rate"] < 0.02
    assert found == importances(runs, BLEU)  # the forest is grown from one seed
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("runs", "words"), [
    ([], "from 4 finished runs .* there are none so far"),
    ([run(1.0, units=1), *(run(2.0, "failed", units=2) for _ in range(5))], "there is 1 so far"),
    ([run(float(i), units=1) for i in range(4)], "none differs"),
    ([run(1.0, units=i) for i in range(4)], "validation.bleu is the same in all runs"),
])  # fmt: skip
def test_where_nothing_can_be_said_that_is_said(runs, words):
    with pytest.raises(WorkbenchError, match=words):
        importances(runs, BLEU)


def test_a_parameter_that_some_runs_lack_is_left_out():
    runs = [run(float(i), units=i, mine=i) for i in range(4)] + [run(9.0, units=9)]
    assert list(importances(runs, BLEU)) == ["units"]

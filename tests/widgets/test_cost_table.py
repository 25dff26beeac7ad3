import numpy as np
import pytest

from workbench.config import RunConfig
from workbench.data.encoding import EncodedPairs
from workbench.model.estimate import Speed, memory, work
from workbench.model.outline import outline
from workbench.widgets.cost_table import cost_table, in_time

CONFIG = RunConfig(units=6, embedding=4, batch_size=2, epochs=10)
BLOCKS = outline(CONFIG, 11, 13)
COUNT = sum(block.parameters for block in BLOCKS)


def ids(*lengths):
    return [np.full(length, 5, np.int32) for length in lengths]


PAIRS = EncodedPairs(ids(2, 4, 6), ids(3, 3, 9), ((), (), ()))


def rows(*known):
    return {row[0]: row[1:] for row in cost_table(CONFIG, BLOCKS, *known).rows}


def test_before_the_data_are_loaded_only_the_weights_are_known():
    found = rows()
    assert found["parameters"][0] == f"{COUNT:,}"
    assert "at most" in found["parameters"][1]
    assert found["memory"] == found["an epoch"] == ("–", "load the data to estimate it")


def test_memory_is_that_of_the_longest_batch():
    total, parts = rows(PAIRS)["memory"]
    used = memory(CONFIG, BLOCKS, 6, 9)
    assert total == f"{used.total / 1000:.0f} kB"
    assert f"weights {used.parameters / 1000:.1f} kB" in parts
    assert f"adam {used.moments / 1000:.1f} kB" in parts
    assert f"a batch of 6 + 9 tokens {used.activations / 1000:.0f} kB" in parts
    assert rows(PAIRS)["parameters"][1] == f"{4 * COUNT / 1000:.1f} kB"


def test_an_epoch_takes_its_batches_at_their_mean_length():
    speed = Speed(products=1e6, memory=1e6, positions=1e3)
    step = work(CONFIG, BLOCKS, 4, 5).seconds(speed)
    estimate, parts = rows(PAIRS, speed)["an epoch"]
    assert estimate.split() == ["about", *in_time(2 * step).split()]
    assert parts == f"2 batches of {in_time(step)}; 10 epochs: {in_time(20 * step)}"
    assert rows(PAIRS)["an epoch"] == ("–", "2 batches; this machine is not measured yet")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0004, "0.4 ms"), (0.04, "40 ms"), (1.52, "1.5 s"), (9.0, "9 s"), (9.7, "10 s"),
     (89, "89 s"), (90, "1.5 min"), (5000, "83 min"),
     (5400, "1.5 h"), (100_000, "28 h"), (200_000, "2 days")],
)  # fmt: skip
def test_times_as_a_person_reads_them(seconds, text):
    assert in_time(seconds).replace("\N{NO-BREAK SPACE}", " ") == text

from dataclasses import replace

import pytest

from workbench.config import RunConfig
from workbench.records import Progress
from workbench.widgets.progress import Bar, Bars, bars_of, clock, steps_of_an_epoch

CONFIG = RunConfig(batch_size=10, epochs=4)  # 95 pairs: 10 steps an epoch
AFTER = Progress(
    step=12, epoch=1, loss=1.0, learning_rate=0.1, gradient_norm=1.0, tokens=5,
    tokens_per_second=10.0, seconds=24.0, total_steps=40,
)  # fmt: skip


def test_steps_and_epoch_with_the_time_left():
    assert bars_of(AFTER, CONFIG, 95) == [  # two seconds a step
        Bar("Step", 0.3, "12 of 40 · 0:56 left"),
        Bar("Epoch", 0.2, "2 of 4 · 0:16 left"),
    ]


def test_an_epoch_has_no_more_time_than_training():
    limited = CONFIG.replace(max_steps=15)
    _, epoch = bars_of(replace(AFTER, total_steps=15), limited, 95)
    assert epoch.text == "2 of 4 · 0:06 left"


def test_a_limit_of_time_counts():
    step, _ = bars_of(AFTER, CONFIG.replace(max_minutes=0.5), 95)
    assert step.text == "12 of 40 · 0:06 left"
    step, _ = bars_of(AFTER, CONFIG.replace(max_minutes=0.1), 95)
    assert step.text == "12 of 40"


def test_at_the_end_nothing_is_left():
    done = replace(AFTER, step=40, epoch=3)
    assert bars_of(done, CONFIG, 95) == [Bar("Step", 1, "40 of 40"), Bar("Epoch", 1, "4 of 4")]


def test_where_the_data_are_not_known_there_is_no_epoch():
    assert [bar.label for bar in bars_of(AFTER, CONFIG, 0)] == ["Step"]


def test_gradients_of_several_batches_make_one_step():
    assert steps_of_an_epoch(CONFIG, 95) == 10
    assert steps_of_an_epoch(CONFIG.replace(accumulate=3), 95) == 4


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (11_100, "3:05:00")],
)
def test_a_time_reads_like_a_clock(seconds, written):
    assert clock(seconds) == written


def test_all_bars_travel_in_one_message():
    bars = Bars()
    bars.show([Bar("Step", 0.5, "1 of 2")], "loss 1.0")
    assert bars.note == "loss 1.0"
    assert bars.bars == [{"label": "Step", "share": 0.5, "text": "1 of 2"}]

import pytest

from workbench.config import RunConfig
from workbench.training.schedule import learning_rate, sampling_chance

PEAK, WARMUP, TOTAL = 0.8, 20, 120


def rate(step, schedule, warmup=WARMUP, total=TOTAL):
    settings = RunConfig(
        learning_rate=PEAK, warmup_steps=warmup, schedule=schedule, learning_rate_floor=0.01
    )
    return learning_rate(settings, step, total)


@pytest.mark.parametrize("schedule", ["constant", "exponential", "inverse_sqrt", "cosine"])
@pytest.mark.parametrize(("step", "share"), [(1, 1 / 20), (5, 1 / 4), (10, 1 / 2), (20, 1)])
def test_the_rate_rises_in_a_line(schedule, step, share):
    assert rate(step, schedule) == pytest.approx(PEAK * share)


@pytest.mark.parametrize(
    ("schedule", "quarter", "middle", "end"),
    [
        ("constant", 1, 1, 1),
        ("exponential", 0.01**0.25, 0.1, 0.01),
        ("inverse_sqrt", (20 / 45) ** 0.5, (20 / 70) ** 0.5, (20 / 120) ** 0.5),
        ("cosine", 0.01 + 0.99 * (1 + 0.5**0.5) / 2, 0.01 + 0.99 / 2, 0.01),
    ],
)
def test_the_rate_after_warm_up(schedule, quarter, middle, end):
    assert rate(45, schedule) == pytest.approx(PEAK * quarter)
    assert rate(70, schedule) == pytest.approx(PEAK * middle)
    assert rate(120, schedule) == pytest.approx(PEAK * end)


@pytest.mark.parametrize(
    ("schedule", "first"),
    [("constant", 1), ("exponential", 0.01**0.01), ("inverse_sqrt", 1), ("cosine", 0.99976)],
)
def test_without_warm_up_the_first_step_is_near_the_peak(schedule, first):
    assert rate(1, schedule, warmup=0, total=100) == pytest.approx(PEAK * first, rel=1e-4)


@pytest.mark.parametrize("schedule", ["exponential", "cosine"])
def test_the_floor_is_not_left(schedule):
    assert rate(500, schedule) == pytest.approx(PEAK * 0.01)
    assert rate(21, schedule, total=10) == pytest.approx(PEAK * 0.01)  # all of it was warm-up


@pytest.mark.parametrize(("step", "chance"), [(1, 0), (6, 0.25), (11, 0.5), (20, 0.5)])
def test_the_chance_of_sampling_rises_in_a_line(step, chance):
    settings = RunConfig(scheduled_sampling=0.5)
    assert sampling_chance(settings, step, 11) == pytest.approx(chance)


def test_a_run_of_one_step_does_not_sample():
    assert sampling_chance(RunConfig(scheduled_sampling=0.5), 1, 1) == 0

import random
from datetime import date, datetime, timedelta

import pytest

from workbench.data import dates
from workbench.errors import SettingsError

DAY = date(2021, 3, 3)  # a Wednesday
ALL_DAYS = [dates.FIRST + timedelta(days=i) for i in range(dates.DAYS)]


def test_forms_write_a_day_as_people_do():
    assert [dates.write(DAY, form) for form in dates.FORMS] == [
        "3 March 2021",
        "3 Mar 2021",
        "3rd March 2021",
        "3 March, 2021",
        "March 3, 2021",
        "Mar 3, 2021",
        "Mar 3rd, 2021",
        "Mar 3 '21",
        "March the third, 2021",
        "the third of March 2021",
        "the 3rd of March, 2021",
        "Wednesday, March 3, 2021",
        "Wednesday, 3 March 2021",
        "Wednesday the 3rd of March 2021",
        "Wed 3 Mar 2021",
        "Wed, Mar 03 21",
        "03/03/21",
        "03/03/2021",
        "3/3/2021",
        "3.3.2021",
        "03.03.21",
        "03-03-2021",
        "3-Mar-2021",
        "03Mar21",
        "2021.3.3",
        "2021/03/03",
        "2021 Mar 3",
        "20210303",
    ]


def test_month_comes_first_only_with_slashes():
    day = date(2021, 3, 4)
    assert dates.write(day, "{m}/{d}/{year}") == "3/4/2021"
    assert dates.write(day, "{d}.{m}.{year}") == "4.3.2021"
    assert dates.write(day, "{dd}-{mm}-{year}") == "04-03-2021"


@pytest.mark.parametrize(
    ("day", "figure", "word"),
    [(1, "1st", "first"), (2, "2nd", "second"), (11, "11th", "eleventh"), (12, "12th", "twelfth"),
     (13, "13th", "thirteenth"), (20, "20th", "twentieth"), (21, "21st", "twenty-first"),
     (22, "22nd", "twenty-second"), (23, "23rd", "twenty-third"), (24, "24th", "twenty-fourth"),
     (29, "29th", "twenty-ninth"), (30, "30th", "thirtieth"), (31, "31st", "thirty-first")],
)  # fmt: skip
def test_ordinals(day, figure, word):
    assert dates.write(date(2021, 1, day), "{th} {word}") == f"{figure} {word}"


@pytest.mark.parametrize(
    ("form", "posix"),
    [("{weekday}, {d} {month} {year}", "%A, %d %B %Y"), ("{day}, {mon} {dd} {yy}", "%a, %b %d %y"),
     ("{mm}/{dd}/{yy}", "%m/%d/%y"), ("{dd}.{mm}.{yy}", "%d.%m.%y"), ("{dd}{mon}{yy}", "%d%b%y")],
)  # fmt: skip
def test_python_reads_the_same_day_back(form, posix):
    # strptime knows month names, weekday names (checked below) and the POSIX century rule.
    for day in ALL_DAYS[::37]:
        text = dates.write(day, form)
        assert datetime.strptime(text, posix).date() == day
        assert "weekday" not in form or text.split(",")[0] == f"{day:%A}"


def test_no_text_means_two_days_and_at_least_30000_are_there():
    meaning = {}
    for day in ALL_DAYS[::3]:
        for form in dates.FORMS:
            assert meaning.setdefault(dates.write(day, form), day) == day
    assert len(meaning) > 300_000


def test_pairs_are_a_written_day_and_its_iso_date():
    seed = 11
    print("seed", seed)
    rng = random.Random(seed)
    cases = set()
    for _ in range(500):
        source, target = dates.derive(rng)[:2]
        day = date.fromisoformat(target)
        writings = {case(dates.write(day, form)): case for form in dates.FORMS
                    for case in reversed(dates.CASES)}  # fmt: skip
        assert source in writings
        cases.add(writings[source])
    assert cases == set(dates.CASES)


def test_build_draws_distinct_pairs_without_leak():
    corpus = dates.build("random", 0.05, 0.1, seed=4)
    sizes = [len(part) for part in corpus.splits.values()]
    assert sizes == [17_000, 1_000, 2_000]
    assert len({pair.source for part in corpus.splits.values() for pair in part}) == 20_000
    assert dates.build("random", 0.05, 0.1, seed=4).fingerprint == corpus.fingerprint
    assert dates.build("random", 0.05, 0.1, seed=5).fingerprint != corpus.fingerprint


def test_unknown_split_is_refused():
    with pytest.raises(SettingsError, match="expected the split 'random', got 'simple'"):
        dates.build("simple", 0.05, 0.1, seed=1)

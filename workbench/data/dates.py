"""Dates as people write them, and the same dates in ISO 8601.

The source is read character by character, so is the target: set `source_tokens` and
`target_tokens` to char. What is written can be read in one way only, by these conventions:

- with slashes the month comes before the day (3/4/2021 is 4 March); with dots or hyphens it
  comes after it (4.3.2021); a year of four digits may stand before both (2021.3.4);
- a year of two digits is that of POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068.
"""

import random
from datetime import date, timedelta

from workbench.data.corpus import Corpus, Pair, split_pairs
from workbench.errors import SettingsError, nearest

SPLITS = ("random",)
SIZE = 20_000  # pairs that `build` draws
FIRST = date(1969, 1, 1)
DAYS = 36_525  # to 31 December 2068: each year of two digits once

FORMS = (
    "{d} {month} {year}",
    "{d} {mon} {year}",
    "{th} {month} {year}",
    "{d} {month}, {year}",
    "{month} {d}, {year}",
    "{mon} {d}, {year}",
    "{mon} {th}, {year}",
    "{mon} {d} '{yy}",
    "{month} the {word}, {year}",
    "the {word} of {month} {year}",
    "the {th} of {month}, {year}",
    "{weekday}, {month} {d}, {year}",
    "{weekday}, {d} {month} {year}",
    "{weekday} the {th} of {month} {year}",
    "{day} {d} {mon} {year}",
    "{day}, {mon} {dd} {yy}",
    "{mm}/{dd}/{yy}",
    "{mm}/{dd}/{year}",
    "{m}/{d}/{year}",
    "{d}.{m}.{year}",
    "{dd}.{mm}.{yy}",
    "{dd}-{mm}-{year}",
    "{d}-{mon}-{year}",
    "{dd}{mon}{yy}",
    "{year}.{m}.{d}",
    "{year}/{mm}/{dd}",
    "{year} {mon} {d}",
    "{year}{mm}{dd}",
)
CASES = (str, str.lower, str.upper)  # as in the form, and all small or all capital letters

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August",
           "September", "October", "November", "December")  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
             "ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth",
             "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth")  # fmt: skip
_SUFFIXES = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


def write(day: date, form: str) -> str:
    """Write `day` in one of FORMS, e.g. "{mon} {th}, {year}" gives "Mar 3rd, 2021".

    Fields: `d` and `dd` the day, `th` 3rd, `word` third; `m` and `mm` the month, `mon` Mar,
    `month` March; `yy` and `year`; `day` Wed, `weekday` Wednesday.
    """
    month, weekday = _MONTHS[day.month - 1], _WEEKDAYS[day.weekday()]
    return form.format(
        d=day.day,
        dd=f"{day.day:02}",
        th=f"{day.day}{_SUFFIXES.get(day.day, 'th')}",
        word=_ordinal(day.day),
        m=day.month,
        mm=f"{day.month:02}",
        mon=month[:3],
        month=month,
        yy=f"{day.year % 100:02}",
        year=day.year,
        day=weekday[:3],
        weekday=weekday,
    )


def derive(rng: random.Random) -> Pair:
    """Return a day of the hundred years at random, written in a form and case at random."""
    day = FIRST + timedelta(days=rng.randrange(DAYS))
    case = rng.choice(CASES)
    return Pair(case(write(day, rng.choice(FORMS))), day.isoformat())


def build(split: str, validation_share: float, test_share: float, seed: int) -> Corpus:
    """Build SIZE distinct pairs, drawn and split at random by `seed`.

    A day may stand in several splits, but never twice in the same writing.

    Raises:
        SettingsError: there is no such split.
    """
    if split not in SPLITS:
        raise SettingsError(
            f"dates: expected the split {SPLITS[0]!r}, got {split!r}{nearest(split, SPLITS)}"
        )
    rng = random.Random(seed)
    pairs: dict[str, Pair] = {}
    while len(pairs) < SIZE:
        pair = derive(rng)
        pairs.setdefault(pair.source, pair)
    shares = (validation_share, test_share)
    train, validation, test = split_pairs(list(pairs.values()), shares, seed)
    return Corpus("dates", train, validation, test)


def _ordinal(day: int) -> str:
    if day <= 20:
        return _ORDINALS[day - 1]
    if day == 30:
        return "thirtieth"
    return f"{'twenty' if day < 30 else 'thirty'}-{_ORDINALS[day % 10 - 1]}"

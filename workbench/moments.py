"""One sentence at many moments of training, as frozen records.

Shape letters: L layers, H heads, T target tokens, S source tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from workbench.records import Translation


class Opinion(NamedTuple):
    """What a model itself thinks of a token that somebody forces or bans.

    Attributes:
        item: its number among the interventions, from 1; kind: `force` or `ban`.
        log_probability: of the token behind the item's prefix, in nats.
    """

    item: int
    kind: str
    token: str
    log_probability: float


@dataclass(frozen=True)
class Moment:
    """What a model made of a sentence with the weights that it had at a step.

    Attributes:
        run: what the run is called; step: optimizer steps it had taken.
        figures: of the evaluation at that step, by name; empty where there was none.
        translation: under the interventions, with attention; None where they do not fit.
        scored: the sentence that is followed, under teacher forcing; None where there is none.
        opinions: of every token that is forced or banned, as far as the model knows them.
        fault: what does not fit, and why, on one line.
    """

    run: str
    step: int
    figures: Mapping[str, float] = field(default_factory=dict)
    translation: Translation | None = None
    scored: Translation | None = None
    opinions: tuple[Opinion, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class OverTime:
    """The same sentence, and the same interventions, at many moments of one run or of several.

    Attributes:
        text: the source; followed: the target whose tokens are followed, empty for none.
        moments: run by run, each in the order of its steps.
    """

    text: str
    followed: str
    moments: tuple[Moment, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of the runs, in order."""
        return tuple(dict.fromkeys(moment.run for moment in self.moments))

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps at which any of the runs has a moment, in order."""
        return tuple(sorted({moment.step for moment in self.moments}))

    def at(self, step: int) -> tuple[Moment, ...]:
        """Return of each run the last moment up to a step, or its first where that is later."""
        found = {}
        for moment in self.moments:
            if moment.run not in found or moment.step <= step:
                found[moment.run] = moment
        return tuple(found.values())

    def beside(self, other: "OverTime") -> "OverTime":
        """Return the moments of both; where a run is called as another, its name is numbered."""
        names: dict[str, str] = {}
        for run in other.runs:
            taken, number = {*self.runs, *names.values()}, 2
            names[run] = run
            while names[run] in taken:
                names[run], number = f"{run} ({number})", number + 1
        theirs = (replace(moment, run=names[moment.run]) for moment in other.moments)
        return replace(self, moments=(*self.moments, *theirs))

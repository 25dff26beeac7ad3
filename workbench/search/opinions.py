"""What a model itself thinks of the tokens that interventions force or ban."""

from collections.abc import Iterator, Sequence

from workbench.data.encoding import Codec
from workbench.errors import InterventionError
from workbench.interventions import Ban, Force, Intervention
from workbench.moments import Opinion
from workbench.search.decoding import Decoded, Decoding, OneSentence
from workbench.search.plan import Plan
from workbench.search.sources import Source


def opinions(
    step: OneSentence, codec: Codec, text: str, items: Sequence[Intervention]
) -> tuple[Opinion, ...]:
    """Return the model's probability of every token that is forced or banned, in its place.

    Whether a search would come by there does not matter; edits of the source and of attention on
    the way count. A place that cannot be reached, e.g. behind an end symbol, is left out.

    Raises:
        InterventionError: an item has a token or a position that is not there.
    """
    plan = Plan(items, Source.of(codec, text))
    return tuple(_weighed(plan, Decoding(step)))


def _weighed(plan: Plan, decoding: Decoding) -> Iterator[Opinion]:
    begin = decoding.begin(plan.source, plan.look(()).edits)
    plan.check_edits(begin.attention)
    for number, item in enumerate(plan.items, 1):
        if isinstance(item, Force | Ban):
            try:
                decoded = _written(decoding, plan, begin, item.prefix)
            except InterventionError:
                continue
            if not decoded.finished:
                log_probability = float(decoded.following[plan.source.number(item.token)])
                yield Opinion(number, item.kind, item.token, log_probability)


def _written(decoding: Decoding, plan: Plan, decoded: Decoded, prefix: Sequence[str]) -> Decoded:
    for place, token in enumerate(prefix, 1):
        edits = plan.look(tuple(prefix[:place])).edits
        decoded = decoding.extend(decoded, plan.source.number(token), edits)
    return decoded

"""What the attention panel looks at: a translation or its reference, and one kind of attention."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from workbench.charts.attention import NO_ATTENTION
from workbench.charts.sight import Pick, Sight, across, within_decoder, within_encoder
from workbench.data.corpus import Pair
from workbench.data.encoding import EncodedPairs
from workbench.inspection.alignment import attention_links
from workbench.metrics import alignment_error_rate
from workbench.records import Translation
from workbench.widgets.choices import MAXIMUM, MEAN, Choices
from workbench.widgets.gaze import Gaze

if TYPE_CHECKING:
    from workbench.session import Session

PICKED_FROM = ("validation", "test", "train")  # where a sentence's reference is looked for
_KINDS = {"source": "cross", "encoder itself": "encoder", "decoder itself": "decoder"}


@dataclass(frozen=True)
class Seen:
    """What there is to look at.

    Attributes:
        translation: what was translated or scored, its reference and gold alignment beside it.
        hypothesis: which of its hypotheses.
        sight: the attention, where there is any yet; message: why there is none.
    """

    translation: Translation | None = None
    hypothesis: int = 0
    sight: Sight | None = None
    message: str = ""

    def error_rate(self, layer: Pick, head: Pick) -> float | None:
        """Return how far the attention is from the gold alignment; None where it is not known."""
        if self.translation is None or self.sight is None or not self.sight.links:
            return None
        gold, chosen = self.translation.gold, self.translation.hypotheses[self.hypothesis]
        assert gold  # or there were no links
        weights = self.sight.chosen(layer, head)[None, None]
        links = attention_links(weights, self.translation.source_words, chosen.words)
        return alignment_error_rate([gold.sure], [gold.possible], [links])


def look(session: "Session", choices: Choices, gaze: Gaze, wait: bool = False) -> Seen:
    """Return what `choices` ask to see of the session's translation.

    What is missing is asked for; unless told to `wait`, look again when the answers of `gaze`
    change.
    """
    ask = partial(gaze.answer, session, wait=wait)
    translation = session.translation
    if translation is None or not translation.hypotheses:
        return Seen(message="Type a sentence or pick one, and press Translate.")
    pair = known_pair(session.encoded, translation.source)
    shown, which = translation, min(choices.hypothesis, len(translation.hypotheses) - 1)
    if choices.target == "reference":
        if pair is None:
            return Seen(message="No reference is known: pick a sentence of the data.")
        answer = ask(translation, "score", pair.source, pair.target)
        if not isinstance(answer, Translation):
            return Seen(message=answer or "Scoring the reference …")
        shown, which = answer, 0
    if pair:
        shown = replace(shown, reference=pair.target, gold=pair.alignment)
    if choices.kind == "cross":
        return _seen(shown, which, across(shown, which))
    text = shown.hypotheses[which].text
    answer = ask(translation, "self_attention", shown.source, text)
    if answer is None or isinstance(answer, str):
        return Seen(shown, which, message=answer or "Reading the model's self-attention …")
    if choices.kind == "encoder":
        return _seen(
            shown, which, within_encoder(shown.source, answer.source_tokens, answer.encoder)
        )
    return _seen(shown, which, within_decoder(text, answer.target_tokens, answer.decoder))


def kinds(session: "Session") -> dict[str, str]:
    """Return the kinds of attention that the model may have, by what is read."""
    sides = (session.config.encoder, session.config.decoder)
    has = {
        "cross": True,
        "encoder": sides[0] == "transformer",
        "decoder": sides[1] == "transformer",
    }
    return {label: kind for label, kind in _KINDS.items() if has[kind]}


def known_pair(encoded: Mapping[str, EncodedPairs], source: str) -> Pair | None:
    """Return the first pair of the data with this source."""
    for split in PICKED_FROM:
        for pair in encoded[split].pairs if split in encoded else ():
            if pair.source == source:
                return pair
    return None


def picked(choice: int) -> Pick:
    """Return a choice of layer or head as charts take it."""
    return {MEAN: None, MAXIMUM: "maximum"}.get(choice, choice)


def _seen(translation: Translation, hypothesis: int, sight: Sight) -> Seen:
    if sight.weights.size:
        return Seen(translation, hypothesis, sight)
    return Seen(translation, hypothesis, message=f"There is nothing to see: {NO_ATTENTION}.")

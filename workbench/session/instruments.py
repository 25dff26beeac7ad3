"""What a model can be asked when it is not trained: to translate, to be measured, looked into."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.config import GREEDY, RunConfig, SearchSettings
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec, EncodedPairs
from workbench.errors import RunError
from workbench.inspection.alignment import alignment_figures
from workbench.inspection.attribution import Attributor
from workbench.inspection.diagnosis import diagnose, diagnose_all
from workbench.inspection.over_time import Asked, borrowed, look_over
from workbench.inspection.ruled_out import Bounds
from workbench.inspection.scoring import Scoring
from workbench.inspection.states import StateReader
from workbench.inspection.wanted_attention import AttentionSeeker, Standpoint
from workbench.interventions import read_interventions
from workbench.metrics import text_figures
from workbench.model.seq2seq import Seq2Seq
from workbench.moments import Moment, OverTime
from workbench.records import (
    Diagnoses,
    Diagnosis,
    Evaluation,
    Progress,
    Translation,
    WantedAttention,
)
from workbench.runs import RunDirectory
from workbench.search.batch import BatchSearch
from workbench.search.compiled_step import CompiledStep
from workbench.search.opinions import opinions
from workbench.search.rules import prefix_numbers
from workbench.search.stepper import Stepper
from workbench.search.translate import Translator
from workbench.training.checkpoint import Checkpoints
from workbench.training.evaluation import TeacherForcing

Between = Callable[[], None] | None


class Instruments:
    """What asks one model, compiled once; its weights may change from one call to the next.

    Attributes:
        teacher, score, attribute, seek, read_states: see their classes.
    """

    def __init__(
        self, model: Seq2Seq, codec: Codec, batch_size: int, do: Callable[[Callable[[], Any]], Any]
    ) -> None:
        """Ask `model`, `batch_size` sentences at a time; `do` does the work of steppers."""
        self.model, self.codec, self.batch_size = model, codec, batch_size
        self.teacher = TeacherForcing(model)
        self.score = Scoring(model, codec, batch_size)
        self.attribute = Attributor(model, codec, batch_size)
        self.seek = AttentionSeeker(model, codec)
        self.read_states = StateReader(model, codec, batch_size)
        self.translate = Translator(BatchSearch(model.encode, model.step), codec, batch_size)
        self._one_step = CompiledStep(model.encode, model.step, do)

    def stepper(self, text: str, search: SearchSettings) -> Stepper:
        """Return what takes the translation of `text` apart."""
        return Stepper(self._one_step, self.codec, text, search)

    def seek_at(
        self,
        stepper: Stepper,
        place: int | str | None,
        wanted: str,
        layer: int | None = None,
        head: int | None = None,
    ) -> WantedAttention:
        """Answer the inverse question at a node of a stepper, from the state that is kept there.

        Raises:
            InterventionError: there is no such node or token, or the sentence has ended there.
        """
        here = stepper.node(place).decoded
        here.check_open()
        token, state, memory = stepper.inputs(place)
        inputs = token, *self._one_step.unpacked(state, memory)
        standpoint = Standpoint(
            here.source.tokens, here.prefix, *inputs, here.attention, here.following
        )
        return self.seek.at(standpoint, here.source.number(wanted), wanted, layer, head)

    def replay(
        self,
        text: str,
        search: SearchSettings,
        width: int = 0,
        hypotheses: int = 0,
        record: bool = True,
    ) -> Translation:
        """Translate `text` under the interventions of `search`, by default with its beam."""
        width = width or search.beam_width
        found = self.stepper(text, search).replay(search.interventions, width)
        best = found.hypotheses[: hypotheses or search.hypotheses or width]
        return replace(found, hypotheses=best, beam=found.beam if record else None)

    def best(self, text: str, search: SearchSettings) -> Translation:
        """Return the best translation alone, under the interventions of `search` if it has any."""
        if not search.interventions:
            return self.translate([Pair(text, "")], search)[0]
        return self.replay(text, search, hypotheses=1, record=False)

    def measure(
        self,
        name: str,
        encoded: EncodedPairs,
        limit: int,
        search: SearchSettings,
        between: Between = None,
    ) -> tuple[Evaluation, list[Translation]]:
        """Return the figures of a split called `name`, and the translations they are counted on.

        At most `limit` sentences are translated; `between` is called before every batch.
        """
        pairs = encoded.pairs[:limit]
        translations = self.translate(pairs, search, between=between)
        figures = self.teacher(encoded, self.batch_size, between)
        figures |= text_figures([each.text for each in translations], [p.target for p in pairs])
        if any(pair.alignment for pair in pairs):
            figures |= alignment_figures(self.score(pairs, between))
        return Evaluation(name, figures, len(pairs)), translations

    def look(
        self, validation: EncodedPairs, config: RunConfig, between: Between = None
    ) -> tuple[Evaluation, tuple[Translation, ...]]:
        """Measure the validation split greedily; return the translations that are watched too."""
        evaluation, translations = self.measure(
            "validation", validation, config.validation_sentences,
            config.replace(**GREEDY, prefix=""), between,
        )  # fmt: skip
        watched = min(config.probe_sentences, len(validation))
        return evaluation, tuple(translations[:watched])

    def diagnose(
        self, pairs: Sequence[Pair], search: SearchSettings, counts: Mapping[str, int]
    ) -> Diagnoses:
        """Say of every pair whether search or model is at fault, and which to look at.

        Only those worth a look keep all that the search weighed; it is large.
        """
        each = [
            replace(one, found=replace(one.found, beam=None))
            for start in range(0, len(pairs), self.batch_size)
            for one in self._diagnosed(pairs[start : start + self.batch_size], search, counts)
        ]
        for worth in diagnose_all(each).worth:
            [each[worth.place]] = self._diagnosed([pairs[worth.place]], search, counts)
        return diagnose_all(each)

    def _diagnosed(
        self, pairs: Sequence[Pair], search: SearchSettings, counts: Mapping[str, int]
    ) -> Iterator[Diagnosis]:
        sampled = search.temperature > 0  # and then ranked by no penalty
        alpha, beta = (0.0, 0.0) if sampled else (search.length_penalty, search.coverage_penalty)
        found, scored = self.translate(pairs, search, 1, True), self.score(pairs)
        for one, its in zip(found, scored, strict=True):
            prefix = prefix_numbers(search, self.codec, one.source)
            bounds = Bounds.of(search, self.codec.target_tokens(prefix, one.source))
            yield diagnose(one, its, alpha, beta, counts, bounds)

    def look_back(
        self,
        text: str,
        reference: str,
        search: RunConfig,
        directory: RunDirectory,
        history: Sequence[Progress],
    ) -> OverTime:
        """Translate `text` with the weights of every checkpoint; the model's own come back.

        `history` holds the figures that were measured at some of them.

        Raises:
            RunError: nothing is kept in `directory`.
        """
        checkpoints = Checkpoints(directory.checkpoints)
        moments = _moments(directory, checkpoints, history)
        asked = Asked(
            translate=lambda: self.best(text, search),
            weigh=lambda: opinions(
                self._one_step, self.codec, text, read_interventions(search.interventions)
            ),
            score=lambda target: self.score([Pair(text, target)])[0],
        )
        with borrowed(self.model):
            return look_over(
                OverTime(text, reference, moments),
                lambda step: checkpoints.restore_weights(step, self.model),
                asked,
            )


def check_place(stepper: Stepper, place: int | str, text: str, prefix: Sequence[str]) -> None:
    """Refuse a place of a stepper where another source or prefix stands.

    Raises:
        RunError: it is such a place.
        InterventionError: there is no such place.
    """
    here = stepper.node(place).decoded
    if (here.source.text, here.prefix) != (text, tuple(prefix)):
        raise RunError(
            f"expected the source and prefix of {place!r}, {here.source.text!r} and "
            f"{here.prefix}, got {text!r} and {tuple(prefix)}; leave the place out"
        )


def _moments(
    directory: RunDirectory, checkpoints: Checkpoints, history: Sequence[Progress]
) -> tuple[Moment, ...]:
    """Return the steps of a run whose weights are kept, with what was measured there."""
    if not checkpoints.moments:
        raise RunError(
            f"{directory}: no checkpoint is kept to look back to; train with keep_checkpoints "
            "above 0, or open another run"
        )
    measured = {one.step: one.evaluation for one in history if one.evaluation}
    name = directory.path.resolve().name
    return tuple(
        Moment(name, step, measured[step].figures if step in measured else {})
        for step in checkpoints.moments
    )

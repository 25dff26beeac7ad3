"""The decoding of one sentence, state by state, over any step function.

Shape letters: R rows, T target tokens so far, V what may come next (the target vocabulary, and
the source where the model copies), L layers with attention, H heads, S source tokens.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN
from workbench.errors import InterventionError
from workbench.interventions import AttentionEdit, Prefix
from workbench.records import Floats, Hypothesis
from workbench.search.editing import Reading, check, edited
from workbench.search.sources import Source

NEVER = (PAD, UNKNOWN, BEGIN)  # what is written only where it is forced


class Outcome(NamedTuple):
    """What one step says of R rows.

    Attributes:
        log_probabilities: of what may come next, the model's own [R, V].
        attention: what was read [R, L, H, S]; L is 0 for a model without attention.
        states: what the step leaves to the next, one a row.
    """

    log_probabilities: Floats
    attention: Floats
    states: tuple[Any, ...]


class OneSentence(Protocol):
    """A step function for the rows of one sentence. Memories and states are nobody's but its own.

    Attributes:
        editable: whether attention can be given to it.
    """

    editable: bool

    def encode(self, source: Sequence[int]) -> tuple[Any, Any]:
        """Read source ids [S]; return the state before the first token, and the memory."""

    def step(
        self,
        tokens: Sequence[int],
        states: Sequence[Any],
        memory: Any,
        attention: Floats | None = None,
    ) -> Outcome:
        """Take the latest tokens [R] in, first the begin symbol.

        `attention` [R, L, H, S], where given, is read instead of the model's own; what is NaN in
        it stays the model's own, as it comes out above the layers that were given.
        """


@dataclass(frozen=True, eq=False)
class Decoded:
    """A prefix, and what the model makes of it.

    Attributes:
        before: the prefix without its last token; none for the empty one.
        ids, prefix: its tokens [T], as numbers and as a person reads them.
        log_probabilities: the model's own of each token, given those before it [T].
        following: log-probabilities of what may come next [V]; empty behind the end symbol.
        attention: what was read for that [L, H, S].
        state: what the next step goes on from.
        edits: what changed that attention; plain: the same prefix without them, itself kept so
            that other edits cost no step for it; None where there are none.
    """

    source: Source
    before: "Decoded | None"
    ids: tuple[int, ...]
    prefix: Prefix
    log_probabilities: Floats
    following: Floats
    attention: Floats
    state: Any
    edits: tuple[AttentionEdit, ...] = ()
    plain: "Decoded | None" = None

    @property
    def finished(self) -> bool:
        """Whether the end symbol is reached."""
        return bool(self.ids) and self.ids[-1] == END

    @property
    def path(self) -> list["Decoded"]:
        """Every prefix from the empty one to this, in order [T + 1]."""
        path = [self]
        while path[-1].before:
            path.append(path[-1].before)
        return path[::-1]

    @cached_property
    def total(self) -> np.float32:
        """Log-probability of the whole prefix, summed from its first token on."""
        return np.float32(sum(self.log_probabilities, np.float32(0)))

    def check_open(self) -> None:
        """Refuse to go on behind the end symbol.

        Raises:
            InterventionError: it is reached.
        """
        if self.finished:
            raise InterventionError("the sentence has ended; nothing follows its end symbol")

    def likeliest(self, shut: NDArray[np.bool_] | None = None) -> int | None:
        """Return the likeliest token that is not `shut` [V]; None where every token is.

        By default padding, unknown and begin symbols are.
        """
        following = self.following.copy()
        following[[*NEVER] if shut is None else shut] = -np.inf
        best = int(following.argmax())
        return best if following[best] > -np.inf else None

    def best(self, shut: NDArray[np.bool_] | None = None) -> int:
        """Return the same, where there is one.

        Raises:
            InterventionError: there is none.
        """
        self.check_open()
        if (best := self.likeliest(shut)) is None:
            raise InterventionError(
                "every token is banned here, or barred by the settings; unban one, or force one"
            )
        return best

    def hypothesis(self, score: float) -> Hypothesis:
        """Return the prefix as a sentence with the model's opinion of it."""
        codec, text = self.source.codec, self.source.text
        read = [each.attention for each in self.path[:-1]]
        nothing = np.zeros((*self.path[0].attention.shape[:2], 0, len(self.source.ids)), "f")
        return Hypothesis(
            text=codec.decode_target(self.ids, text),
            tokens=self.prefix,
            log_probabilities=self.log_probabilities,
            attention=np.stack(read, 2) if read else nothing,
            score=score,
            finished=self.finished,
            words=tuple(codec.target_words(self.ids, text)),
        )


class Decoding:
    """Makes prefixes of prefixes with a step function; nothing is ever run twice for it."""

    def __init__(self, step: OneSentence) -> None:
        """Decode with `step`; every source is encoded once."""
        self._step = step
        self._encoded: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def begin(self, source: Source, edits: Sequence[AttentionEdit] = ()) -> Decoded:
        """Return the empty prefix; see `extend`."""
        state, memory = self._memory(source)
        outcome = self._step.step([BEGIN], [state], memory)
        return self.edit(self._joined(source, None, BEGIN, outcome), edits)

    def extend(self, before: Decoded, token: int, edits: Sequence[AttentionEdit] = ()) -> Decoded:
        """Return a prefix with one more token, in one step; `edits` are of what that one reads.

        Raises:
            InterventionError: the sentence has ended; an edit does not fit, its `item` says which.
        """
        before.check_open()
        if token == END:
            return self.leaf(before, token)
        [plain] = self.extend_all([(before, token)])
        return self.edit(plain, edits)

    def leaf(self, before: Decoded, token: int) -> Decoded:
        """Return a prefix with one more token behind which nothing shall follow: no step is run."""
        nothing = np.zeros((1, 0), np.float32)
        unread = np.zeros_like(before.attention)[None]
        return self._joined(before.source, before, token, Outcome(nothing, unread, (None,)))

    def edit(self, decoded: Decoded, edits: Sequence[AttentionEdit]) -> Decoded:
        """Return the same prefix with other edits, from the state before its last token.

        Raises:
            InterventionError: see `extend`.
        """
        if tuple(edits) == decoded.edits:
            return decoded
        if decoded.plain:
            return self.edit(decoded.plain, edits)
        decoded.check_open()
        if not self._step.editable:
            raise InterventionError(
                "this model's step takes no attention, so that none can be edited; see "
                "EncoderDecoder in workbench/model/protocol.py"
            )
        outcome = self._edited(decoded, edits)
        token = decoded.ids[-1] if decoded.ids else BEGIN
        found = self._joined(decoded.source, decoded.before, token, outcome)
        return replace(found, edits=tuple(edits), plain=decoded)

    def extend_all(self, rows: Sequence[tuple[Decoded, int]]) -> list[Decoded]:
        """Return many prefixes of one source, each with one more token, in one step."""
        if not rows:
            return []
        tokens = [token for _, token in rows]
        states = [before.state for before, _ in rows]
        outcome = self._step.step(tokens, states, self._memory(rows[0][0].source)[1])
        return [
            self._joined(before.source, before, token, outcome, row)
            for row, (before, token) in enumerate(rows)
        ]

    def inputs(self, decoded: Decoded) -> tuple[int, Any, Any]:
        """Return the token, the state and the memory that the step behind a prefix took in."""
        state, memory = self._memory(decoded.source)
        if decoded.before:
            state = decoded.before.state
        return (decoded.ids[-1] if decoded.ids else BEGIN), state, memory

    def _memory(self, source: Source) -> tuple[Any, Any]:
        if source.ids not in self._encoded:
            self._encoded[source.ids] = self._step.encode(source.ids)
        return self._encoded[source.ids]

    def _edited(self, plain: Decoded, edits: Sequence[AttentionEdit]) -> Outcome:
        """Step again for every layer that is changed, from below: those above build on it."""
        for edit in edits:
            with _naming(edit):
                check(edit, plain.attention.shape)
        token, state, memory = self.inputs(plain)
        outcome = Outcome(plain.following[None], plain.attention[None], (plain.state,))
        wanted = np.full_like(outcome.attention, np.nan)
        for layer in range(len(plain.attention)):
            own = rows = outcome.attention[0, layer]
            for place, edit in enumerate(edits):
                if edit.layer in (None, layer):
                    with _naming(edit):
                        rows = edited(edit, rows, layer, self._reader(plain, edits[:place]))
            changed = (rows != own).any(-1)
            if changed.any():
                wanted[0, layer, changed] = rows[changed]
                outcome = self._step.step([token], [state], memory, wanted)
        return outcome

    def _reader(self, plain: Decoded, edits: Sequence[AttentionEdit]) -> Reading:
        """Return what tells the attention behind any prefix, under the edits so far."""

        def reading(other: Prefix) -> Floats:
            beyond = other[: len(plain.prefix)] == plain.prefix
            path = (self.edit(plain, edits) if beyond else plain).path
            decoded = [each for each in path if each.prefix == other[: len(each.prefix)]][-1]
            for token in other[len(decoded.prefix) :]:
                decoded = self.extend(decoded, decoded.source.number(token))
            decoded.check_open()
            return decoded.attention

        return reading

    def _joined(
        self,
        source: Source,
        before: Decoded | None,
        token: int,
        outcome: Outcome,
        row: int = 0,
    ) -> Decoded:
        following, attention = outcome.log_probabilities[row], outcome.attention[row]
        state = outcome.states[row]
        if before is None:
            nothing = np.zeros(0, np.float32)
            return Decoded(source, None, (), (), nothing, following, attention, state)
        reached = np.append(before.log_probabilities, before.following[token])
        ids, prefix = (*before.ids, token), (*before.prefix, *source.named([token]))
        return Decoded(source, before, ids, prefix, reached, following, attention, state)


@contextmanager
def _naming(edit: AttentionEdit) -> Iterator[None]:
    """Let an error say which edit it is about."""
    try:
        yield
    except InterventionError as error:
        error.item = error.item or edit
        raise

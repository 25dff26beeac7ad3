"""Take the translation of one sentence apart: step, force, ban, edit attention, branch, undo.

    stepper = session.stepper("jump twice")
    stepper.advance()
    stepper.force("I_WALK")
    stepper.edit_attention(Mask(positions=(0,)))
    stepper.finish().text
    session.translate("jump twice", interventions=stepper.interventions())

Whatever fails leaves the tree as it was. Shape letters: T target tokens, V what may come next.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.config import SearchSettings
from workbench.data.encoding import Codec
from workbench.errors import InterventionError, SettingsError, nearest
from workbench.interventions import (
    AttentionEdit,
    Ban,
    EditSource,
    Force,
    Intervention,
    read_interventions,
)
from workbench.records import BeamRecord, Candidate, Hypothesis, Translation
from workbench.search.decoding import Decoded, Decoding, OneSentence
from workbench.search.plan import Here, Plan
from workbench.search.prefix_beam import beam, score, translation
from workbench.search.rules import Rules
from workbench.search.sources import Source
from workbench.search.tree import LIMIT, Node, Tree


@dataclass(frozen=True)
class Choice:
    """A token that may come next, with the model's own probability; `rank` counts from 1."""

    token: str
    log_probability: float
    rank: int
    banned: bool = False

    @property
    def probability(self) -> float:
        """From 0 to 1."""
        return float(np.exp(self.log_probability))


class Stepper:
    """One sentence and a tree of its decoding states, which grows by what is done to it.

    A node is a prefix with the state of the model behind it, so that a child costs one step
    however long the prefix is. A place in the tree is the id of a node or the name of a branch;
    where none is given, the current one is meant. All probabilities are the model's own.

    Every operation raises `InterventionError` where it makes no sense: a token or position that
    is not there, weights that sum to 0, a sentence that has ended, a tree that is full.
    """

    def __init__(
        self,
        step: OneSentence,
        codec: Codec,
        text: str,
        settings: SearchSettings,
        limit: int = LIMIT,
    ) -> None:
        """Stand before the first token of a translation of `text`.

        Args:
            step: the model's step; see `workbench.search.compiled_step`.
            codec: its tokenizers.
            text: the source.
            settings: all that a search has but its temperature. What is forced comes whatever
                they say of a prefix, a least length or repetition.
            limit: nodes at most.
        """
        self.settings = settings
        self._decoding, self._tree = Decoding(step), Tree(limit)
        self._source = Source.of(codec, text)
        with self._tree.change(remember=False):
            self._root(self._source)

    # Looking --------------------------------------------------------------------------------

    def watch(self, act: Callable[[], None]) -> None:
        """Call `act` after every change of the tree, in the thread that made it."""
        self._tree.changed = act

    @property
    def nodes(self) -> dict[int, Node]:
        """All nodes by id, oldest first, so that parents stand before their children."""
        return dict(sorted(self._tree.nodes.items()))

    @property
    def current(self) -> Node:
        """The node somebody stands at."""
        return self._tree.nodes[self._tree.current]

    def node(self, place: int | str | None = None) -> Node:
        """Return a node by its id or by the name of its branch."""
        if place is None:
            return self.current
        nodes, known = self._tree.nodes, ""
        if isinstance(place, str):
            names = {node.name: node for node in nodes.values() if node.name}
            found = names.get(place)
            known = "" if found else nearest(place, names)
        else:
            found = nodes.get(place)
        if found is None:
            raise InterventionError(
                f"expected a node or a branch of the tree, got {place!r}{known}"
            )
        return found

    def candidates(self, count: int = 10, place: int | str | None = None) -> tuple[Choice, ...]:
        """Return what may come next, likeliest first; none behind the end symbol."""
        node = self.node(place)
        following = node.decoded.following
        best = np.argsort(-following, kind="stable")[:count]
        names = node.decoded.source.named(best.tolist())
        return tuple(
            Choice(name, float(following[token]), rank, int(token) in node.banned)
            for rank, (token, name) in enumerate(zip(best, names, strict=True), 1)
        )

    def hypothesis(self, place: int | str | None = None) -> Hypothesis:
        """Return what is written up to a node; its score is that of the search."""
        decoded = self.node(place).decoded
        return decoded.hypothesis(score(decoded, self.settings))

    def root(self, place: int | str | None = None) -> Node:
        """Return where the tree begins that a node belongs to."""
        return self._tree.path(self.node(place).id)[0]

    def score(self, text: str, place: int | str | None = None) -> Translation:
        """Return the model's opinion of a target text; the tree stays as it is.

        It is written from the root of a node on: what was edited there, and in the source,
        counts, and nothing that was done later. Log-probabilities [T] and attention [L, H, T, S]
        are of its tokens, the end symbol included; words that the vocabulary lacks are unknown
        ones.
        """
        decoded = self.root(place).decoded
        source = decoded.source
        *ids, end = source.codec.encode_target(text, source.text)
        for token in ids:
            decoded = self._decoding.extend(decoded, token)
        decoded = self._decoding.extend(decoded, end)
        whole = replace(decoded.hypothesis(score(decoded, self.settings)), text=text)
        return translation(source, [whole], reference=text)

    def translation(self, *places: int | str) -> Translation:
        """Return what is written up to some nodes of one source beside that source."""
        ends = [self.hypothesis(place) for place in places] or [self.hypothesis()]
        return translation(self.node(*places[:1]).decoded.source, ends)

    def inputs(self, place: int | str | None = None) -> tuple[int, Any, Any]:
        """Return the token, state and memory from which a node was made; see `OneSentence`."""
        return self._decoding.inputs(self.node(place).decoded)

    def interventions(self, place: int | str | None = None) -> tuple[Intervention, ...]:
        """Return what was done on the way to a node, so that a replay goes the same way."""
        path = self._tree.path(self.node(place).id)
        source = path[0].decoded.source
        rules = self._rules_as_far_as_read(source)
        items: list[Intervention] = [*source.edits]
        for node, after in zip(path, [*path[1:], None], strict=True):
            items += _done_at(node, after, rules)
        return tuple(items)

    # Writing --------------------------------------------------------------------------------

    def advance(self) -> Node:
        """Write the likeliest token that is not banned and that the settings allow."""
        node = self._open_node()
        return self._go_on(node.decoded.best(_shut(node, self._rules(node.decoded.source))))

    def force(self, token: str) -> Node:
        """Write this token; a model that copies may be given words of the source as well."""
        return self._go_on(self.current.decoded.source.number(token), forced=True)

    def force_text(self, text: str) -> Node:
        """Write the tokens of a text, one after the other."""
        with self._tree.change():
            for number in self.current.decoded.source.numbers(text):
                self._go_on(number, forced=True)
        return self.current

    def expand(self, *tokens: str) -> Node:
        """Grow a child for each token and stay here."""
        node = self._open_node()
        numbers = [node.decoded.source.number(token) for token in tokens]
        best = self._usual(node)
        with self._tree.change():
            for number in numbers:
                self._go_on(number, forced=number != best)
                self._tree.current = node.id
        return self.current

    def finish(self) -> Translation:
        """Write the likeliest tokens up to the end; return the whole.

        It stops without an end symbol where the settings allow no token any more.
        """
        with self._tree.change():
            while self._may_go_on and not self._is_stuck(self.current):
                self.advance()
        return self.translation()

    def beam(self, place: int | str | None = None, width: int = 0) -> Translation:
        """Search for what may best follow a node, under the interventions on the way to it.

        The tree stays as it is; `follow` makes nodes of what was found or pruned. It is a search
        also where the settings draw samples.

        Raises:
            SettingsError: `width` is no multiple of the settings' groups of the beam, or their
                prefix cannot be read.
        """
        node = self.node(place)
        items = [
            each for each in self.interventions(node.id) if not isinstance(each, EditSource)
        ]  # fmt: skip
        settings = self.settings.model_copy(update={"beam_width": width} if width else {})
        return beam(
            self._decoding, node.decoded, Plan(items, node.decoded.source), settings
        )  # fmt: skip

    def follow(
        self, record: BeamRecord, candidate: Candidate, place: int | str | None = None
    ) -> Node:
        """Write, from the beginning, what a candidate of a search continues, a pruned one too.

        That goes along the way to `place`, where the search began, while they agree.
        """
        by_place = {(each.step, each.beam): each for each in record.candidates if each.beam >= 0}
        chain = [candidate]
        while chain[-1].step:
            chain.append(by_place[chain[-1].step - 1, chain[-1].parent])
        begun = self.node(place).id
        with self._tree.change():
            self._tree.current = begun
            return self.write([each.token for each in reversed(chain)])

    def write(self, tokens: Sequence[str]) -> Node:
        """Write tokens from the beginning, along the way to the current node while they agree."""
        numbers = [self.current.decoded.source.number(token) for token in tokens]
        with self._tree.change():
            for node in self._tree.path(self.current.id):
                size = len(node.decoded.ids)
                if node.decoded.ids == tuple(numbers[:size]):
                    self._tree.current = node.id
            for number in numbers[len(self.current.decoded.ids) :]:
                node = self.current
                self._go_on(number, forced=number != self._usual(node))
        return self.current

    # Interfering ----------------------------------------------------------------------------

    def ban(self, token: str) -> Node:
        """Let a token not be chosen here; a node that was gone on from stays as it is."""
        return self._banning(self.current.banned | {self.current.decoded.source.number(token)})

    def unban(self, token: str) -> Node:
        """Let a token be chosen here again."""
        number = self.current.decoded.source.number(token)
        if number not in self.current.banned:
            raise InterventionError(f"{token!r} is not banned here")
        return self._banning(self.current.banned - {number})

    def edit_attention(self, *edits: AttentionEdit) -> Node:
        """Change what was read for what comes next: a node beside this one, with its own children.

        Edits add to those of the node; their prefix is taken to be that of the node.
        """
        node = self._open_node()
        prefix = {"prefix": node.decoded.prefix}
        new = tuple(edit.model_copy(update=prefix) for edit in edits)
        self._tree.check_room()
        decoded = self._decoding.edit(node.decoded, (*node.decoded.edits, *new))
        return self._beside(node, decoded, node.banned)

    def edit_source(self, position: int, token: str) -> Node:
        """Put another token into the source, none where it is empty, and write the prefix again.

        What was done on the way to the node is done again as well.
        """
        path = self._tree.path(self.current.id)
        source = path[0].decoded.source.edited(EditSource(position=position, token=token))
        with self._tree.change():
            self._root(source, path[0].decoded.edits, path[0].banned)
            for node in path[1:]:
                self._child(node.decoded.ids[-1], node.forced, node.decoded.edits, node.banned)
        return self.current

    def replay(self, given: str | Iterable[Any], width: int = 0) -> Translation:
        """Do what a list says at each prefix that is reached, to the end of the sentence.

        Without a width the likeliest tokens are written, as a branch of the tree. With one, a
        beam is searched, which leaves the tree as it is.

        Args:
            given: as `read_interventions` takes it.
            width: of the beam.

        Raises:
            InterventionError: an item does not fit any more; the error begins with its number.
        """
        plan = Plan(read_interventions(given), self._source)
        with plan.naming():
            if width:
                found = self._replayed_by_a_beam(plan, width)
            else:
                with self._tree.change():
                    found = self._replayed(plan)
        return found

    # The tree -------------------------------------------------------------------------------

    def branch(self, name: str) -> Node:
        """Give the current node a name to come back to."""
        return self.rename(self.current.id, name)

    def rename(self, place: int | str, name: str) -> Node:
        """Give a node another name, or none where that is empty."""
        node = self.node(place)
        taken = {each.name for each in self._tree.nodes.values()} - {"", node.name}
        if name in taken:
            raise InterventionError(f"there is a branch {name!r} already; choose another name")
        with self._tree.change():
            self._tree.set(node.id, name=name)
        return self.node(node.id)

    def delete(self, place: int | str | None = None) -> Node:
        """Take a node out with all below it; return where that leaves us."""
        node = self.node(place)
        if len(list(self._tree.below(node.id))) == len(self._tree.nodes):
            raise InterventionError("nothing would be left of the tree; delete less of it")
        with self._tree.change():
            self._tree.remove(node.id)
        return self.current

    def go(self, place: int | str) -> Node:
        """Stand at another node."""
        node = self.node(place)
        with self._tree.change():
            self._tree.current = node.id
        return node

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return self._tree.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a change that was taken back."""
        return self._tree.can_redo

    def undo(self) -> Node:
        """Take the last change back, whatever it was."""
        self._tree.undo()
        return self.current

    def redo(self) -> Node:
        """Make the change again that was taken back last."""
        self._tree.redo()
        return self.current

    # Doing ----------------------------------------------------------------------------------

    def _rules(self, source: Source) -> Rules:
        """Return what the settings let be chosen; see `Rules.of`."""
        return Rules.of(self.settings, source.codec, source.text)

    def _rules_as_far_as_read(self, source: Source) -> Rules:
        """Return the same, without a prefix where the vocabulary lacks its words."""
        try:
            return self._rules(source)
        except SettingsError:
            free = self.settings.model_copy(update={"prefix": ""})
            return Rules.of(free, source.codec, source.text)

    def _usual(self, node: Node) -> int | None:
        """Return what `advance` would write, if anything."""
        node.decoded.check_open()
        rules = self._rules_as_far_as_read(node.decoded.source)
        return node.decoded.likeliest(_shut(node, rules))

    def _is_stuck(self, node: Node) -> bool:
        """Whether no token may follow, and nobody's ban is to blame."""
        rules = self._rules(node.decoded.source)
        return not node.banned and node.decoded.likeliest(_shut(node, rules)) is None

    @property
    def _may_go_on(self) -> bool:
        decoded = self.current.decoded
        return not decoded.finished and len(decoded.ids) < self.settings.max_decode_length

    def _open_node(self) -> Node:
        """Return the current node, where something may follow it."""
        decoded = self.current.decoded
        decoded.check_open()
        if not self._may_go_on:
            raise InterventionError(
                f"the translation has {len(decoded.ids)} tokens; raise max_decode_length to go on"
            )
        return self.current

    def _go_on(self, token: int, forced: bool = False) -> Node:
        """Go to the child with a token, whatever is banned there; make it where there is none."""
        node = self._open_node()
        with self._tree.change():
            for child in map(self.node, node.children):
                if child.decoded.ids[-1] == token and not child.decoded.edits:
                    self._tree.current = child.id
                    return child
            return self._child(token, forced)

    def _child(
        self,
        token: int,
        forced: bool,
        edits: tuple[AttentionEdit, ...] = (),
        banned: frozenset[int] = frozenset(),
    ) -> Node:
        """Go to the very child of the current node that is described, made where there is none."""
        wanted = token, edits, banned
        for child in map(self.node, self.current.children):
            if (child.decoded.ids[-1], child.decoded.edits, child.banned) == wanted:
                self._tree.current = child.id
                return child
        self._tree.check_room()
        decoded = self._decoding.extend(self.current.decoded, token, edits)
        self._tree.current = self._tree.add(self._tree.current, decoded, forced, banned)
        return self.current

    def _root(
        self,
        source: Source,
        edits: tuple[AttentionEdit, ...] = (),
        banned: frozenset[int] = frozenset(),
    ) -> None:
        """Go to the very root that is described, made where there is none."""
        for node in self._tree.nodes.values():
            known = node.decoded.source, node.decoded.edits, node.banned
            if node.parent is None and known == (source, edits, banned):
                self._tree.current = node.id
                return
        self._tree.check_room()
        begin = self._decoding.begin(source, edits)
        self._tree.current = self._tree.add(None, begin, banned=banned)

    def _beside(self, node: Node, decoded: Decoded, banned: frozenset[int]) -> Node:
        """Go to a new node with the same prefix as another."""
        self._tree.check_room()
        with self._tree.change():
            self._tree.current = self._tree.add(node.parent, decoded, node.forced, banned)
        return self.current

    def _banning(self, banned: frozenset[int]) -> Node:
        node = self._open_node()
        if node.children or node.name:
            return self._beside(node, node.decoded, banned)
        with self._tree.change():
            self._tree.set(node.id, banned=banned)
        return self.current

    def _replayed(self, plan: Plan) -> Translation:
        begin = plan.look(())
        self._root(plan.source, begin.edits, begin.banned)
        plan.check_edits(self.current.decoded.attention)
        rules = self._rules(plan.source)
        while self._may_go_on:
            decoded = self.current.decoded
            here = plan.at(decoded.prefix)
            forced = here.forced is not None
            if not forced and self._is_stuck(self.current):
                break
            token = decoded.best(here.shut(decoded, rules)) if here.forced is None else here.forced
            then = plan.look((*decoded.prefix, *plan.source.named([token])))
            self._child(token, forced, then.edits, then.banned)
        plan.check_reached()
        return self.translation()

    def _replayed_by_a_beam(self, plan: Plan, width: int) -> Translation:
        begin = self._decoding.begin(plan.source, plan.look(()).edits)
        plan.check_edits(begin.attention)
        settings = self.settings.model_copy(update={"beam_width": width})
        found = beam(self._decoding, begin, plan, settings)
        plan.check_reached()
        return found


def _shut(node: Node, rules: Rules) -> NDArray[np.bool_]:
    """Tell which tokens may not follow a node [V]."""
    return Here(banned=node.banned).shut(node.decoded, rules)


def _done_at(node: Node, after: Node | None, rules: Rules) -> Iterator[Intervention]:
    """Yield what was done at a node before going on to another, if to any."""
    decoded = node.decoded
    token = after.decoded.ids[-1] if after else None
    banned = node.banned - {token}
    named = decoded.source.named([*sorted(banned), *([] if token is None else [token])])
    yield from decoded.edits
    for name in named[: len(banned)]:
        yield Ban(prefix=decoded.prefix, token=name)
    if after is None:
        return
    usual = decoded.likeliest(Here(banned=frozenset(banned)).shut(decoded, rules))
    if after.forced or usual != token:
        yield Force(prefix=decoded.prefix, token=named[-1])

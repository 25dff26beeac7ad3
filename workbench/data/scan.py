"""SCAN: commands and the actions they mean (Lake & Baroni 2018, arXiv:1711.00350).

The grammar and the interpretation function are those of the paper's supplement (figures 6 and
7); U, V, S are its categories: a primitive, a phrase with a direction, a phrase with a count.

The template splits are those of Loula et al. 2018 (arXiv:1807.07545): every word is trained on in
many phrases, and a pair of them, such as `around right`, is met together in the test only.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from workbench.data.corpus import Corpus, Pair, split_pairs
from workbench.errors import DataError, SettingsError, nearest

SPLITS = (
    "simple", "length", "addprim_jump", "addprim_turn_left",
    "template_jump_around_right", "template_right", "template_opposite_right",
    "template_around_right",
)  # fmt: skip

_PRIMITIVES = ("walk", "look", "run", "jump")
_DIRECTIONS = ("left", "right")
_COUNTS = {"twice": 2, "thrice": 3}

_SIMPLE_TEST_SHARE = 0.2
_LONGEST_TRAINED = 22  # actions, in the length split
_PRIMITIVE_SHARE = 0.1  # of the training pairs, where a primitive is trained on alone
_TEMPLATE = "template_"


def commands() -> tuple[Pair, ...]:
    """Return all 20,910 commands with their actions, always in the same order."""
    verbs = [*_PRIMITIVES]
    for manner in ("", "opposite ", "around "):
        verbs += [f"{verb} {manner}{direction}"
                  for verb, direction in product((*_PRIMITIVES, "turn"), _DIRECTIONS)]  # fmt: skip
    phrases = [f"{verb} {count}".strip() for verb, count in product(verbs, ("", *_COUNTS))]
    joined = [
        f"{first} {conjunction} {second}"
        for first, conjunction, second in product(phrases, ("and", "after"), phrases)
    ]
    return tuple(Pair(command, interpret(command)) for command in (*phrases, *joined))


def interpret(command: str) -> str:
    """Return the actions that `command` means, separated by spaces.

    Raises:
        DataError: the command is not in the grammar.
    """
    words = command.split()
    for conjunction in ("and", "after"):
        if conjunction in words:
            place = words.index(conjunction)
            first = _counted(words[:place], command)
            second = _counted(words[place + 1 :], command)
            return " ".join(first + second if conjunction == "and" else second + first)
    return " ".join(_counted(words, command))


def build(split: str, validation_share: float, test_share: float, seed: int) -> Corpus:  # noqa: ARG001
    """Build SCAN with one of the paper's splits.

    The test set is the published one whatever `test_share` says: by length of the actions, or
    all commands with the held-out primitive or template. `simple` is random in the paper, so
    here it is 20% by `seed`. Validation is `validation_share` of the distinct training pairs.

    Raises:
        SettingsError: there is no such split.
    """
    if split not in SPLITS:
        raise SettingsError(
            f"scan: expected a split among {', '.join(SPLITS)}, "
            f"got {split!r}{nearest(split, SPLITS)}"
        )
    primitive = split.removeprefix("addprim_").replace("_", " ")  # of the two with that name
    train, test = _held_out(split, primitive, seed)
    alone = [pair for pair in train if pair.source == primitive]
    others = [pair for pair in train if pair.source != primitive]
    train, validation = split_pairs(others, (validation_share,), seed)
    if alone:
        train = _with_primitive(train, alone[0], len(others), seed)
    return Corpus("scan", train, validation, test)


def _held_out(split: str, primitive: str, seed: int) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Return the training pairs, each once, and the test pairs."""
    pairs = commands()
    if split == "simple":
        train, test = split_pairs(pairs, (_SIMPLE_TEST_SHARE,), seed)
        return train, test
    held: tuple[str, ...] = (primitive,)
    if split.startswith(_TEMPLATE):
        held, unsaid = _template(split)
        pairs = tuple(pair for pair in pairs if not _holds(pair, unsaid))

    def tested(pair: Pair) -> bool:
        if split == "length":
            return len(pair.target.split()) > _LONGEST_TRAINED
        return pair.source != primitive and any(_holds(pair, phrase) for phrase in held)

    train = tuple(pair for pair in pairs if not tested(pair))
    return train, tuple(pair for pair in pairs if tested(pair))


def _template(split: str) -> tuple[tuple[str, ...], str]:
    """Return the phrases tested on alone, and the one in neither training nor test.

    `turn right` would say what `right` does (likewise `turn opposite right`, `turn around right`),
    and is no primitive with a template: the published files leave it out.
    """
    words = split.removeprefix(_TEMPLATE).split("_")
    verbs = (words.pop(0),) if words[0] in _PRIMITIVES else _PRIMITIVES
    return tuple(" ".join((verb, *words)) for verb in verbs), " ".join(("turn", *words))


def _holds(pair: Pair, phrase: str) -> bool:
    return f" {phrase} " in f" {pair.source} "


def _with_primitive(
    train: Sequence[Pair], primitive: Pair, others: int, seed: int
) -> tuple[Pair, ...]:
    """Mix the primitive in as often as the published files have it, and all of it in train.

    A tenth of the training pairs (1,467 of 14,670 for jump, 2,189 of 21,890 for turn left) is
    the primitive alone. It stays out of the validation split, which it would swamp.
    """
    repeats = round(others * _PRIMITIVE_SHARE / (1 - _PRIMITIVE_SHARE))
    mixed = [*train, *[primitive] * repeats]
    return tuple(mixed[i] for i in np.random.default_rng(seed).permutation(len(mixed)))


def _counted(words: list[str], command: str) -> list[str]:
    if words and words[-1] in _COUNTS:
        return _directed(words[:-1], command) * _COUNTS[words[-1]]
    return _directed(words, command)


def _directed(words: list[str], command: str) -> list[str]:
    match words:
        case [verb] if verb in _PRIMITIVES:
            return _action(verb)
        case [verb, direction] if _turns(verb, direction):
            return [_turn(direction), *_action(verb)]
        case [verb, "opposite", direction] if _turns(verb, direction):
            return [_turn(direction), _turn(direction), *_action(verb)]
        case [verb, "around", direction] if _turns(verb, direction):
            return [_turn(direction), *_action(verb)] * 4
    raise DataError(
        f"expected a SCAN command such as 'jump around left twice and walk', got {command!r}: "
        f"cannot read {' '.join(words)!r}"
    )


def _turns(verb: str, direction: str) -> bool:
    return verb in (*_PRIMITIVES, "turn") and direction in _DIRECTIONS


def _action(verb: str) -> list[str]:
    return [] if verb == "turn" else [f"I_{verb.upper()}"]


def _turn(direction: str) -> str:
    return f"I_TURN_{direction.upper()}"

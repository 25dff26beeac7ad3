import gzip
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from workbench.data import scan
from workbench.errors import DataError, SettingsError

PUBLISHED = Path(__file__).parents[2] / "../shared/data/scan"
HELD_OUT = [("length", 16_990, 3_920), ("addprim_jump", 14_670, 7_706),
            ("addprim_turn_left", 21_890, 1_208)]  # fmt: skip


def published(name):
    path = PUBLISHED / f"{name}.txt.gz"
    if not path.exists():
        pytest.skip(f"{path.name} absent")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [tuple(line.removeprefix("IN: ").split(" OUT: ")) for line in lines]


def texts(*parts):
    return [(pair.source, pair.target) for part in parts for pair in part]


@pytest.mark.parametrize(
    ("command", "actions"),
    [  # table 1 and figure 1 of the paper
        ("jump", "I_JUMP"),
        ("jump left", "I_TURN_LEFT I_JUMP"),
        ("jump around right", "I_TURN_RIGHT I_JUMP " * 3 + "I_TURN_RIGHT I_JUMP"),
        ("turn left twice", "I_TURN_LEFT I_TURN_LEFT"),
        ("jump thrice", "I_JUMP I_JUMP I_JUMP"),
        ("jump opposite left and walk thrice", "I_TURN_LEFT I_TURN_LEFT I_JUMP" + " I_WALK" * 3),
        ("jump opposite left after walk around left",
         "I_TURN_LEFT I_WALK " * 4 + "I_TURN_LEFT I_TURN_LEFT I_JUMP"),
        ("turn around right", "I_TURN_RIGHT " * 3 + "I_TURN_RIGHT"),
        ("turn opposite left", "I_TURN_LEFT I_TURN_LEFT"),
    ],
)  # fmt: skip
def test_interpret_gives_the_actions_of_the_paper(command, actions):
    assert scan.interpret(command) == actions


@pytest.mark.parametrize(
    "command",
    ["", "turn", "jump up", "jump twice twice", "walk and", "after run", "turn twice",
     "walk and run after jump", "opposite left", "jump left around", "JUMP"],
)  # fmt: skip
def test_interpret_refuses_what_the_grammar_does_not_derive(command):
    with pytest.raises(DataError, match=rf"expected a SCAN command.* got '{command}'"):
        scan.interpret(command)


def test_commands_are_all_commands_of_the_published_file():
    ours = texts(scan.commands())
    assert len(ours) == len(set(ours)) == 20_910
    assert set(ours) == set(published("tasks"))


@pytest.mark.parametrize(("split", "train", "test"), HELD_OUT)
def test_held_out_splits_are_the_published_ones_as_multisets(split, train, test):
    corpus = scan.build(split, 0.05, 0.3, seed=7)
    assert len(corpus.train) + len(corpus.validation) == train
    assert len(corpus.test) == test
    assert Counter(texts(corpus.train, corpus.validation)) == Counter(
        published(f"tasks_train_{split}")
    )
    assert Counter(texts(corpus.test)) == Counter(published(f"tasks_test_{split}"))


@pytest.mark.parametrize(
    ("split", "train", "test"),
    [  # the sizes of the published files, as TensorFlow Datasets' catalogue counts them
        ("template_jump_around_right", 18_528, 1_173),
        ("template_right", 15_225, 4_476),
        ("template_opposite_right", 15_225, 4_476),
        ("template_around_right", 15_225, 4_476),
    ],
)
def test_template_splits_have_the_published_sizes_and_say_the_template_in_the_test_only(
    split, train, test
):
    corpus = scan.build(split, 0.05, 0.3, seed=7)
    assert (len(corpus.train) + len(corpus.validation), len(corpus.test)) == (train, test)
    manner = split.removeprefix("template_").removeprefix("jump_").replace("_", " ")
    verbs = "jump" if "jump" in split else "walk|look|run|jump"
    template = re.compile(rf"\b({verbs}) {manner}\b")
    assert all(template.search(pair.source) for pair in corpus.test)
    learnt = [pair.source for pair in (*corpus.train, *corpus.validation)]
    assert not any(template.search(source) for source in learnt)
    assert not any(f"turn {manner}" in source for source, _ in texts(*corpus.splits.values()))
    for word in ("right", "left", "around", "opposite", "jump", "turn left"):
        assert any(word in source for source in learnt)  # every word is known


def test_simple_has_the_published_sizes_and_every_command_once():
    corpus = scan.build("simple", 0.05, 0.1, seed=7)
    assert (len(corpus.train) + len(corpus.validation), len(corpus.test)) == (16_728, 4_182)
    assert len(corpus.validation) == round(0.05 * 16_728)
    assert sorted(texts(*corpus.splits.values())) == sorted(texts(scan.commands()))


@pytest.mark.parametrize(
    ("split", "primitive", "repeats"),
    [("addprim_jump", "jump", 1_467), ("addprim_turn_left", "turn left", 2_189)],
)
def test_repeated_primitive_is_all_in_train_and_spread_over_it(split, primitive, repeats):
    corpus = scan.build(split, 0.05, 0.1, seed=3)
    places = [i for i, pair in enumerate(corpus.train) if pair.source == primitive]
    assert len(places) == repeats
    assert max(b - a for a, b in pairwise(places)) < 200
    sources = [pair.source for pair in corpus.validation]
    assert primitive not in sources
    assert len(set(sources)) == len(sources)


@pytest.mark.parametrize("split", scan.SPLITS)
def test_same_seed_same_corpus_and_no_leak(split):
    corpus = scan.build(split, 0.05, 0.1, seed=5)
    assert scan.build(split, 0.05, 0.1, seed=5).fingerprint == corpus.fingerprint
    assert scan.build(split, 0.05, 0.1, seed=6).fingerprint != corpus.fingerprint
    parts = [{pair.source for pair in part} for part in corpus.splits.values()]
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_unknown_split_is_refused_with_the_nearest():
    with pytest.raises(SettingsError, match="got 'lenght'; did you mean 'length'"):
        scan.build("lenght", 0.05, 0.1, seed=1)

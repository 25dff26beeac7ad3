"""The stepper over a step function in NumPy."""

import numpy as np
import pytest

from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN, END
from workbench.errors import InterventionError, SettingsError
from workbench.interventions import (
    Ban,
    EditSource,
    Force,
    Mask,
    Paste,
    Scale,
    SetCell,
    SetRow,
    Sharpen,
    read_interventions,
    to_json,
)
from workbench.search.tree import LIMIT

FORCED = ("chien", "et")


def same(one, other):
    """Check that two hypotheses are the same to the last bit."""
    assert (one.tokens, one.text, one.finished, one.score) == (
        other.tokens, other.text, other.finished, other.score
    )  # fmt: skip
    np.testing.assert_array_equal(one.log_probabilities, other.log_probabilities)
    np.testing.assert_array_equal(one.attention, other.attention)


def picture(stepper):
    """Return all there is to see of a tree."""
    nodes = stepper.nodes
    return (
        stepper.current.id,
        nodes.keys(),
        [
            (id(node.decoded), node.parent, node.children, node.name, node.banned, node.forced)
            for node in nodes.values()
        ],
    )


def by_hand(fake, stepper, tokens, text=None):
    """Run the fake step over tokens and return (log-probabilities, attention, states) of each."""
    source = stepper.current.decoded.source
    memory = fake.sources[list(source.ids)]
    state, outcomes = np.zeros(5), []
    for token in (BEGIN, *map(source.number, tokens)):
        *seen, state = fake.one(token, state, memory)
        outcomes.append((*seen, state))
    return outcomes


# Stepping ----------------------------------------------------------------------------------


def test_the_first_node_is_what_the_step_says_of_the_begin_symbol(stepper, fake):
    logs, attention, _ = by_hand(fake, stepper, ())[0]
    node = stepper.current
    assert (node.id, node.parent, node.decoded.prefix, node.children) == (0, None, (), ())
    np.testing.assert_array_equal(node.decoded.following, logs)
    np.testing.assert_array_equal(node.decoded.attention, attention)
    choices = stepper.candidates(5)
    order = np.argsort(-logs)[:5]
    assert [one.log_probability for one in choices] == logs[order].tolist()
    assert choices[0].probability == pytest.approx(np.exp(logs.max()))
    assert [one.rank for one in choices] == [1, 2, 3, 4, 5]
    assert [one.token for one in choices] == [*stepper.current.decoded.source.named(order)]


def test_greedy_is_the_likeliest_token_each_time(stepper, fake, codec):
    found = stepper.finish().best
    outcomes = by_hand(fake, stepper, found.tokens[:-1])
    tokens = codec.target.tokens([4 - 1 + int(logs[3:].argmax()) for logs, *_ in outcomes])
    assert found.tokens == tokens
    np.testing.assert_array_equal(
        found.attention, np.stack([read for _, read, _ in outcomes[: len(found.tokens)]], 2)
    )
    assert found.score == pytest.approx(
        found.log_probability / ((5 + len(found.tokens)) / 6) ** 0.6, rel=1e-5
    )


def test_nothing_before_a_node_is_run_again(stepper, fake):
    stepper.force_text("chien et chat")
    assert len(fake.stepped) == 4
    assert len(fake.encoded) == 1
    deep = stepper.current.id
    for operate in (
        lambda: stepper.force("noir"),
        lambda: stepper.go(deep),
        lambda: stepper.ban("noir"),
        lambda: stepper.edit_attention(Scale(layer=1, positions=(0,), factor=3)),
    ):
        fake.stepped.clear()
        operate()
        assert len(fake.stepped) <= 1
        assert len(fake.encoded) == 1


def test_forcing_what_the_model_would_choose_changes_nothing(make_stepper):
    free, forced = make_stepper(), make_stepper()
    wanted = free.finish().best
    for token in wanted.tokens:
        forced.force(token)
    same(forced.hypothesis(), wanted)
    assert all(node.forced for node in forced.nodes.values() if node.parent is not None)


def test_beside_a_forced_token_stands_what_the_model_thinks_of_it(stepper, fake):
    stepper.force_text(" ".join(FORCED))
    outcomes = by_hand(fake, stepper, FORCED)
    source = stepper.current.decoded.source
    wanted = [
        logs[source.number(token)] for (logs, *_), token in zip(outcomes, FORCED, strict=False)
    ]
    np.testing.assert_array_equal(stepper.hypothesis().log_probabilities, wanted)
    np.testing.assert_array_equal(stepper.current.decoded.following, outcomes[-1][0])


def test_a_banned_token_is_not_chosen_but_keeps_its_probability(stepper):
    first, second = stepper.candidates(2)
    stepper.ban(first.token)
    assert stepper.candidates(2) == (
        type(first)(first.token, first.log_probability, 1, True),
        second,
    )
    assert stepper.advance().decoded.prefix == (second.token,)
    stepper.go(0)
    assert stepper.force(first.token).decoded.prefix == (first.token,)  # a person may
    stepper.go(0)
    twin = stepper.unban(first.token)
    assert (twin.parent, twin.banned) == (None, frozenset())
    assert twin.decoded is stepper.node(0).decoded
    assert stepper.advance().decoded.prefix == (first.token,)


def test_where_all_is_banned_a_message_says_so(stepper, codec):
    for token in codec.target.tokens(range(END, codec.target.size)):
        stepper.ban(token)
    before = picture(stepper)
    with pytest.raises(
        InterventionError, match="every token is banned here, or barred by the settings; unban"
    ):
        stepper.advance()
    assert picture(stepper) == before


def test_going_on_twice_goes_to_the_same_node(stepper):
    one = stepper.advance().id
    stepper.go(0)
    assert stepper.advance().id == one
    stepper.go(0)
    assert stepper.force(stepper.node(one).decoded.prefix[0]).id == one


def test_a_sentence_is_not_longer_than_the_settings_say(make_stepper):
    stepper = make_stepper(max_decode_length=2)
    for token in FORCED:
        stepper.force(token)
    assert not stepper.translation().best.finished
    for operate in (stepper.advance, lambda: stepper.ban("chat")):
        with pytest.raises(InterventionError, match="has 2 tokens; raise max_decode_length to go"):
            operate()
    assert stepper.finish().best.tokens == FORCED


def test_behind_the_end_nothing_follows(stepper, fake):
    stepper.force("<end>")
    assert len(fake.stepped) == 1
    assert stepper.current.decoded.finished
    assert stepper.candidates() == ()
    for operate in (
        stepper.advance,
        lambda: stepper.force("chien"),
        lambda: stepper.ban("chien"),
        lambda: stepper.edit_attention(Mask(positions=(0,))),
    ):
        with pytest.raises(InterventionError, match="the sentence has ended; nothing follows"):
            operate()


# Editing attention -------------------------------------------------------------------------


def rows_by_hand(own, edit):
    """Apply an edit to weights [S] in the plainest way."""
    row = own.astype(float)
    match edit:
        case SetRow():
            row = np.array(edit.weights)
        case SetCell():
            rest = 1 - edit.weight
            row = np.delete(row, edit.position)
            row = np.insert(row / row.sum() * rest, edit.position, edit.weight)
        case Scale():
            row = np.array(
                [w * edit.factor if i in edit.positions else w for i, w in enumerate(row)]
            )
        case Mask():
            row = np.array([0 if i in edit.positions else w for i, w in enumerate(row)])
        case Sharpen():
            row = row ** (1 / edit.temperature)
    return row / row.sum()


EDITS = [
    SetRow(weights=(1, 0, 2, 0, 1)),
    SetCell(position=1, weight=0.8),
    SetCell(position=1, weight=1),
    Scale(positions=(0, 3), factor=2.5),
    Mask(positions=(2, 4)),
    Sharpen(temperature=0.3),
    Sharpen(temperature=4),
]


@pytest.mark.parametrize("layer", [0, 1, None])
@pytest.mark.parametrize("head", [0, 1, None])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.kind)
def test_an_edit_acts_on_what_the_layer_reads_after_those_below(stepper, fake, edit, layer, head):
    stepper.force("chien")
    before = stepper.current
    edit = edit.model_copy(update={"layer": layer, "head": head})
    after = stepper.edit_attention(edit).decoded
    memory = fake.sources[list(after.source.ids)]
    token, state = after.ids[-1], stepper.node(0).decoded.state
    given = np.full((2, 2, 5), np.nan, np.float32)
    for each in range(2) if layer is None else [layer]:
        _, own, _ = fake.one(token, state, memory, given)
        for place in range(2) if head is None else [head]:
            given[each, place] = rows_by_hand(own[each, place], edit)
    logs, read, _ = fake.one(token, state, memory, given)
    np.testing.assert_allclose(after.attention, read, atol=1e-6)
    np.testing.assert_allclose(after.following, logs, atol=1e-5)
    np.testing.assert_allclose(after.attention.sum(-1), 1, atol=1e-6)
    assert not np.array_equal(after.following, before.decoded.following)
    assert after.log_probabilities.tolist() == before.decoded.log_probabilities.tolist()
    assert stepper.current.parent == before.parent
    assert stepper.current.id != before.id
    if layer == 0:
        assert not np.array_equal(after.attention[1], before.decoded.attention[1])
    if layer == 1:
        np.testing.assert_array_equal(after.attention[0], before.decoded.attention[0])


def test_editing_attention_to_the_values_it_has_changes_nothing(stepper):
    before = stepper.force("chien").decoded
    row = before.attention[1, 0]
    for edit in (
        SetRow(layer=1, head=0, weights=row.tolist()),
        SetCell(layer=1, head=0, position=2, weight=float(row[2])),
        Scale(positions=(0, 1), factor=1),
        Mask(positions=()),
        Sharpen(temperature=1),
        Paste(other=("chien",)),
    ):
        after = stepper.edit_attention(edit).decoded
        for name in ("following", "attention", "state", "log_probabilities"):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_edits_add_up_in_order(stepper):
    stepper.edit_attention(Mask(positions=(0,)), SetCell(position=1, weight=0.5))
    stepper.edit_attention(Sharpen(layer=1, temperature=0.5))
    assert [edit.kind for edit in stepper.current.decoded.edits] == ["mask", "cell", "sharpen"]
    first, second = stepper.current.decoded.attention
    np.testing.assert_allclose(first[:, :2], [[0, 0.5]] * 2, atol=1e-6)
    assert (second[:, 0] == 0).all()


def test_another_edit_costs_what_the_first_cost(make_stepper, fake):
    stepper, at_once = make_stepper(), make_stepper()
    bars = [SetCell(layer=1, head=0, position=place, weight=0.4) for place in range(3)]
    for begin in (lambda: None, lambda: stepper.force("chien")):
        begin()
        for bar in bars:
            fake.stepped.clear()
            stepper.edit_attention(bar)
            assert len(fake.stepped) == 1
        fake.stepped.clear()
        stepper.edit_attention(Mask(layer=0, positions=(3,)))
        assert len(fake.stepped) == 2  # layer 0, and layer 1 anew above it
    at_once.edit_attention(*bars, Mask(layer=0, positions=(3,)))
    at_once.force("chien")
    at_once.edit_attention(*bars, Mask(layer=0, positions=(3,)))
    for name in ("following", "attention", "state", "log_probabilities"):
        ours, theirs = (getattr(each.current.decoded, name) for each in (stepper, at_once))
        np.testing.assert_array_equal(ours, theirs)


def test_pasting_reads_what_another_step_reads(stepper):
    stepper.force_text("chien et")
    earlier = stepper.node(0).decoded.attention
    node = stepper.edit_attention(Paste(layer=0, other=()))
    np.testing.assert_allclose(node.decoded.attention[0], earlier[0], atol=1e-7)
    stepper.undo()
    elsewhere = ("chat", "noir")  # never visited
    there = stepper.edit_attention(Paste(layer=0, other=elsewhere)).decoded.attention[0]
    stepper.go(0)
    stepper.force_text(" ".join(elsewhere))
    np.testing.assert_allclose(there, stepper.current.decoded.attention[0], atol=1e-7)


def test_pasting_from_what_follows_an_edit_sees_that_edit(stepper):
    mask = Mask(positions=(1,))
    stepper.edit_attention(mask)
    stepper.force("chien")
    later = stepper.current.decoded.attention[0]
    stepper.go(stepper.current.parent)
    now = stepper.edit_attention(Paste(layer=0, other=("chien",))).decoded
    np.testing.assert_allclose(now.attention[0], later, atol=1e-7)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Mask(positions=(5,)), "a source position from 0 to 4, got 5"),
        (SetCell(position=9, weight=1), "a source position from 0 to 4, got 9"),
        (Mask(positions=(0,), layer=2), "a layer from 0 to 1, got 2"),
        (Mask(positions=(0,), head=2), "a head from 0 to 1, got 2"),
        (SetRow(weights=(1, 2)), "expected 5 weights, one for each source token, got 2"),
        (Mask(positions=range(5)), "weights sum to 0; leave some above 0"),
        (Scale(positions=range(5), factor=0), "weights sum to 0; leave some above 0"),
        (Paste(other=("zebra",)), "expected a token of the target vocabulary, got 'zebra'"),
        (Paste(other=("<end>",)), "the sentence has ended"),
    ],
)
def test_an_edit_that_does_not_fit_leaves_the_tree_as_it_was(stepper, edit, said):
    stepper.advance()
    before = picture(stepper)
    with pytest.raises(InterventionError, match=said):
        stepper.edit_attention(edit)
    assert picture(stepper) == before


def test_the_rest_cannot_be_shared_where_nothing_else_is_read(stepper):
    stepper.edit_attention(SetRow(weights=(0, 1, 0, 0, 0)))
    with pytest.raises(InterventionError, match=r"cannot share 0\.5; set the whole row"):
        stepper.edit_attention(SetCell(position=1, weight=0.5))
    moved = stepper.edit_attention(SetCell(position=2, weight=0.25))
    assert moved.decoded.attention[0, 0].tolist() == [0, 0.75, 0.25, 0, 0]


def test_a_model_without_attention_refuses_edits(make_stepper):
    stepper = make_stepper(step=make_stepper.plain)
    with pytest.raises(InterventionError, match="step takes no attention, so that none can be"):
        stepper.edit_attention(Mask(positions=(0,)))
    make_stepper.plain.editable = True
    with pytest.raises(InterventionError, match="this model has no attention to edit"):
        stepper.edit_attention(Mask(positions=(0,)))
    assert stepper.finish().best.attention.shape[:2] == (0, 1)


# Editing the source ------------------------------------------------------------------------


def test_an_edited_source_is_another_source_with_the_prefix_written_again(stepper, make_stepper):
    stepper.force_text("chien et")
    node = stepper.edit_source(1, "horse")
    other = make_stepper("small horse and dog")
    other.force_text("chien et")
    same(stepper.hypothesis(), other.hypothesis())
    np.testing.assert_array_equal(node.decoded.following, other.current.decoded.following)
    assert stepper.translation().source == "small horse and dog"
    assert stepper.translation().source_tokens == ("small", "horse", "and", "dog", "<end>")
    assert len([each for each in stepper.nodes.values() if each.parent is None]) == 2


def test_edits_and_bans_come_along_to_another_source(stepper):
    stepper.ban("chat")
    stepper.force("chien")
    stepper.edit_attention(Mask(positions=(2,)))
    stepper.force("et")
    done = stepper.interventions()
    stepper.edit_source(0, "old")
    assert stepper.interventions() == (EditSource(position=0, token="old"), *done)
    assert (stepper.node(stepper.current.parent).decoded.attention[..., 2] == 0).all()


def test_a_token_can_be_taken_out_of_the_source_but_not_all(make_stepper):
    stepper = make_stepper("small cat")
    stepper.edit_source(0, "")
    assert stepper.translation().source == "cat"
    before = picture(stepper)
    for position, token, said in (
        (0, "", "the source would be empty"),
        (1, "dog", "expected a source position from 0 to 0, got 1"),
        (0, "dgo", "a token of the source vocabulary, got 'dgo'; did you mean 'dog'"),
        (0, "<pad>", "a token of the source vocabulary"),
        (-1, "dog", "position: .* got -1"),
    ):
        with pytest.raises(InterventionError, match=said):
            stepper.edit_source(position, token)
        assert picture(stepper) == before
    with pytest.raises(InterventionError, match="got a text without tokens"):
        make_stepper("  ")


# Tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("operate", ["force", "ban", "unban", "force_text"])
def test_a_token_that_is_not_there_offers_the_nearest(stepper, operate):
    before = picture(stepper)
    with pytest.raises(InterventionError, match="got 'chein'; did you mean 'chien'"):
        getattr(stepper, operate)("chein")
    assert picture(stepper) == before


@pytest.mark.parametrize("token", ["<pad>", "<begin>", ""])
def test_symbols_that_no_sentence_holds_are_no_tokens(stepper, token):
    with pytest.raises(InterventionError, match="expected a token of the target vocabulary"):
        stepper.force(token)


def test_a_text_is_forced_whole_or_not_at_all(stepper):
    before = picture(stepper)
    with pytest.raises(InterventionError, match="got 'xyz'"):
        stepper.force_text("chien xyz")
    with pytest.raises(InterventionError, match="expected a text to force"):
        stepper.force_text(" ")
    assert picture(stepper) == before


@pytest.mark.parametrize(("unit", "wanted"), [
    ("char", ("c", "h", "i", "e", "n", "␣", "n", "o", "i", "r")),
    ("bpe", None),
])  # fmt: skip
def test_a_text_of_smaller_units_is_forced_unit_by_unit(pairs, config, make_stepper, unit, wanted):
    sizes = {"source_vocabulary": 60, "target_vocabulary": 60}
    settings = config.replace(target_tokens=unit, source_tokens=unit, **sizes)
    codec = Codec.train(pairs, settings)
    step = make_stepper.step_for(codec)
    stepper = make_stepper(codec=codec, step=step, max_decode_length=30)
    stepper.force_text("chien noir")
    assert stepper.hypothesis().text == "chien noir"
    tokens = stepper.current.decoded.prefix
    assert tokens == (wanted or codec.target.tokens(codec.target.encode("chien noir")))
    again = make_stepper(codec=codec, step=step, max_decode_length=30)
    for token in tokens:
        again.force(token)
    same(again.hypothesis(), stepper.hypothesis())
    stepper.edit_source(0, codec.source.tokens(codec.source.encode("a"))[-1])
    assert stepper.translation().source_tokens[0] != again.translation().source_tokens[0]


# The tree ----------------------------------------------------------------------------------


def test_branches_have_names(stepper):
    stepper.advance()
    left = stepper.branch("mine")
    stepper.go(0)
    with pytest.raises(InterventionError, match="there is a branch 'mine' already"):
        stepper.branch("mine")
    assert stepper.go("mine").id == left.id
    stepper.rename("mine", "yours")
    assert stepper.node("yours").id == left.id
    with pytest.raises(InterventionError, match="got 'your'; did you mean 'yours'"):
        stepper.go("your")
    with pytest.raises(InterventionError, match="expected a node or a branch of the tree, got 99"):
        stepper.go(99)


def test_deleting_takes_a_branch_with_all_below_it(stepper):
    stepper.force_text("chien et chat")
    stepper.go(1)
    stepper.force("noir")
    assert stepper.delete(2).id == 4  # who stands elsewhere stays there
    assert set(stepper.nodes) == {0, 1, 4}
    assert stepper.node(1).children == (4,)
    assert stepper.delete("" or None).id == 1
    with pytest.raises(InterventionError, match="nothing would be left of the tree"):
        stepper.delete(0)
    stepper.undo()
    stepper.undo()
    assert set(stepper.nodes) == {0, 1, 2, 3, 4}


def test_another_root_can_be_deleted(stepper):
    stepper.edit_source(0, "old")
    assert stepper.delete(0).id == 1
    assert set(stepper.nodes) == {1}
    assert stepper.replay([]).source == "small cat and dog"  # the one that was given


def test_a_full_tree_refuses_more_and_stays_as_it_was(make_stepper):
    stepper = make_stepper(limit=3)
    stepper.force("chien")
    before = picture(stepper)
    with pytest.raises(InterventionError, match="has 3 nodes, as many as it may; delete a branch"):
        stepper.force_text("et chat noir")
    assert picture(stepper) == before
    stepper.force("et")
    for operate in (
        lambda: stepper.force("chat"),
        stepper.finish,
        lambda: stepper.edit_attention(Mask(positions=(0,))),
        lambda: stepper.edit_source(0, "old"),
        lambda: stepper.replay([Force(token="chat")]),
    ):
        with pytest.raises(InterventionError, match="has 3 nodes"):
            operate()
    stepper.undo()
    assert picture(stepper) == before


def test_the_greatest_tree_refuses_one_more(greatest_tree):
    stepper = greatest_tree
    assert len(stepper.nodes) == LIMIT == 10_000
    before = picture(stepper)
    with pytest.raises(InterventionError, match="the tree has 10,000 nodes, as many as it may"):
        stepper.force("chien")
    assert picture(stepper) == before
    stepper.delete()
    stepper.force("<end>")  # there is room again
    assert len(stepper.nodes) == LIMIT


def test_there_is_nothing_to_undo_at_first(stepper):
    with pytest.raises(InterventionError, match="nothing to undo"):
        stepper.undo()
    stepper.advance()
    stepper.undo()
    assert stepper.redo().decoded.prefix
    with pytest.raises(InterventionError, match="nothing to redo"):
        stepper.redo()


def random_operation(stepper, generator):
    """Do something at random; what makes no sense is refused."""
    words = ("chien", "chat", "et", "noir", "<end>")
    word, nodes = generator.choice(words), list(stepper.nodes)
    place = int(generator.choice(nodes))
    operate = generator.choice([
        stepper.advance, stepper.finish, lambda: stepper.force(word), lambda: stepper.ban(word),
        lambda: stepper.unban(word), lambda: stepper.go(place), lambda: stepper.delete(place),
        lambda: stepper.branch(str(place)), lambda: stepper.rename(place, "x"),
        lambda: stepper.edit_attention(Scale(positions=(place % 5,), factor=2)),
        lambda: stepper.edit_attention(Paste(layer=1, other=(word,))),
        lambda: stepper.edit_source(place % 4, str(generator.choice(["old", "fish", ""]))),
        lambda: stepper.replay([Force(token="chat"), Ban(prefix=("chat",), token="et")]),
        lambda: stepper.write([word, "et"]),
    ])  # fmt: skip
    operate()


@pytest.mark.parametrize("seed", range(6))
def test_all_can_be_undone_and_redone_and_replayed(make_stepper, seed):
    print(f"seed {seed}")
    generator, stepper = np.random.default_rng(seed), make_stepper()
    pictures, refused = [picture(stepper)], 0
    for _ in range(60):
        try:
            random_operation(stepper, generator)
        except InterventionError:
            refused += 1
        if picture(stepper) != pictures[-1]:
            pictures.append(picture(stepper))
        if not stepper.current.decoded.finished:
            saved = to_json(stepper.interventions())
            stepper.finish()
            again = make_stepper()
            same(again.replay(saved).best, stepper.hypothesis())
            if picture(stepper) != pictures[-1]:
                stepper.undo()
    assert 0 < refused < 60
    assert len(pictures) > 10
    for wanted in pictures[-2::-1]:
        stepper.undo()
        assert picture(stepper) == wanted
    for wanted in pictures[1:]:
        stepper.redo()
        assert picture(stepper) == wanted


# Replaying ---------------------------------------------------------------------------------

LIST = (
    EditSource(position=0, token="old"),
    Ban(token="chat"),
    Force(token="chien"),
    Sharpen(prefix=("chien",), layer=0, temperature=0.5),
    Paste(prefix=("chien",), head=1, other=()),
    Force(prefix=("chien",), token="et"),
)


def test_a_list_does_what_was_done_by_hand(make_stepper):
    by_hand, replayed = make_stepper(), make_stepper()
    by_hand.edit_source(0, "old")
    by_hand.ban("chat")
    by_hand.force("chien")
    by_hand.edit_attention(*LIST[3:5])
    by_hand.force("et")
    assert by_hand.interventions() == LIST
    by_hand.finish()
    found = replayed.replay(to_json(LIST))
    same(found.best, by_hand.hypothesis())
    assert (found.source, found.source_words) == ("old cat and dog", (0, 1, 2, 3, -1))
    assert replayed.interventions() == by_hand.interventions() == LIST
    same(make_stepper().replay(replayed.interventions()).best, found.best)
    replayed.undo()
    assert list(replayed.nodes) == [0]


def test_an_empty_list_is_greedy_search(make_stepper):
    same(make_stepper().replay("").best, make_stepper().finish().best)


@pytest.mark.parametrize("width", [0, 1, 3])
@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([Force(token="chein")], "item 1: .* got 'chein'; did you mean 'chien'"),
        ([Force(token="chat"), Ban(prefix=("chien",), token="et")],
         "item 2: its prefix was not reached: chien; take it out"),
        ([Force(token="<end>"), Ban(prefix=("<end>",), token="et")], "item 2: .*not reached"),
        ([Force(token="chat"), Force(token="chat")], "item 2: another item forces a token"),
        ([Force(token="chat"), Ban(token="chat")], "item 2: 'chat' is both forced and banned"),
        ([EditSource(position=9, token="cat")], "item 1: .* from 0 to 3, got 9"),
        ([Ban(token="chat"), Mask(prefix=("x",), positions=(7,))], "item 2: .* 0 to 4, got 7"),
        ([Force(token="chat"), Mask(prefix=("chat",), positions=range(5))],
         "item 2: nothing would be read"),
        ([{"kind": "cut"}], "item 1: expected a kind"),
    ],
)  # fmt: skip
def test_an_item_that_does_not_fit_is_named(stepper, items, said, width):
    stepper.advance()
    before = picture(stepper)
    with pytest.raises(InterventionError, match=f"^{said}"):
        stepper.replay(items, width)
    assert picture(stepper) == before


def test_items_read_again_are_the_same(stepper):
    stepper.ban("chat")
    stepper.force("chien")
    items = stepper.interventions()
    assert read_interventions(to_json(items)) == items
    assert stepper.interventions(0) == items[:1]


# Continuing a search -----------------------------------------------------------------------


def test_a_pruned_candidate_is_continued(stepper):
    record = stepper.beam().beam
    pruned = next(one for one in record.candidates if one.fate == "pruned" and one.step == 2)
    node = stepper.follow(record, pruned)
    assert len(node.decoded.prefix) == 3
    assert node.decoded.prefix[-1] == pruned.token
    assert node.decoded.total == pytest.approx(pruned.log_probability, abs=1e-5)
    tail = stepper.beam()
    assert all(one.tokens[:3] == node.decoded.prefix for one in tail.hypotheses)


def test_a_beam_goes_on_from_what_was_edited_on_the_way(stepper):
    stepper.edit_attention(Mask(positions=(0,)))
    stepper.force("chien")
    stepper.ban("et")
    found = stepper.beam(width=2)
    assert len(found.hypotheses) == 2
    for one in found.hypotheses:
        assert one.tokens[0] == "chien"
        assert one.tokens[1] != "et"
        assert (one.attention[:, :, 0, 0] == 0).all()
    best = found.best
    stepper.follow(found.beam, next(
        one for one in found.beam.candidates
        if one.fate == "finished" and one.score == pytest.approx(best.score, abs=1e-6)
    ))  # fmt: skip
    same(stepper.hypothesis(), best)


# What a panel needs ------------------------------------------------------------------------


def test_expanding_grows_children_and_stays_in_one_change(stepper):
    names = [one.token for one in stepper.candidates(4)]
    stepper.expand(*names)
    assert stepper.current.id == 0
    assert [stepper.node(id).decoded.prefix[-1] for id in stepper.current.children] == names
    before = picture(stepper)
    stepper.expand(names[1])  # is there already
    assert picture(stepper) == before
    stepper.undo()
    assert len(stepper.nodes) == 1
    with pytest.raises(InterventionError, match="target vocabulary"):
        stepper.expand(names[0], "nothing")
    assert len(stepper.nodes) == 1


def test_what_is_pruned_is_followed_from_where_the_search_began(stepper):
    stepper.force("chien")
    begun = stepper.edit_attention(Mask(positions=(0,))).id
    record = stepper.beam().beam
    lost = [one for one in record.candidates if one.fate == "pruned"][-1]
    stepper.go(0)
    stepper.advance()
    stepper.follow(record, lost, begun)
    assert Mask(prefix=("chien",), positions=(0,)) in stepper.interventions()
    found = stepper.hypothesis()
    assert found.log_probability == pytest.approx(lost.log_probability, abs=1e-5)
    stepper.undo()  # one change, whatever it took
    assert stepper.current.decoded.prefix != found.tokens


def test_whoever_watches_hears_of_every_change_and_of_no_refusal(stepper):
    heard = []
    stepper.watch(lambda: heard.append(stepper.current.id))
    assert (stepper.can_undo, stepper.can_redo) == (False, False)
    stepper.finish()
    stepper.undo()
    assert (stepper.can_undo, stepper.can_redo) == (False, True)
    stepper.redo()
    last = stepper.current.id
    assert heard == [last, 0, last]
    with pytest.raises(InterventionError):
        stepper.force("nothing")
    assert len(heard) == 3


# Scoring a given target --------------------------------------------------------------------


def test_a_target_is_scored_from_the_root_of_a_node(stepper, fake):
    stepper.edit_source(0, "old")
    stepper.force("poisson")
    before = picture(stepper)
    found = stepper.score("chien et")
    outcomes = by_hand(fake, stepper, ("chien", "et"))
    ids = [*map(stepper.current.decoded.source.number, ("chien", "et")), END]
    wanted = [logs[token] for (logs, *_), token in zip(outcomes, ids, strict=True)]
    np.testing.assert_array_equal(found.best.log_probabilities, wanted)
    np.testing.assert_array_equal(
        found.best.attention, np.stack([read for _, read, _ in outcomes], 2)
    )
    assert (found.source, found.reference, found.text) == ("old cat and dog", *["chien et"] * 2)
    assert stepper.root().decoded.prefix == ()
    assert stepper.score("chien et", 0).source == "small cat and dog"
    assert stepper.score("zebra").best.tokens == ("<unknown>", "<end>")
    assert picture(stepper) == before


# What the settings allow -------------------------------------------------------------------

RULES = [
    {"no_repeat_ngram": 1}, {"no_repeat_ngram": 2},
    {"prefix": "chat noir"}, {"prefix": "et", "no_repeat_ngram": 1, "min_decode_length": 8},
]  # fmt: skip


def keeps_to(tokens, finished, settings):
    """Tell whether a sentence is one that the settings allow, token by token."""
    n, prefix = settings.no_repeat_ngram, tuple(settings.prefix.split())
    grams = [tokens[place : place + n] for place in range(len(tokens) - n + 1)] if n else []
    long_enough = not finished or len(tokens) >= settings.min_decode_length
    return long_enough and len(set(grams)) == len(grams) and tokens[: len(prefix)] == prefix


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_the_likeliest_token_is_one_that_the_settings_allow(make_stepper, rules):
    text = "old fish"
    stepper, free = make_stepper(text, **rules), make_stepper(text)
    one = stepper.finish().best
    assert keeps_to(one.tokens, one.finished, stepper.settings)
    assert not keeps_to(free.finish().best.tokens, True, stepper.settings)
    same(make_stepper(text, **rules).replay("").best, one)
    assert make_stepper(text, **rules).beam(width=1).best.tokens == one.tokens
    assert stepper.interventions() == ()  # nobody has forced anything
    again = make_stepper(text, **rules)
    again.write(free.hypothesis().tokens)  # but here somebody has
    assert again.interventions() != ()
    same(make_stepper(text, **rules).replay(again.interventions()).best, free.hypothesis())
    for each in stepper.beam(0).hypotheses:
        assert keeps_to(each.tokens, each.finished, stepper.settings)


def test_no_sentence_is_shorter_than_the_settings_say(make_stepper):
    assert len(make_stepper("dog").beam().best.tokens) == 2
    for place in ((), ("poisson",)):
        stepper = make_stepper("dog", min_decode_length=4)
        stepper.write(place)
        found = stepper.beam(width=12)
        assert min(len(one.tokens) for one in found.hypotheses if one.finished) >= 4
        ends = [one for one in found.beam.candidates if one.token == "<end>"]
        assert {one.fate for one in ends if one.step < 3} == {"barred"}
        assert "barred" not in {one.fate for one in ends if one.step >= 3}


def test_what_is_forced_comes_whatever_the_settings_say(make_stepper):
    stepper = make_stepper(prefix="chat", no_repeat_ngram=1, min_decode_length=4)
    items = [
        Force(token="chien"),
        Force(prefix=("chien",), token="chien"),
        Force(prefix=("chien", "chien"), token="<end>"),
    ]
    for width in (0, 1, 3):
        assert stepper.replay(items, width).best.tokens == ("chien", "chien", "<end>")
    for item in items:
        stepper.go(0) if not item.prefix else None
        stepper.force(item.token)
    assert stepper.interventions() == tuple(items)
    stepper.go(0)
    assert stepper.advance().decoded.prefix == ("chat",)


def test_the_rest_of_a_prefix_follows_what_was_forced(make_stepper):
    stepper = make_stepper(prefix="chat noir et")
    stepper.force("chien")
    assert stepper.beam().best.tokens[:3] == ("chien", "noir", "et")
    assert stepper.finish().best.tokens[:3] == ("chien", "noir", "et")


def test_where_the_settings_leave_nothing_the_sentence_stops(make_stepper, codec):
    words = codec.target.size - 4
    rules = {"no_repeat_ngram": 1, "min_decode_length": 40, "max_decode_length": 50}
    for found in (
        make_stepper(**rules).finish(),
        make_stepper(**rules).replay([]),
        make_stepper(**rules).beam(width=2),
    ):
        assert not found.best.finished
        assert len(set(found.best.tokens)) == len(found.best.tokens) == words
    stepper = make_stepper(**rules)
    stepper.finish()
    with pytest.raises(InterventionError, match="every token is banned here, or barred by the"):
        stepper.advance()
    assert stepper.beam().best.tokens == stepper.hypothesis().tokens


def test_what_is_barred_is_on_record_with_the_models_own_probability(make_stepper, codec):
    stepper = make_stepper(prefix="chat")
    own = stepper.current.decoded.following
    first = [one for one in stepper.beam().beam.candidates if one.step == 0]
    assert [(one.token, one.fate, one.beam) for one in first[:1]] == [("chat", "kept", 0)]
    barred = {one.token: one.log_probability for one in first[1:]}
    assert len(barred) == codec.target.size - 4
    assert {one.fate for one in first[1:]} == {"barred"}
    for token, nats in barred.items():
        assert nats == own[stepper.current.decoded.source.number(token)]


def test_groups_search_side_by_side_from_a_node(make_stepper):
    stepper = make_stepper(beam_width=4, beam_groups=2, diversity=50.0)
    stepper.force("chien")
    found = stepper.beam()
    assert found.beam.groups == 2
    assert [(one.parent, one.beam) for one in found.beam.candidates if one.step == 0] == [
        (0, 0), (2, 2),
    ]  # fmt: skip
    taken = [
        {one.token for one in found.beam.candidates
         if one.step == 1 and one.parent == row and one.fate in ("kept", "finished")}
        for row in (0, 2)
    ]  # fmt: skip
    assert taken[0]
    assert taken[1]
    assert not taken[0] & taken[1]
    lost = [one for one in found.beam.candidates if one.fate == "pruned" and one.parent >= 2][-1]
    assert stepper.follow(found.beam, lost).decoded.total == pytest.approx(
        lost.log_probability, abs=1e-5
    )
    with pytest.raises(SettingsError, match="beam_groups is 2 and beam_width is 3: groups are"):
        stepper.beam(width=3)


def test_a_prefix_that_cannot_be_read_is_told_when_it_counts(make_stepper):
    stepper = make_stepper(prefix="zebra")
    before = picture(stepper)
    for operate in (stepper.advance, stepper.finish, stepper.beam, lambda: stepper.replay([])):
        with pytest.raises(SettingsError, match="prefix is 'zebra': expected words of the target"):
            operate()
        assert picture(stepper) == before
    stepper.force("chien")
    assert stepper.interventions() == (Force(token="chien"),)

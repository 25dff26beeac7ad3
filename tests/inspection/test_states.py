import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN
from workbench.errors import WorkbenchError
from workbench.inspection.states import StateReader, nearest_states, project, state_at
from workbench.model.copying import CopyMemory
from workbench.model.protocol import Own
from workbench.model.seq2seq import Seq2Seq
from workbench.records import Place, States

TRANSFORMER = {"encoder": "transformer", "decoder": "transformer", "attention": "multi_head"}
PAIRS = [Pair("red cat and dog", "chat rouge et chien"), Pair("cat", "chat"),
         Pair("black bird", "oiseau noir")]  # fmt: skip


@pytest.fixture(scope="module")
def make(pairs, config):
    def make(**changes):
        chosen = config.replace(**{"units": 8, "embedding": 6, **changes})
        codec = Codec.train(pairs, chosen)
        twins = codec.twins() if chosen.copy_source else None
        return Seq2Seq(chosen, codec.source.size, codec.target.size, 5, twins), codec

    return make


# Reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [
    {"layers": 2, "residual": True}, {"decoder": "gru", "copy_source": True, "coverage": True},
])  # fmt: skip
def test_of_a_recurrent_decoder_it_is_h_of_the_top_layer(make, changes):
    model, codec = make(**changes)
    found = StateReader(model, codec, batch_size=2)(PAIRS)
    state, memory = model.encode(tf.constant([codec.encode_source(PAIRS[0].source)]))
    inner = memory.inner if isinstance(memory, CopyMemory) else memory
    np.testing.assert_allclose(found.vectors[:5], inner.values[0], atol=1e-5)
    read = [BEGIN, *codec.encode_target(PAIRS[0].target)[:-1]]
    for step, token in enumerate(read):
        _, _, state = model.step(tf.constant([token]), state, memory)
        hidden = state.cells[-1][0][0]
        np.testing.assert_allclose(found.vectors[5 + step], hidden, atol=1e-5)


@pytest.mark.parametrize("changes", [
    TRANSFORMER | {"heads": 2, "layers": 2},
    {"encoder": "cnn", "decoder": "cnn", "attention": "multi_step"},
])  # fmt: skip
def test_of_another_decoder_it_is_what_the_output_scores(make, changes):
    """Logits are these states times the output's kernel."""
    model, codec = make(**changes)
    found = StateReader(model, codec)(PAIRS)
    source, target = codec.encode_source(PAIRS[2].source), codec.encode_target(PAIRS[2].target)
    logits, _ = model.forward(tf.constant([source]), tf.constant([target]))
    mine = [number for number, place in enumerate(found.places) if place.sentence == 2]
    decoder = found.vectors[mine][len(source) :]
    scored = decoder @ model.output_kernel.numpy() + model.output_bias.numpy()
    np.testing.assert_allclose(scored, logits[0], atol=1e-5)


def test_every_state_knows_its_place(make):
    model, codec = make()
    found = StateReader(model, codec, batch_size=2)(PAIRS)
    assert found.vectors.shape == (5 + 5 + 2 + 2 + 3 + 3, 8)
    assert found.pairs[1] == ("cat", "chat")
    assert found.left_out == 0
    assert found.places[10:14] == (
        Place("encoder", 1, 0, "cat"), Place("encoder", 1, 1, "<end>"),
        Place("decoder", 1, 0, "chat"), Place("decoder", 1, 1, "<end>"),
    )  # fmt: skip
    alone = StateReader(model, codec)([PAIRS[1]])  # padding changes nothing
    np.testing.assert_allclose(found.vectors[10:14], alone.vectors, atol=1e-6)
    np.testing.assert_array_equal(state_at(found, "decoder", 1, 1), found.vectors[13])


@pytest.mark.parametrize(("most", "sentences"), [(1, 1), (10, 1), (13, 1), (14, 2), (20, 3)])
def test_only_whole_sentences_and_no_more_than_enough(make, most, sentences):
    found = StateReader(*make())(PAIRS, most)
    assert len(found.pairs) == sentences
    assert found.left_out == 3 - sentences


def test_batches_let_others_through(make):
    calls = []
    StateReader(*make(), batch_size=1)(PAIRS, between=lambda: calls.append(1))
    assert len(calls) == 3


def test_what_was_not_read_is_not_found(make):
    found = StateReader(*make())(PAIRS[:1])
    with pytest.raises(WorkbenchError, match="got decoder of sentence 1 at token 0"):
        state_at(found, "decoder", 1, 0)


def test_the_users_own_model_stays_closed(codec, config):
    own = Own.__new__(Own)
    object.__setattr__(own, "name_of_own", "Mine")
    with pytest.raises(WorkbenchError, match="hidden states: expected a model of the workbench"):
        StateReader(own, codec)(PAIRS)


# Projecting -------------------------------------------------------------------------------------


def cloud(vectors, sides=("encoder",)):
    vectors = np.asarray(vectors, np.float32)
    places = tuple(
        Place(sides[number % len(sides)], number, 0, f"t{number}") for number in range(len(vectors))
    )
    return States(vectors, places, tuple((f"s{n}", f"t{n}") for n in range(len(vectors))))


def random_cloud(count=40, units=6, seed=11):
    print(f"seed {seed}")
    draw = np.random.default_rng(seed)
    return cloud(draw.normal(size=(count, units)) * np.arange(1, units + 1) + 5)


def test_pca_is_the_singular_value_decomposition():
    states = random_cloud()
    found = project(states)
    centred = states.vectors - states.vectors.mean(0)
    left, sizes, _ = np.linalg.svd(centred.astype(float), full_matrices=False)
    np.testing.assert_allclose(np.abs(found.points), np.abs(left * sizes)[:, :2], atol=1e-4)
    np.testing.assert_allclose(found.explained, sizes[:2] ** 2 / (sizes**2).sum(), atol=1e-6)


def test_pca_of_a_line_by_hand():
    found = project(cloud([[0, 0], [3, 4], [6, 8]]))
    np.testing.assert_allclose(found.points, [[-5, 0], [0, 0], [5, 0]], atol=1e-5)
    assert found.explained == pytest.approx((1, 0), abs=1e-6)


def test_states_that_are_all_the_same_lie_on_one_point():
    found = project(cloud(np.ones((4, 3))))
    np.testing.assert_array_equal(found.points, np.zeros((4, 2)))
    assert found.explained == (0, 0)


def test_too_few_states_or_no_such_projection():
    with pytest.raises(WorkbenchError, match="at least three states to project, got 2"):
        project(cloud(np.eye(2)))
    with pytest.raises(WorkbenchError, match="got 'tsne'"):
        project(random_cloud(), "tsne")


def test_umap_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(WorkbenchError, match=r"umap-learn, found none; pip install .*\[umap\]"):
        project(random_cloud(), "umap")


def test_umap_gets_the_seed_and_no_more_neighbours_than_there_are(monkeypatch):
    class Umap:
        def __init__(self, **settings):
            self.settings = settings

        def fit_transform(self, vectors):
            return vectors[:, :2] * self.settings["random_state"] + self.settings["n_neighbors"]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Umap))
    states = random_cloud(5)
    found = project(states, "umap", seed=3)
    np.testing.assert_allclose(found.points, states.vectors[:, :2] * 3 + 4)
    assert (found.method, found.explained) == ("umap", ())


# Neighbours -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_nearest_are_those_of_all_distances(metric):
    states = random_cloud(60)
    query = states.vectors[17]
    found = nearest_states(states, query, 5, metric)
    if metric == "euclidean":
        distances = [np.sqrt(((each - query) ** 2).sum()) for each in states.vectors]
    else:
        unit = [each / np.sqrt((each**2).sum()) for each in states.vectors]
        distances = [1 - each @ unit[17] for each in unit]
    order = np.argsort(distances)[:5]
    assert [one.number for one in found] == order.tolist()
    np.testing.assert_allclose([o.distance for o in found], np.array(distances)[order], atol=1e-5)
    assert (found[0].number, found[0].source, found[0].place.token) == (17, "s17", "t17")


def test_one_side_only_and_a_zero_vector():
    states = cloud([[1, 0], [0, 0], [0, 1], [2, 1]], ("encoder", "decoder"))
    found = nearest_states(states, np.float32([1, 0]), side="decoder")
    assert [(one.number, round(one.distance, 4)) for one in found] == [(3, 0.1056), (1, 1)]


def test_questions_that_make_no_sense():
    states = random_cloud()
    with pytest.raises(WorkbenchError, match=r"a query of 6 units.* got shape \(5,\)"):
        nearest_states(states, np.zeros(5))
    with pytest.raises(WorkbenchError, match="got 'manhattan'"):
        nearest_states(states, np.zeros(6), metric="manhattan")
    with pytest.raises(WorkbenchError, match="got 'decoder'"):
        nearest_states(states, np.zeros(6), side="decoder")


def test_umap_itself_keeps_clusters_apart_and_repeats():
    pytest.importorskip("umap", reason="umap-learn is not installed: the extra [umap]")
    rng = np.random.default_rng(5)
    centres = np.repeat(np.float32([[0] * 8, [30] * 8]), 20, 0)
    states = cloud(centres + rng.standard_normal((40, 8)), ("encoder", "decoder"))
    one, again = (project(states, "umap", seed=2) for _ in range(2))
    np.testing.assert_array_equal(one.points, again.points)
    left, right = one.points[:20], one.points[20:]
    within = max(np.linalg.norm(side - side.mean(0), axis=1).max() for side in (left, right))
    assert np.linalg.norm(left.mean(0) - right.mean(0)) > 2 * within

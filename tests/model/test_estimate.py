import pytest

from workbench.config import RunConfig
from workbench.model.estimate import LAUNCHES, Memory, Speed, Work, memory, work
from workbench.model.outline import outline

SMALL = {"units": 6, "embedding": 4, "batch_size": 2}
V, W = 11, 13  # sizes of the vocabularies
S, T = 5, 3  # tokens


def estimate(**settings):
    config = RunConfig(**SMALL | settings)
    blocks = outline(config, V, W)
    return memory(config, blocks, S, T), work(config, blocks, S, T)


def products(**settings):
    """Return the operations in the products of a forward pass over one sentence."""
    return estimate(**settings)[1].products / 3 / 2  # forwards and twice backwards; two sentences


def test_weights_are_those_of_the_model(make_model, config, codec):
    model = make_model(config)
    blocks = outline(config, codec.source.size, codec.target.size)
    used = memory(config, blocks, S, T)
    assert used.parameters == used.gradients == 4 * model.count_params()
    assert used.moments == 2 * used.parameters


@pytest.mark.parametrize(("optimizer", "moments"), [("adam", 2), ("adamw", 2), ("sgd", 0)])
def test_moments_are_those_of_the_optimizer(optimizer, moments):
    used, _ = estimate(optimizer=optimizer)
    assert used.moments == moments * used.parameters
    assert used.total == (2 + moments) * used.parameters + used.activations


def test_moments_equal_the_variables_of_the_optimizer(make_model, config):
    from workbench.training.step import TrainingStep

    step = TrainingStep(make_model(config), config, 0.0)
    numbers = sum(int(each.value.shape.num_elements() or 1) for each in step.optimizer.variables)
    model = step.model.count_params()
    assert 2 * model <= numbers < 2 * model + 10  # beside them the step and the rate


def test_products_of_a_recurrent_model_by_hand():
    encoder = 2 * 4 * 3 * (4 + 3 + 1) * S  # two ways, four gates, input, state and bias
    decoder = 4 * 6 * (4 + 6 + 1) * T
    attention = (2 * 36 + 6) * T
    vector, output = 12 * 6 * T, (6 * W + W) * T
    pairs = 4 * 6 * S * T  # energies and contexts
    by_hand = 2 * (encoder + decoder + attention + vector + output) + pairs
    assert products(encoder="lstm", decoder="lstm", attention="additive") == by_hand


def test_products_of_a_transformer_by_hand():
    heads, forward, norm = 4 * (36 + 6), 2 * 6 * 24 + 24 + 6, 12
    encoder = (heads + norm + forward + norm) * S + 4 * 6 * S  # and from 4 to 6 wide at the entry
    decoder = (2 * (heads + norm) + forward + norm) * T + 4 * 6 * T
    output = (6 * W + W) * T
    pairs = 4 * 6 * (S * S + T * T + S * T)
    by_hand = 2 * (encoder + decoder + output) + pairs
    assert products(encoder="transformer", decoder="transformer", attention="multi_head",
                    heads=2) == by_hand  # fmt: skip


def test_a_tied_output_multiplies_as_an_untied_one():
    own = products(units=4, encoder="transformer", decoder="transformer",
                   attention="multi_head", heads=2)  # fmt: skip
    tied = products(units=4, encoder="transformer", decoder="transformer",
                    attention="multi_head", heads=2, tie_embeddings=True)  # fmt: skip
    assert own == tied


def test_activations_by_hand():
    """Without attention, a GRU: embeddings, a layer on each side, and the output."""
    used, _ = estimate(encoder="gru", decoder="gru", attention="none", bidirectional=False)
    cell = (3 * 3 + 4) * 6
    one = S * (2 * 4 + cell) + T * (2 * 4 + cell + 3 * W)
    assert used.activations == 4 * 2 * one


@pytest.mark.parametrize(
    ("score", "of_a_pair"), [("dot", 3), ("general", 3), ("additive", 2 * 6 + 3)]
)
def test_scores_leave_what_they_need(score, of_a_pair):
    with_attention, _ = estimate(attention=score)
    without, _ = estimate(attention="none")
    vectors = 2 * 4 * 6  # the context and the attentional vector, for a target token
    more = with_attention.activations - without.activations
    assert more == 4 * 2 * (S * T * of_a_pair + T * vectors)


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder": "cnn", "decoder": "cnn", "attention": "multi_step"},
        {"encoder": "transformer", "decoder": "transformer", "attention": "multi_head", "heads": 2},
        {"encoder": "lstm", "decoder": "gru", "attention": "dot"},
    ],
)
def test_more_of_anything_costs_more(settings):
    used, done = estimate(**settings)
    for more in ({"layers": 2}, {"batch_size": 4}, {"units": 12}):
        costlier, longer = estimate(**settings | more)
        assert costlier.total > used.total
        assert longer.products > done.products


def test_only_recurrent_layers_wait_for_the_position_before():
    boxes = len(outline(RunConfig(**SMALL), V, W))
    _, done = estimate(encoder="lstm", decoder="gru", attention="dot")
    assert done.positions == LAUNCHES * boxes + 2 * S + T  # both ways, then the decoder
    _, done = estimate(encoder="cnn", decoder="cnn", attention="multi_step")
    assert done.positions % LAUNCHES == 0


def test_adapters_do_not_hide_what_a_box_is():
    settings = {"encoder": "lstm", "decoder": "lstm"}
    _, whole = estimate(**settings)
    _, adapted = estimate(**settings, adapt_from="run", adapter="lora", adapter_rank=1)
    assert adapted.positions == whole.positions


def test_a_step_takes_the_sum_of_what_it_does():
    speed = Speed(products=100.0, memory=10.0, positions=5.0)
    assert Work(products=200.0, moved=30.0, positions=10.0).seconds(speed) == 2 + 3 + 2


def test_moved_are_activations_and_the_passes_of_the_optimizer():
    used, done = estimate(optimizer="sgd")
    assert done.moved == 4 * used.activations + 2 * (used.parameters + used.gradients)
    assert Memory(1, 2, 3, 4).total == 10

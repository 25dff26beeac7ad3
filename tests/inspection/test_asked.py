import pytest

from workbench.data.encoding import Codec
from workbench.errors import WorkbenchError
from workbench.inspection.asked import numbers, opened
from workbench.model.lora import Lora
from workbench.model.protocol import Own


def test_tokens_are_numbered_as_the_codec_does(codec):
    tokens = ("chat", "et", "chien", "<end>")
    assert numbers(codec, tokens) == codec.encode_target("chat et chien")


@pytest.mark.parametrize("unit", ["char", "bpe"])
def test_pieces_are_known_by_what_is_shown_of_them(unit, pairs, config):
    codec = Codec.train(pairs, config.replace(target_tokens=unit, target_vocabulary=40))
    ids = codec.encode_target("chat et chien")
    assert numbers(codec, codec.target_tokens(ids)) == ids


def test_what_may_be_copied_is_known_too(pairs, config):
    codec = Codec.train(pairs, config.replace(copy_source=True))
    text = "red zebra and zebra"
    ids = codec.encode_target("zebra rouge", text)
    assert numbers(codec, ["zebra", "rouge", "<end>"], text) == ids
    with pytest.raises(WorkbenchError, match="'zebra'"):
        numbers(codec, ["zebra"], "red cat")


def test_an_unknown_token_is_told_with_the_nearest(codec):
    with pytest.raises(WorkbenchError, match=r"got 'chats'; did you mean 'chat'\?"):
        numbers(codec, ["chien", "chats"])


def test_the_users_own_model_stays_closed():
    own = Own.__new__(Own)
    object.__setattr__(own, "name_of_own", "Mine")
    refusal = pytest.raises(WorkbenchError, match="states: expected a model of the workbench")
    with refusal, opened(own, "states"):
        pass


def test_lora_opens_with_its_kernels_changed(make_model, config):
    base = make_model(config)
    lora = Lora(base, 2, 1.0)
    lora.b[0].assign(lora.b[0] + 1)
    plain = lora.kernels[0].numpy()
    with opened(lora, "states") as inner:
        assert inner is base
        changed = lora.kernels[0] + 0
    assert abs(changed - plain).numpy().max() > 0.01
    with opened(base, "states") as inner:
        assert inner is base

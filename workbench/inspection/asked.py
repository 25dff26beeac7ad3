"""What is asked of a model's inside: tokens as a person names them, and which models have one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from workbench.data.encoding import Codec
from workbench.errors import WorkbenchError, nearest
from workbench.model.lora import Lora
from workbench.model.protocol import Own
from workbench.model.seq2seq import Seq2Seq


@contextmanager
def opened(model: Seq2Seq, what: str) -> Iterator[Seq2Seq]:
    """Give the model whose encoder and decoder can be looked into; of LoRA the adapted base.

    Raises:
        WorkbenchError: it is the user's own; `what` is what cannot be had of it.
    """
    if isinstance(model, Own):
        raise WorkbenchError(
            f"{what}: expected a model of the workbench, got {model.name_of_own}, of which only "
            "encode and step are known; choose an encoder and a decoder in the settings"
        )
    if isinstance(model, Lora):
        with model.adapted():
            yield model.base
    else:
        yield model


def numbers(codec: Codec, tokens: Sequence[str], source: str = "") -> list[int]:
    """Return the ids of target tokens written as `Codec.target_tokens` shows them.

    Those that the codec may copy from the text `source` are known too.

    Raises:
        WorkbenchError: a token that the vocabulary does not have; the nearest is named.
    """
    known = codec.target_numbers(source)
    if unknown := [token for token in tokens if token not in known]:
        raise WorkbenchError(
            f"expected tokens of the target vocabulary ({codec.target.size} of them), got "
            f"{unknown[0]!r}{nearest(unknown[0], known)}"
        )
    return [known[token] for token in tokens]

"""Hidden states of a model, and what is near what among them."""

from dataclasses import dataclass
from typing import NamedTuple

from workbench.records.sentences import Floats


class Place(NamedTuple):
    """Where a hidden state was read: side `encoder` or `decoder`, sentence and token from 0.

    The encoder's `token` is the one that stands there, the decoder's the one written from it.
    """

    side: str
    sentence: int
    position: int
    token: str


@dataclass(frozen=True)
class States:
    """Hidden states of some sentence pairs: a vector of U units for each of N tokens.

    Attributes:
        vectors: [N, U]; places: [N]; pairs: source and target text of each sentence.
        left_out: sentences that were asked for and not read, as there were enough.
    """

    vectors: Floats
    places: tuple[Place, ...]
    pairs: tuple[tuple[str, str], ...]
    left_out: int = 0


@dataclass(frozen=True)
class Projection:
    """Hidden states in two dimensions.

    Attributes:
        states: what was projected; points: [N, 2].
        method: `pca` or `umap`; explained: the share of the variance on each axis, of PCA.
    """

    states: States
    points: Floats
    method: str
    explained: tuple[float, ...] = ()


class Neighbour(NamedTuple):
    """A state close to another: its number, its distance, where it was read, its sentence."""

    number: int
    distance: float
    place: Place
    source: str
    target: str

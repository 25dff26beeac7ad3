"""English sentences and their French, derived together by a synchronous grammar.

The French is careful written French: de petits chats, la pomme qu' il a mangée. What English
leaves open is settled once, so that a sentence has one translation: you is tu; I, you, it and
they are masculine. There are millions of pairs; 60,000 draws give more than 50,000.

Gold alignments follow what human annotators do (Och & Ney 2003). Sure: words that render each
other one to one, and the lexical verb with its participle or infinitive. Possible:

- ne with not, never or did, and the half of a pair that has no word of its own (parce que);
- the auxiliary of the perfect with the verb, that of the future with is and to;
- a contraction (au, du), unless both halves stand for one word (some);
- the article of a Saxon genitive with 's, of a noun before a noun with the first;
- an à that only French has with the verb and with what the word after it renders;
- est-ce que with the auxiliary that makes the question.

The comma after an English clause that comes first has no French word: it stays unlinked.
"""

import random
from hashlib import sha256
from pathlib import Path

from workbench.data.alignments import format_alignment, parse_alignment
from workbench.data.corpus import Corpus, Pair, split_pairs
from workbench.data.phrases.sentences import sentence
from workbench.data.phrases.words import align, spell, text
from workbench.errors import SettingsError, nearest
from workbench.kept import kept

SPLITS = ("random",)
SIZE = 25_000  # pairs that `build` draws
LONGEST = 14  # words of a sentence, full stop included, in either language


def derive(rng: random.Random) -> Pair:
    """Derive a sentence pair of at most LONGEST words a side, with its gold alignment."""
    while True:
        phrase = sentence(rng)
        if len(phrase.english) > LONGEST:
            continue
        phrase = spell(phrase)
        if len(phrase.french) <= LONGEST:
            return Pair(text(phrase.english), text(phrase.french), align(phrase))


def sample(size: int, seed: int) -> tuple[Pair, ...]:
    """Return `size` distinct pairs, the same for the same seed."""
    rng = random.Random(seed)
    pairs: dict[str, Pair] = {}
    while len(pairs) < size:
        pair = derive(rng)
        pairs.setdefault(pair.source, pair)
    return tuple(pairs.values())


def build(split: str, validation_share: float, test_share: float, seed: int) -> Corpus:
    """Build SIZE distinct pairs, drawn and split at random by `seed`.

    Raises:
        SettingsError: there is no such split.
    """
    if split not in SPLITS:
        raise SettingsError(
            f"phrases: expected the split {SPLITS[0]!r}, got {split!r}{nearest(split, SPLITS)}"
        )
    shares = (validation_share, test_share)
    train, validation, test = split_pairs(_kept_sample(SIZE, seed), shares, seed)
    return Corpus("phrases", train, validation, test)


def _kept_sample(size: int, seed: int) -> tuple[Pair, ...]:
    """Return `sample`, read from where it is kept: to draw it takes seconds."""
    code = sha256(
        b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    )

    def written() -> str:
        return "\n".join(
            f"{source}\t{target}\t{format_alignment(gold)}"
            for source, target, gold, _ in sample(size, seed)
            if gold is not None
        )

    lines = kept("phrases.tsv", (code.hexdigest(), size, seed), written).split("\n")
    return tuple(
        Pair(source, target, parse_alignment(gold))
        for source, target, gold in (line.split("\t") for line in lines)
    )

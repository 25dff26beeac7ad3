"""The built-in corpora: what there is, how to build one, how to write one to files."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.data.alignments import format_alignment
from workbench.data.corpus import Corpus, Pair
from workbench.errors import DataError, nearest
from workbench.files import replacing

BUILT_IN = {
    "scan": "commands → actions: all 20,910 of SCAN and its splits (Lake & Baroni 2018)",
    "dates": "dates as people write them → ISO 8601",
    "phrases": "English → French phrases by a synchronous grammar, with gold word alignments",
}


@dataclass(frozen=True)
class BuiltIn:
    """A built-in corpus: its name, what it holds and its named splits, the first by default."""

    name: str
    title: str
    splits: tuple[str, ...]


def built_in() -> tuple[BuiltIn, ...]:
    """Return what is built in."""
    return tuple(BuiltIn(name, title, _grammar(name).SPLITS) for name, title in BUILT_IN.items())


def build(
    name: str,
    split: str = "",
    validation_share: float = 0.05,
    test_share: float = 0.1,
    seed: int = 1,
) -> Corpus:
    """Build a built-in corpus from its grammar; an empty `split` is its first.

    Raises:
        DataError: no such corpus or split; the nearest name is named.
    """
    if name not in BUILT_IN:
        raise DataError(
            f"corpus {name!r}: expected one of {', '.join(BUILT_IN)}{nearest(name, BUILT_IN)}"
        )
    grammar = _grammar(name)
    if split and split not in grammar.SPLITS:
        raise DataError(
            f"{name}: expected a split among {', '.join(grammar.SPLITS)}, "
            f"got {split!r}{nearest(split, grammar.SPLITS)}"
        )
    corpus: Corpus = grammar.build(split or grammar.SPLITS[0], validation_share, test_share, seed)
    return corpus


def write_corpus(corpus: Corpus, folder: str | Path) -> tuple[Path, ...]:
    """Write `train.tsv`, `validation.tsv` and `test.tsv` into a new folder.

    Where every pair of a split has its gold alignment, `alignments.<split>.pharaoh` is written
    too, counted from 0.

    Returns:
        The files written. All of them appear at once, or none.

    Raises:
        DataError: the folder exists and is not empty.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: expected a new or empty folder, found one in use; name another")
    texts: dict[str, list[str]] = {}
    for split, pairs in corpus.splits.items():
        texts[f"{split}.tsv"] = [f"{pair.source}\t{pair.target}" for pair in pairs]
        gold = _alignments(pairs)
        if gold:
            texts[f"alignments.{split}.pharaoh"] = gold
    with replacing(folder) as beside:
        beside.mkdir()
        for name, lines in texts.items():
            (beside / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tuple(folder / name for name in texts)


def _alignments(pairs: tuple[Pair, ...]) -> list[str]:
    gold = [pair.alignment for pair in pairs if pair.alignment is not None]
    return [format_alignment(alignment) for alignment in gold] if len(gold) == len(pairs) else []


def _grammar(name: str) -> Any:
    return import_module(f"workbench.data.{name}")  # only the one that is asked for

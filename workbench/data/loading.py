"""A corpus as the settings describe it: built in, one file to be split, or one file a split."""

from typing import Any

from workbench.config import RunConfig
from workbench.data.alignments import swap_alignment
from workbench.data.catalogue import BUILT_IN, build
from workbench.data.corpus import Corpus, Pair, split_pairs
from workbench.data.readers import read_pairs
from workbench.data.size import refuse_too_large
from workbench.data.text import exists
from workbench.errors import DataError, SettingsError, nearest
from workbench.records import BadLine

Pairs = tuple[Pair, ...]


def load_corpus(name_or_path: str, **settings: Any) -> Corpus:
    """Load a built-in corpus by name, or a file; `settings` are those of `RunConfig`.

    Raises:
        SettingsError: an unknown setting or a value out of range.
        DataError: as `corpus_from`.
    """
    return corpus_from(RunConfig(corpus=name_or_path, **settings))


def corpus_from(config: RunConfig) -> Corpus:
    """Load the corpus that `config` describes.

    The pairs come from `train_file`, else from `corpus`. `validation_file` and `test_file` are
    taken where given; what is not given is split off by share and seed, or, for a built-in
    corpus, is its own. `swap`, `lowercase` and `train_limit` are applied afterwards.

    Raises:
        DataError: nothing of that name, more than fits into memory, a line that cannot be read,
            an empty split.
        SettingsError: a named split of something that is not built in.
    """
    bad: list[BadLine] = []
    files = {"validation": config.validation_file, "test": config.test_file}
    refuse_too_large(corpus_files(config))
    given = {split: _read(file, config, bad) for split, file in files.items() if file}
    if not config.train_file and config.corpus in BUILT_IN:
        name = config.corpus
        splits = _built_in(config) | given
    else:
        file = config.train_file or config.corpus
        name = _stem(file)
        splits = _shared_out(_read(_checked(file, config), config, bad), config, given)
    fold = str.lower if config.lowercase else str
    train, validation, test = (
        tuple(pair._replace(source=fold(pair.source), target=fold(pair.target)) for pair in pairs)
        for pairs in (splits["train"], splits["validation"], splits["test"])
    )
    limit = config.train_limit or len(train)
    return Corpus(name, train[:limit], validation, test, tuple(bad))


def corpus_files(config: RunConfig) -> list[str]:
    """Return the files that `config` names as corpora, two parallel ones as one with a comma."""
    first = config.train_file or ("" if config.corpus in BUILT_IN else config.corpus)
    return [file for file in (first, config.validation_file, config.test_file) if file]


def _built_in(config: RunConfig) -> dict[str, Pairs]:
    corpus = build(
        config.corpus, config.split, config.validation_share, config.test_share, config.seed
    )
    if not config.swap:
        return corpus.splits
    return {split: tuple(map(_swapped, pairs)) for split, pairs in corpus.splits.items()}


def _swapped(pair: Pair) -> Pair:
    gold = swap_alignment(pair.alignment) if pair.alignment else None
    return Pair(pair.target, pair.source, gold, pair.origin)


def _shared_out(pairs: Pairs, config: RunConfig, given: dict[str, Pairs]) -> dict[str, Pairs]:
    """Split off what is not `given`."""
    shares = {"validation": config.validation_share, "test": config.test_share}
    missing = {split: share for split, share in shares.items() if split not in given}
    if not missing:
        return {"train": pairs, **given}
    parts = split_pairs(pairs, missing.values(), config.seed)
    return dict(zip(["train", *missing], parts, strict=True)) | given


def _read(file: str, config: RunConfig, bad: list[BadLine]) -> Pairs:
    pairs, left_out = read_pairs(
        file,
        source_column=config.source_column,
        target_column=config.target_column,
        swap=config.swap,
        skip_bad_lines=config.skip_bad_lines,
    )
    bad.extend(left_out)
    return pairs


def _checked(file: str, config: RunConfig) -> str:
    if config.split:
        raise SettingsError(
            f"split is {config.split!r}, but {file} is a file: only a built-in corpus "
            f"({', '.join(BUILT_IN)}) has named splits; leave split empty"
        )
    if not config.train_file and "," not in file and not exists(file):
        raise DataError(
            f"corpus {file!r}: expected a file, or one of {', '.join(BUILT_IN)}, found neither"
            f"{nearest(file, BUILT_IN)}"
        )
    return file


def _stem(path: str) -> str:
    """Return `train` for `data/train.tsv.gz` and for `data/train.en,data/train.de`."""
    name = path.partition(",")[0].replace("\\", "/").rpartition("/")[2]
    return name.removesuffix(".gz").rpartition(".")[0] or name

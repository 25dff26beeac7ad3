"""How well text matches its reference, and how well an alignment matches the gold one.

Figures are over a whole corpus, not means of sentences, unless they say so.
"""

from collections.abc import Callable, Collection, Hashable, Sequence

from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from workbench.records import Link

Links = Collection[tuple[int, int]]


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return corpus BLEU from 0 to 100 (Papineni et al. 2002) as sacrebleu counts it (Post 2018).

    Tokenization 13a, exponential smoothing. Where no hypothesis has four tokens, the longest
    n-grams there are take the place of the 4-grams (sacrebleu's `eff:yes`); BLEU would be 0.

    Raises:
        ValueError: there are no sentences, or not as many hypotheses as references.
    """
    _check(hypotheses, references)
    scorer = BLEU(effective_order=True, force=True)  # force: no warning about spaced full stops
    return float(scorer.corpus_score(hypotheses, [references]).score)


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return corpus chrF from 0 to 100: character 6-grams, recall counted twice (Popović 2015).

    Raises:
        ValueError: there are no sentences, or not as many hypotheses as references.
    """
    _check(hypotheses, references)
    return float(CHRF().corpus_score(hypotheses, [references]).score)


def sentence_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> list[float]:
    """Return the chrF of each sentence by itself, 0 to 100; their mean is not the corpus's chrF.

    Raises:
        ValueError: there are no sentences, or not as many hypotheses as references.
    """
    _check(hypotheses, references)
    scorer = CHRF()
    return [
        float(scorer.sentence_score(hypothesis, [reference]).score)
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]


def exact_match(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return the share of hypotheses, 0 to 1, that equal their reference character by character.

    Raises:
        ValueError: there are no sentences, or not as many hypotheses as references.
    """
    _check(hypotheses, references)
    return sum(map(str.__eq__, hypotheses, references)) / len(references)


def character_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return edits (insert, delete, replace a character) over reference characters; 0 is perfect.

    It exceeds 1 where the hypotheses are much longer than the references.

    Raises:
        ValueError: there are no sentences, not as many hypotheses as references, or no
            character in the references.
    """
    return _error_rate(hypotheses, references, str, "character")


def word_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return edits over reference words, words being what white space separates; 0 is perfect.

    It exceeds 1 where the hypotheses are much longer than the references. What grapheme-to-
    phoneme work calls word error rate, the share of words not wholly right, is `1 - exact_match`.

    Raises:
        ValueError: there are no sentences, not as many hypotheses as references, or no word in
            the references.
    """
    return _error_rate(hypotheses, references, str.split, "word")


def text_figures(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Return every figure of text by its name.

    Raises:
        ValueError: as each of them.
    """
    figures = (exact_match, bleu, chrf, character_error_rate, word_error_rate)
    return {figure.__name__: figure(hypotheses, references) for figure in figures}


def alignment_error_rate(
    sure: Sequence[Links], possible: Sequence[Links], hypothesis: Sequence[Links]
) -> float:
    """Return the alignment error rate, 0 to 1, of a corpus (Och & Ney 2003, section 5).

    With A the links of the hypothesis, S the sure and P ⊇ S the possible gold links:
    1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|), each count summed over the sentences.

    Args:
        sure: for each sentence its sure links, (source, target) as in `hypothesis`.
        possible: for each sentence its possible links; sure ones may be left out.
        hypothesis: for each sentence the links to judge.

    Raises:
        ValueError: the three differ in length, or there is no link to judge by.
    """
    if not len(sure) == len(possible) == len(hypothesis):
        raise ValueError(
            "expected one set of links a sentence in each, got "
            f"{len(sure)} sure, {len(possible)} possible, {len(hypothesis)} hypothesis"
        )
    agreed = links = 0
    for s, p, a in zip(map(set, sure), map(set, possible), map(set, hypothesis), strict=True):
        agreed += len(a & s) + len(a & (p | s))
        links += len(a) + len(s)
    if not links:
        raise ValueError("expected a sure link or a hypothesis link in the corpus, got neither")
    return 1 - agreed / links


def diagonal(source_words: int, target_words: int) -> frozenset[Link]:
    """Link each target word to the source word at its relative position.

    It is the baseline that looks at no word: what attention must beat to have learnt anything.
    """
    if not source_words:
        return frozenset()
    return frozenset(
        Link((2 * target + 1) * source_words // (2 * target_words), target)
        for target in range(target_words)
    )


def _error_rate(
    hypotheses: Sequence[str],
    references: Sequence[str],
    units: Callable[[str], Sequence[Hashable]],
    unit: str,
) -> float:
    _check(hypotheses, references)
    length = sum(len(units(reference)) for reference in references)
    if not length:
        raise ValueError(f"expected a {unit} in the references, got {len(references)} empty ones")
    edits = sum(
        Levenshtein.distance(units(hypothesis), units(reference))
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    )
    return edits / length


def _check(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if len(hypotheses) != len(references) or not references:
        raise ValueError(
            "expected as many hypotheses as references and at least one, "
            f"got {len(hypotheses)} and {len(references)}"
        )

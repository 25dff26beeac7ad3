import pytest

from workbench.charts.lengths import DOTS, length_histogram, score_by_length


def test_means_and_counts_of_each_length(spec):
    seen = spec(score_by_length([2, 2, 3, 5], [100, 50, 30, 10]))
    means, counts = seen.rows("span", "mean")
    assert [(row["span"], row["count"], row["mean"]) for row in means] == [
        ("2", 2, 75), ("3", 1, 30), ("5", 1, 10),
    ]  # fmt: skip
    assert [row["count"] for row in counts] == [2, 1, 0, 1]
    assert [(row["from"], row["to"]) for row in means] == [(1.5, 2.5), (2.5, 3.5), (4.5, 5.5)]


def test_many_lengths_are_put_together(spec):
    lengths = list(range(1, 42))  # 41 lengths: 20 spans at most, so 3 lengths each
    (means, *_) = spec(score_by_length(lengths, [float(n) for n in lengths])).rows("span", "mean")
    assert len(means) == 14
    assert means[0] | {"from": 0.5, "to": 3.5} == means[0]
    assert (means[0]["span"], means[0]["mean"], means[0]["count"]) == ("1 to 3", 2, 3)
    assert sum(row["count"] for row in means) == 41


def test_each_sentence_is_a_dot(spec):
    seen = spec(score_by_length([2, 4], [10.0, float("nan")]))
    assert seen.rows("score") == [[{"length": 2, "score": 10}, {"length": 4, "score": None}]]


def test_of_very_many_sentences_some_are_drawn(spec):
    count = 2 * DOTS + 1
    seen = spec(score_by_length([5] * count, [1.0] * count, "exact_match"))
    assert len(seen.rows("score")[0]) == -(-count // 3)
    assert "dots: sentences (one in 3); bars: their mean; below: how many there are" in seen.texts()


def test_the_figure_is_named_and_written_its_way(spec):
    seen = spec(score_by_length([2, 2], [1, 0], "exact_match", "target words"))
    assert {"Score by length: exact match", "exact match", "target words"} <= set(seen.texts())
    assert seen.json["description"] == (
        "Mean exact match by target words, of how many sentences: 2: 50.0% of 2."
    )


def test_as_many_scores_as_lengths(spec):
    with pytest.raises(ValueError, match="got 1 scores, 2 lengths"):
        score_by_length([1, 2], [1.0])
    assert "no sentence was scored" in spec(score_by_length([], [])).texts()


def test_histogram_counts_both_sides_over_the_same_lengths(spec):
    seen = spec(length_histogram([1, 1, 2], [3, 2, 2]))
    source, target = seen.rows("count")
    assert [(row["span"], row["count"]) for row in source] == [("1", 2), ("2", 1), ("3", 0)]
    assert [(row["span"], row["count"]) for row in target] == [("1", 0), ("2", 2), ("3", 1)]
    assert seen.json["description"] == (
        "Sentence lengths. source: 1 to 2 tokens, median 1; target: 2 to 3 tokens, median 2."
    )


def test_ticks_stand_at_whole_lengths(spec):
    for longest, ticks in ((3, [1, 2, 3]), (40, [4, 8, 12, 16, 20, 24, 28, 32, 36, 40])):
        bars = spec(length_histogram([1], [longest])).marks("rect")
        assert bars[0]["encoding"]["x"]["axis"]["values"] == ticks


def test_no_sentences(spec):
    assert "there are no sentences" in spec(length_histogram([], [1])).texts()

from workbench.charts.vocabulary import POINTS, rank_frequency

SOURCE = [("the", 5), ("cat", 2), ("<b>", 1)]
TARGET = [("le", 4), ("chat", 1)]


def test_each_token_stands_at_its_rank(spec):
    (rows,) = spec(rank_frequency(SOURCE, TARGET)).rows("rank")
    assert [(row["side"], row["rank"], row["count"], row["token"]) for row in rows] == [
        ("source", 1, 5, "the"), ("source", 2, 2, "cat"), ("source", 3, 1, "<b>"),
        ("target", 1, 4, "le"), ("target", 2, 1, "chat"),
    ]  # fmt: skip


def test_it_says_how_many_there_are_and_which_are_frequent(spec):
    seen = spec(rank_frequency(SOURCE, TARGET, "words"))
    assert seen.json["description"] == (
        "Vocabulary. source: 3 words, 1 of them once; the most frequent “the” (62.5%), "
        "“cat” (25.0%), “<b>” (12.5%); target: 2 words, 1 of them once; the most frequent "
        "“le” (80.0%), “chat” (20.0%)."
    )


def test_of_very_many_tokens_some_are_drawn_the_first_and_the_last_among_them(spec):
    many = [(f"token {rank}", 100_000 - rank) for rank in range(1, 50_001)]
    (rows,) = spec(rank_frequency(many, [])).rows("rank")
    assert len(rows) <= POINTS
    assert (rows[0]["token"], rows[-1]["token"]) == ("token 1", "token 50000")
    assert {row["side"] for row in rows} == {"source"}


def ticks(spec, axis, *counts):
    chart = spec(rank_frequency([(str(count), count) for count in counts], []))
    return chart.json["encoding"][axis]["axis"]["values"]


def test_ticks_are_powers_of_ten_and_more_where_those_are_few(spec):
    assert ticks(spec, "y", 2000, 1) == [1, 10, 100, 1000]
    assert ticks(spec, "y", 60, 7) == [1, 2, 5, 10, 20, 50]
    assert ticks(spec, "x", 60, 7) == [1, 2, 5]


def test_both_axes_are_logarithmic_and_the_looks_are_shared(spec):
    seen = spec(rank_frequency(SOURCE, TARGET))
    assert [seen.json["encoding"][axis]["scale"]["type"] for axis in "xy"] == ["log", "log"]
    width, height = seen.size()
    assert width <= 720
    assert height < 500


def test_no_sentences(spec):
    assert "there are no sentences" in spec(rank_frequency([], [])).texts()

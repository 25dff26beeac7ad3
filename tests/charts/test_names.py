from workbench.charts.names import format_of, ordered, title_of, titled, written


def test_known_figures_are_written_as_people_write_them():
    assert title_of("bleu") == "BLEU"
    assert written("bleu", 41.237) == "41.2"
    assert written("exact_match", 0.9734) == "97.3%"
    assert written("loss", 0.12345) == "0.123"


def test_unknown_figures_have_a_plain_name_and_three_digits():
    assert title_of("my_own_figure") == "my own figure"
    assert format_of("my_own_figure") == ".3g"


def test_known_names_come_first_in_their_order():
    assert ordered({"zeta", "bleu", "alpha", "loss"}) == ["loss", "bleu", "alpha", "zeta"]


def test_titles_hold_nothing_that_ends_a_string():
    assert titled('a "b"\\\n c') == "a ″b″/ c"
    assert title_of('x_"y"') == "x ″y″"

import pytest

from workbench.config import SearchSettings
from workbench.inspection.ruled_out import Bounds, ruled_out


def at(text, **bounds):
    return (ruled_out(text.split(), Bounds(**bounds)) or (None,))[0]


@pytest.mark.parametrize(("text", "bounds", "step"), [
    ("a b <end>", {}, None),
    ("a b <end>", {"least": 3, "most": 3}, None),
    ("a b <end>", {"least": 4}, 2),
    ("a b <end>", {"most": 2}, 2),
    ("a b <end>", {"prefix": ("a", "b")}, None),
    ("a b <end>", {"prefix": ("a", "c")}, 1),
    ("a <end>", {"prefix": ("a", "c")}, 1),
    ("a b a b <end>", {"no_repeat": 2}, 3),
    ("a b a c <end>", {"no_repeat": 2}, None),
    ("a a a a <end>", {"no_repeat": 3}, 3),
    ("a a <end>", {"no_repeat": 1}, 1),
    ("a a a <end>", {"no_repeat": 1, "prefix": ("a", "a")}, 2),  # a prefix may repeat itself
    ("a <end>", {"banned": frozenset("a")}, 0),
    ("b a <end>", {"banned": frozenset("a")}, None),  # it is banned at the beginning alone
])  # fmt: skip
def test_the_first_step_that_is_ruled_out(text, bounds, step):
    assert at(text, **bounds) == step


def test_bounds_are_those_of_the_settings():
    search = SearchSettings(min_decode_length=2, max_decode_length=7, no_repeat_ngram=3)
    assert Bounds.of(search, ["a"], ["b"]) == (("a",), 2, 7, 3, frozenset("b"))


def test_what_a_search_finds_is_never_ruled_out(make_stepper):
    for settings in ({"min_decode_length": 4, "no_repeat_ngram": 1, "prefix": "et"},
                     {"no_repeat_ngram": 2, "max_decode_length": 6}):  # fmt: skip
        stepper = make_stepper("dog", beam_width=12, **settings)
        bounds = Bounds.of(stepper.settings, stepper.settings.prefix.split())
        for one in stepper.beam().hypotheses:
            assert ruled_out(one.tokens, bounds) is None
        assert ruled_out(("chat", "chat", "chat", "chat"), bounds) is not None

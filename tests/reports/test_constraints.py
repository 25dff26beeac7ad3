import pytest

from workbench.errors import SettingsError
from workbench.reports.constraints import read_constraint

NAMES = ("units", "heads", "encoder", "layers")
VALUES = {"units": 64, "heads": 4, "encoder": "gru", "layers": 0}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("units % heads == 0", True),
        ("units // 2 < 32", False),
        ("encoder == 'gru' and not units > 100", True),
        ("encoder in ['lstm', 'rnn'] or heads <= -1 + 5", True),
        ("32 <= units < 64", False),
        ("units / heads == 16.0 and heads - 1 >= 3 and units * heads > 255", True),
        ("encoder not in ('lstm', 'rnn') and encoder != 'cnn' and encoder is not None", True),
        ("1 < heads < units <= 64 < 65", True),
        ("layers == 0 or units % layers == 0", True),  # what follows is not computed
        ("(units, heads) == (64, 4)", True),
        ("units == 64 if encoder == 'gru' else heads == 1", True),
    ],
)
def test_constraints(text, holds):
    assert read_constraint(text, NAMES).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (5, "expected a comparison of parameters, got 5"),
        ("units = 5", "got 'units = 5': invalid syntax"),
        ("unit > 5", "unknown parameter 'unit'; did you mean 'units'?"),
        ("__import__('os').system('true')", "arithmetic and comparisons, got"),
        ("units.bit_length() > 3", "arithmetic and comparisons, got"),
        ("units ** units ** units > 3", "arithmetic and comparisons, got"),
        ("[units for units in encoder]", "arithmetic and comparisons, got"),
        ("(lambda: units)() > 3", "arithmetic and comparisons, got"),
        ("units > 1" + " " * 1000, "at most 1000 letters, got 1009"),
        ("(" * 300 + "units" + ")" * 300, "too many nested parentheses"),
    ],
)
def test_what_is_no_constraint(text, reason):
    with pytest.raises(SettingsError, match=reason):
        read_constraint(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "units % layers == 0",
        "encoder < 3",
        "'a' * 100000000000 == encoder",  # each of these would take all memory
        "encoder * 100000000000 != ''",
        "[units] * 100000000000 != []",
        "'%1000000000d' % units != ''",
        "-" * 990 + "units < 1",
        "-encoder < 1",
    ],
)
def test_what_cannot_be_computed(text):
    with pytest.raises(SettingsError, match="cannot be computed"):
        read_constraint(text, NAMES).holds(VALUES)

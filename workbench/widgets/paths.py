"""Where the scripts and style sheets of the widgets are."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"


def joined(*names: str) -> str:
    """Return scripts as one: a widget has no way to import another file."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)

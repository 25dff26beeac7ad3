"""Where the scripts and style sheets of the widgets are."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"

"""Tables as values: what they hold, as HTML for a page and as text for a terminal."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from workbench.charts.names import ordered, title_of, written
from workbench.records import Evaluation, Translation

Cell = str | int | float | None

_NUMBER = re.compile(r"-?[0-9][0-9,]*(\.[0-9]+)?%?")


@dataclass(frozen=True)
class Table:
    """Rows under named columns. A column of numbers alone is set to the right.

    Attributes:
        columns: their names.
        rows: one cell a column; None is an empty cell.
        caption: what the table shows, on one line.

    Raises:
        ValueError: a row has not as many cells as there are columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str

    def __post_init__(self) -> None:
        """Check that every row is complete."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"expected {len(self.columns)} cells in a row, got {len(row)}")

    def to_html(self) -> str:
        """Return the table as HTML without style or script; every text is escaped."""
        right = self._right()
        head = "".join(_tag("th", name, right[i], ' scope="col"')
                       for i, name in enumerate(self.columns))  # fmt: skip
        body = "".join(f"<tr>{_row(row, right)}</tr>\n" for row in self.rows)
        return (
            f"<table>\n<caption>{escape(self.caption)}</caption>\n"
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
        )

    def to_text(self) -> str:
        """Return the table as lines of text, columns padded with blanks."""
        right = self._right()
        lines = [self.columns, *([_text(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = (
            "  ".join(
                cell.rjust(width) if at_right else cell.ljust(width)
                for cell, width, at_right in zip(line, widths, right, strict=True)
            ).rstrip()
            for line in lines
        )
        return "\n".join([self.caption, *padded])

    def _right(self) -> list[bool]:
        """Tell for each column whether its cells are numbers."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        return [
            bool(column) and all(_is_number(cell) for cell in column if cell is not None)
            for column in columns
        ]


def best_and_worst(
    translations: Sequence[Translation],
    scores: Sequence[float],
    name: str = "chrf",
    count: int = 5,
) -> Table:
    """Return the `count` best and the `count` worst translations by score, each once.

    Args:
        translations: with their references.
        scores: of the best hypothesis of each.
        name: what figure the scores are.
        count: how many of either end.

    Raises:
        ValueError: not as many scores as translations.
    """
    if len(translations) != len(scores):
        raise ValueError(
            "expected a score for each translation, "
            f"got {len(scores)} scores, {len(translations)} translations"
        )
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    if len(order) > 2 * count:
        order = order[:count] + order[-count:]
        caption = f"The {count} best and the {count} worst of {len(scores):,} translations"
    else:
        caption = f"All {len(scores)} translations, best first"
    rows = tuple(
        (written(name, scores[i]), one.source, one.reference, one.text)
        for i in order
        for one in [translations[i]]
    )
    columns = (title_of(name), "source", "reference", "translation")
    return Table(columns, rows, f"{caption}, by {title_of(name)}")


def figures_table(evaluations: Sequence[Evaluation]) -> Table:
    """Return the figures of one or more splits, a row a figure, a column a split."""
    names = ordered({name for one in evaluations for name in one.figures})
    rows = tuple(
        (title_of(name), *(written(name, one.figures[name]) if name in one.figures else None
                           for one in evaluations))
        for name in names
    )  # fmt: skip
    columns = ("figure", *(
        f"{one.split} ({one.sentences:,} sentences)" if one.sentences else one.split
        for one in evaluations
    ))  # fmt: skip
    return Table(columns, rows, "Figures")


def settings_table(
    settings: Mapping[str, object], changed: Collection[str] = (), caption: str = "Settings"
) -> Table:
    """Return settings by name and value; those in `changed` are marked as not the default."""
    rows = tuple(
        (name, str(value), "yes" if name in changed else "") for name, value in settings.items()
    )
    return Table(("setting", "value", "changed"), rows, caption)


def _row(row: tuple[Cell, ...], right: list[bool]) -> str:
    return "".join(_tag("td", _text(cell), right[i]) for i, cell in enumerate(row))


def _tag(tag: str, text: str, right: bool, attributes: str = "") -> str:
    style = ' style="text-align:right"' if right else ' style="text-align:left"'
    return f"<{tag}{attributes}{style}>{escape(text)}</{tag}>"


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) or bool(cell and _NUMBER.fullmatch(cell))


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)

"""The looks of all panels: one style sheet, once on a page; and whose the keys are."""

from functools import cache

import anywidget

from workbench.widgets.paths import STATIC


class Looks(anywidget.AnyWidget):
    """Carries the style sheet; it need not be displayed.

    Classes for panels: `wb-panel` (the whole), `wb-title`, `wb-row` (controls side by side,
    wrapping), `wb-column`, `wb-columns` (equal columns, one on a narrow page), `wb-card` (a framed
    part), `wb-form` (labels left, controls right), `wb-note` (small and muted), `wb-error` (what
    is wrong, beside a control), `wb-primary` (the one button that matters), `wb-code`, `wb-grow`
    (takes the room that is left), `wb-hidden`.
    """

    _esm = STATIC / "looks.js"
    _css = STATIC / "looks.css"


@cache
def looks() -> Looks:
    """Put the style sheet on the page, once for the process."""
    return Looks()

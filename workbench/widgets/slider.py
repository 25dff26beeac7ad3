"""A native slider with its name: that of ipywidgets has none for who cannot see it."""

import anywidget
import traitlets

from workbench.widgets.paths import STATIC


class Slider(anywidget.AnyWidget):
    """Whole numbers from 0 to `max`, moved by mouse or keys.

    Traits:
        description: its name, before it; text: what the place means, behind it.
        value: where it stands; disabled: whether it cannot be moved.
    """

    _esm = STATIC / "slider.js"
    _css = STATIC / "slider.css"
    description = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    max = traitlets.Int(1, min=0).tag(sync=True)
    value = traitlets.Int(0, min=0).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

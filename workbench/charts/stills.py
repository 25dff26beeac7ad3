"""The still picture among the forms of a chart, and who draws it.

A PNG takes longer to draw than all else that a chart needs. So whoever runs a notebook may have it
drawn while the kernel works on: it sets `STILLS_ELSEWHERE` for the kernel, which then leaves an
empty picture, and fills it with `Stills`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from workbench.charts import drawing
from workbench.environment import STILLS_ELSEWHERE

VEGA_LITE = "application/vnd.vegalite.v5+json"
PNG = "image/png"
TO_BE_DRAWN = ""


def still(specification: dict[str, Any]) -> bytes | str:
    """Return the PNG of a chart, or `TO_BE_DRAWN` where another process will draw it."""
    elsewhere = os.environ.get(STILLS_ELSEWHERE)
    return TO_BE_DRAWN if elsewhere else drawing.drawn(specification)


class Stills:
    """Has drawn what was left to be drawn in the outputs of a notebook, by a process of its own.

    In this process it would hold up all else: drawing keeps the interpreter's lock.
    """

    def __init__(self) -> None:
        """Start the process; it ends with `finish`, or with this one."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", drawing.__file__],  # its folder must not shadow any package
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,  # an interrupted notebook still gets its pictures
        )  # fmt: skip
        self._pool = ThreadPoolExecutor(1, "workbench stills")
        self._drawing: list[Future[None]] = []

    def draw(self, outputs: Iterable[Mapping[str, Any]]) -> None:
        """Begin to fill the empty pictures among `outputs`, in the notebook's own format."""
        for output in outputs:
            forms = output.get("data", {})
            if _is_to_be_drawn(forms):
                self._drawing.append(self._pool.submit(self._fill, forms))

    def finish(self) -> None:
        """Wait until all are drawn.

        Raises:
            ValueError: one cannot be drawn; its picture is gone, the chart itself is there.
        """
        self._pool.shutdown()
        self._process.communicate()
        for one in self._drawing:
            one.result()

    def _fill(self, forms: dict[str, Any]) -> None:
        if not _is_to_be_drawn(forms):
            return
        try:
            forms[PNG] = self._drawn(forms[VEGA_LITE])
        except ValueError:
            del forms[PNG]
            raise

    def _drawn(self, specification: Mapping[str, Any]) -> str:
        asked, answered = self._process.stdin, self._process.stdout
        try:
            print(json.dumps(specification), file=asked, flush=True)
            answer = json.loads(answered.readline()) if answered else {}
        except (OSError, ValueError):
            raise ValueError("the process that draws the charts has ended") from None
        if "error" in answer:
            raise ValueError(answer["error"])
        return str(answer["png"])


def _is_to_be_drawn(forms: Mapping[str, Any]) -> bool:
    return VEGA_LITE in forms and forms.get(PNG) == TO_BE_DRAWN

"""What is done with the answer to a request, in the thread that gives it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from workbench.errors import on_one_line
from workbench.widgets.choices import Choices

T = TypeVar("T")


def then(asked: "Future[T]", choices: Choices, act: Callable[[T], Any]) -> None:
    """Do something with an answer; where there is none, the session tells why.

    What is wrong with doing it becomes the panels' notice: nobody waits for it.
    """

    def answered(future: "Future[T]") -> None:
        if future.cancelled() or future.exception() is not None:
            return
        try:
            act(future.result())
        except Exception as error:
            choices.notice = ("error", on_one_line(error))

    asked.add_done_callback(answered)

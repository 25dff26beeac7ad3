"""What is done with the answer to a request, in the thread that gives it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from workbench.errors import on_one_line
from workbench.widgets.choices import Choices

T = TypeVar("T")


def then(
    asked: "Future[T]",
    choices: Choices,
    act: Callable[[T], Any],
    after: Callable[[], Any] | None = None,
    told: bool = True,
) -> None:
    """Do something with an answer, and something after it, also where there is none.

    Why there is none the session tells, and the panels' notice where it is not `told` there. What
    is wrong with doing it becomes that notice: nobody waits for it.
    """

    def answered(future: "Future[T]") -> None:
        try:
            if future.cancelled() or (told and future.exception() is not None):
                return
            act(future.result())
        except Exception as error:
            choices.notice = ("error", on_one_line(error))
        finally:
            if after is not None:
                after()

    asked.add_done_callback(answered)

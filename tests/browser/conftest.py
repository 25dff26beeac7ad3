"""A real Chromium that can reach this machine only, and that knows when a page tried more.

`make test` uses the Chromium on the PATH, else Playwright's own; where there is neither, the
tests are skipped. With WORKBENCH_REQUIRE_BROWSER=1 a browser test that is skipped, for whatever
reason, fails.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    Error,
    Page,
    Request,
    Route,
    WebSocketRoute,
    sync_playwright,
)

HERE = {"localhost", "127.0.0.1", "::1"}
ARGUMENTS = [
    "--no-sandbox",  # a container's root has no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@dataclass
class Watch:
    """What a page did that a person would not see.

    A test that means to provoke one of these looks at it and clears it.
    """

    requests: list[str] = field(default_factory=list)  # to anywhere but this machine, all refused
    console: list[str] = field(default_factory=list)  # errors written to the console
    uncaught: list[str] = field(default_factory=list)  # errors of scripts that nothing caught


def is_local(url: str) -> bool:
    """Tell whether `url` stays on this machine: a file, data in the page, or its own server."""
    parts = urlsplit(url)
    if parts.scheme in {"data", "blob", "about"}:
        return True
    return not parts.netloc if parts.scheme == "file" else parts.hostname in HERE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the module: its event loop would be in the way of other modules' own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Error as error:
            pytest.skip(f"no Chromium starts here: {error.message.strip().splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture
def watch() -> Watch:
    """What the test's `page` did."""
    return Watch()


@pytest.fixture
def page(browser: Browser, watch: Watch) -> Iterator[Page]:
    """An empty page; the test fails if the page asks anything of another machine."""

    def answer(route: Route, request: Request) -> None:
        if is_local(request.url):
            route.continue_()
        else:
            watch.requests.append(request.url)
            route.abort()

    def refuse(socket: WebSocketRoute) -> None:
        watch.requests.append(socket.url)
        socket.close()

    context = browser.new_context(service_workers="block")
    context.route("**/*", answer)
    context.route_web_socket(lambda url: not is_local(url), refuse)
    page = context.new_page()
    page.on("console", lambda it: it.type == "error" and watch.console.append(it.text))
    page.on("pageerror", lambda error: watch.uncaught.append(error.message))
    yield page
    context.close()
    assert not watch.requests, f"the page asked other machines for {watch.requests}"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A JupyterLab with one kernel for all tests of a process; see `lab.py`."""
    from lab import Lab  # loaded here: what only draws a page needs nothing of Jupyter

    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.fixture
def notebook(lab: Any, page: Page) -> Iterator[Callable[..., Any]]:
    """A function that opens a notebook of the given cells in the test's page."""
    books = []

    def open_book(*cells: str) -> Any:
        books.append(lab.open(page, *cells))
        return books[-1]

    yield open_book
    try:
        lab.tidy(books[-1])
    except (Error, IndexError, RuntimeError):  # the test left nothing that answers
        lab.end_kernels()
    page.goto("about:blank")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turn a skip into a failure where the browser is required."""
    report = yield
    skipped = report.skipped and isinstance(report.longrepr, tuple)  # an expected failure is none
    if skipped and os.environ.get("WORKBENCH_REQUIRE_BROWSER") == "1":
        report.outcome = "failed"
        report.longrepr = f"WORKBENCH_REQUIRE_BROWSER=1, but skipped: {report.longrepr[2]}"
    return report

"""The browser of these tests: it draws what is here, and notices a page that reaches further."""

import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

CONFTEST = Path(__file__).with_name("conftest.py")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def site(tmp_path):
    """A server on this machine for `tmp_path`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def open_page(page, path, body):
    path.write_text(f"<!doctype html><meta charset=utf-8>{body}", encoding="utf-8")
    page.goto(path.as_uri())


def test_page_of_a_file_runs_its_script_and_asks_for_nothing(page, watch, tmp_path):
    open_page(page, tmp_path / "page.html",
              "<p id=p></p><script>p.textContent = 6 * 7 + ' é'</script>"
              "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>")  # fmt: skip
    assert page.inner_text("#p") == "42 é"
    assert page.evaluate("document.images[0].naturalWidth") == 1
    assert (watch.requests, watch.console, watch.uncaught) == ([], [], [])


def test_page_of_this_machines_server_may_ask_that_server(page, watch, tmp_path, site):
    (tmp_path / "figures.json").write_text("[1, 2, 3]")
    (tmp_path / "page.html").write_text("<!doctype html><link rel=icon href=data:,>")
    page.goto(f"{site}/page.html")
    assert page.evaluate("fetch('figures.json').then(r => r.json())") == [1, 2, 3]
    assert watch.requests == []


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("<script src='https://cdn.example/a.js'></script>", "https://cdn.example/a.js"),
        ("<link rel=stylesheet href='http://fonts.example/b.css'>", "http://fonts.example/b.css"),
        ("<img src='//images.example/c.png'>", "file://images.example/c.png"),
        ("<script>fetch('https://api.example/d').catch(() => 0)</script>", "https://api.example/d"),
        ("<script>new WebSocket('wss://live.example/e')</script>", "wss://live.example/e"),
        ("<iframe src='https://frame.example/f'></iframe>", "https://frame.example/f"),
    ],
)
def test_page_that_asks_another_machine_is_noticed(page, watch, tmp_path, body, asked):
    open_page(page, tmp_path / "page.html", body)
    for _ in range(100):
        if watch.requests:
            break
        page.wait_for_timeout(20)
    assert watch.requests == [asked]
    watch.requests.clear()  # it was meant


def test_names_of_other_machines_lead_nowhere_even_without_the_watch(browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto("data:text/html,<title>x</title>")
    asked = "fetch('https://example.com/').then(() => 'answered', error => error.name)"
    assert page.evaluate(asked) == "TypeError"
    context.close()


def test_errors_of_a_page_are_kept(page, watch, tmp_path):
    open_page(page, tmp_path / "page.html",
              "<script>console.error('told'); throw new Error('thrown')</script>")  # fmt: skip
    assert watch.console == ["told"]
    assert watch.uncaught == ["thrown"]


def run_pytest(folder, test, **environment):
    """Run `test` beside a copy of our conftest, in a process of its own; return its output."""
    (folder / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -ra -p no:cacheprovider\n")
    (folder / "test_inner.py").write_text(test, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", folder], text=True, cwd=folder,
                          capture_output=True, env={**os.environ, **environment})  # fmt: skip
    return done.stdout


def test_that_asks_another_machine_fails(browser, tmp_path):
    output = run_pytest(tmp_path, """
def test_inner(page):
    page.goto("data:text/html,<script src=https://cdn.example/a.js></script>")
""")  # fmt: skip
    assert "1 passed, 1 error" in output
    assert "the page asked other machines for ['https://cdn.example/a.js']" in output


@pytest.mark.parametrize(("required", "closing"), [("0", "1 skipped"), ("1", "1 error")])
def test_where_no_chromium_starts_the_summary_says_so(tmp_path, required, closing):
    (tmp_path / "chromium").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "chromium").chmod(0o755)
    output = run_pytest(tmp_path, "def test_inner(page):\n    pass\n", PATH=str(tmp_path),
                        WORKBENCH_REQUIRE_BROWSER=required)  # fmt: skip
    assert closing in output.splitlines()[-1]
    assert "no Chromium starts here" in output

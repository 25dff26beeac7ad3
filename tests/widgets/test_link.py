import json
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.widgets.link import Link
from workbench.widgets.paths import STATIC


def test_it_points_to_an_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    link = Link("Open", "runs/a/report.html")
    assert link.path == (tmp_path / "runs/a/report.html").resolve().as_posix()
    assert link.home == Path.home().as_posix()
    link.point("")
    assert link.path == ""
    assert Link().path == ""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here; the browser tests see it")
@pytest.mark.parametrize(
    ("path", "settings", "wanted"),
    [
        ("/w/runs/a b/r.html", {"serverRoot": "/w", "baseUrl": "/"}, "/files/runs/a%20b/r.html"),
        (
            "/home/me/w/r.html",
            {"serverRoot": "~/w", "baseUrl": "/user/me/"},
            "/user/me/files/r.html",
        ),
        ("/home/me/r.html", {"serverRoot": "~", "baseUrl": "/"}, "/files/r.html"),
        ("/elsewhere/r.html", {"serverRoot": "/w", "baseUrl": "/"}, None),
        ("/w/r.html", {}, None),
        ("/w/r.html", {"serverRoot": "/"}, "/files/w/r.html"),
        ("/w/runs/a/", {"serverRoot": "/w", "baseUrl": "/"}, "/lab/tree/runs/a"),
    ],
)
def test_the_address_is_that_of_the_server(path, settings, wanted):
    module = json.dumps((STATIC / "address.js").as_uri())
    script = (
        f"import({module}).then(({{ addressOf }}) => console.log(JSON.stringify("
        f"addressOf({json.dumps(path)}, '/home/me', {json.dumps(settings)}))))"
    )
    done = subprocess.run(
        ["node", "--experimental-default-type=module", "-e", script],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == wanted

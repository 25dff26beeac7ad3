import json
import sys
import zipfile
from pathlib import Path

import pytest

from workbench.archives import unpack
from workbench.errors import RunError, SettingsError
from workbench.reports.export import export
from workbench.runs import RunDirectory


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with this machine's paths wherever a run may have them."""
    work = tmp_path / "wörk & <place>"
    work.mkdir()
    monkeypatch.chdir(work)
    run = RunDirectory(work / "runs" / "tiny-12345678")
    data = tmp_path / "elsewhere" / "pairs.tsv"
    config = {"corpus": str(data), "run_directory": str(run), "units": 8}
    run.update(
        status="ok", config=config, files={str(data): "1f"}, working_directory=str(work),
        log=[f'File "{sys.prefix}/lib/x.py"', f'File "{Path.home()}/own.py"'],
    )  # fmt: skip
    source = f"run_directory = {json.dumps(str(run))}"
    run.notebook.write_text(json.dumps({"cells": [{"source": source}]}))
    run.page.write_text(f"<p>{str(run).replace('&', '&amp;').replace('<', '&lt;')}</p>")
    run.page.write_text(
        f"<p>see {work.as_uri()}, {run}/report.html</p>workbench verify runs/tiny-12345678<br>"
    )
    run.model.mkdir()
    (run.model / "config.json").write_text(json.dumps(config))
    (run.model / "model.weights.h5").write_bytes(bytes(range(256)))
    (run.checkpoints / "step-00000001").mkdir(parents=True)
    (run.checkpoints / "step-00000001" / "model.npz").touch()
    (run.path / ".writing-1-run.json").touch()
    (run.path / "link").symlink_to("/etc/passwd")
    return run


KEPT = ["model/config.json", "model/model.weights.h5", "report.html", "report.ipynb", "run.json"]


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_zip_of_a_run_opens_elsewhere_and_tells_no_path(run, tmp_path):
    assert export(run.path, "sent.zip") == "sent.zip"
    with zipfile.ZipFile("sent.zip") as archive:
        assert sorted(archive.namelist()) == [f"tiny-12345678/{name}" for name in KEPT]
    place = tmp_path / "other"
    place.mkdir()
    sent = RunDirectory(unpack(Path("sent.zip"), place))
    for path in sent.path.rglob("*.*"):
        text = path.read_bytes().decode("latin-1")
        for private in (str(tmp_path), sys.prefix, str(Path.home()) + "/"):
            assert private not in text, path
    record = sent.read()
    assert record["config"] == {
        "corpus": "pairs.tsv", "run_directory": "tiny-12345678", "units": 8,
    }  # fmt: skip
    assert record["files"] == {"pairs.tsv": "1f"}
    assert record["working_directory"] == "."
    assert record["log"][1] == 'File "~/own.py"'
    assert "workbench verify tiny-12345678<" in sent.page.read_text("utf-8")
    weights = sent.model / "model.weights.h5"
    assert weights.read_bytes() == bytes(range(256))


def test_a_folder_with_its_checkpoints(run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    export(run.path, str(tmp_path / "sent"), checkpoints=True)
    assert files(tmp_path / "sent") == ["checkpoints/step-00000001/model.npz", *KEPT]
    assert before == {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}


def test_what_is_there_is_not_replaced(run, tmp_path):
    (tmp_path / "mine.zip").write_text("mine")
    with pytest.raises(RunError, match=r"mine.zip: exists; choose another place"):
        export(run.path, str(tmp_path / "mine.zip"))
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_what_cannot_be_sent(run, tmp_path):
    with pytest.raises(RunError, match=r"found no run\.json"):
        export(tmp_path, "sent.zip")
    with pytest.raises(SettingsError, match="expected SCHEME://bucket/path with one of s3, gs, az"):
        export(run.path, "ftp://host/sent")
    run.begin()
    with pytest.raises(RunError, match="is running; wait for it"):
        export(run.path, "sent.zip")
    assert not Path("sent.zip").exists()

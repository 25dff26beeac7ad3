"""Runs and notebooks at addresses: against a server on this machine that speaks S3."""

import errno
import json
import socket
import urllib.request

import boto3
import nbformat
import pytest
from moto.server import ThreadedMotoServer

from workbench.errors import RunError, SettingsError
from workbench.reports import remote
from workbench.reports import run as report
from workbench.reports.export import export
from workbench.reports.parameters import read_notebook
from workbench.reports.remote import reported
from workbench.reports.stores import check_writable, is_address, open_store, read_file
from workbench.reports.verify import verify

BUCKET, RUN = "bucket", "s3://bucket/runs/x"


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def client(server, monkeypatch):
    """An empty bucket on the server, which this process is told to use."""
    for name, value in {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "NO_PROXY": "127.0.0.1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    ask(server, "reset")
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


def ask(server, what, data=b""):
    plain = {"Content-Type": "text/plain"}
    request = urllib.request.Request(f"{server}/moto-api/{what}", data, plain)
    with urllib.request.urlopen(request) as answer:
        answer.read()


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "preflight", lambda _: "fingerprint")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path


def names(client):
    return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def text(client, key):
    return client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


@pytest.fixture
def no_kernel(monkeypatch):
    """Let runs end at once, as told."""

    def execute(document, run, timeout):
        execute.seen.append(sorted(p.name for p in run.path.rglob("*") if p.is_file()))
        document.metadata.papermill["duration"] = 1.0
        (run.path / "model").mkdir(exist_ok=True)
        (run.path / "model" / "weights.h5").write_bytes(b"\x89HDF")
        run.update(weights="1f" * 32)
        nbformat.write(document, run.notebook)
        return execute.end

    execute.end, execute.seen = None, []
    monkeypatch.setattr(report, "_execute", execute)
    return execute


def test_from_address_to_address(client, path_of, workplace):
    client.put_object(Bucket=BUCKET, Key="works.ipynb", Body=path_of("works").read_bytes())
    with reported("s3://bucket/works.ipynb", {"word": "5"}, f"{RUN}/") as outcome:
        assert outcome.run.read()["status"] == "ok"
    assert (outcome.exit_code, outcome.message) == (0, f"report: {RUN}/report.html")
    assert names(client) == [
        "runs/x/report.html", "runs/x/report.ipynb", "runs/x/run.json", "works.ipynb",
    ]  # fmt: skip
    record = json.loads(text(client, "runs/x/run.json"))
    assert record["config"]["run_directory"] == RUN
    assert record["notebook"] == "works.ipynb"
    for name in ("report.html", "report.ipynb", "run.json"):
        assert str(workplace / "temporary") not in text(client, f"runs/x/{name}")
    assert list((workplace / "temporary").iterdir()) == []


def go(path_of, **options):
    with reported(path_of("works"), {}, RUN, **options) as outcome:
        return outcome


def test_the_rules_of_a_run_directory_hold_there_as_well(client, path_of, no_kernel):
    no_kernel.end = report.Failure("ValueError", "no", 3, 2)
    failed = go(path_of)
    assert failed.exit_code == 1
    assert failed.message == f"{RUN}: failed in cell [2]: ValueError: no; see {RUN}/report.html"
    with pytest.raises(RunError, match=f"^{RUN}: exists with status failed; --resume"):
        go(path_of)
    client.put_object(Bucket=BUCKET, Key="runs/x/checkpoints/1/model.npz", Body=b"\x93NUMPY")
    no_kernel.end = None
    assert go(path_of, resume=True).exit_code == 0
    assert "model.npz" in no_kernel.seen[-1]
    again = go(path_of)
    assert (again.ran, again.exit_code, len(no_kernel.seen)) == (False, 0, 2)
    assert f"already there: {RUN}/report.html" in again.message
    assert go(path_of, force=True).ran
    assert "runs/x/checkpoints/1/model.npz" not in names(client)  # of the run that was replaced


def test_what_is_no_run_is_not_touched(client, path_of, no_kernel):
    client.put_object(Bucket=BUCKET, Key="runs/x/mine.txt", Body=b"mine")
    with pytest.raises(RunError, match="exists and is no run"):
        go(path_of)
    assert names(client) == ["runs/x/mine.txt"]
    assert no_kernel.seen == []


def test_bad_input_leaves_nothing_there(client, path_of, no_kernel):
    no_kernel.end = report.Failure("DataError", "bad line")
    assert go(path_of).exit_code == 2
    assert names(client) == []


def test_a_run_that_cannot_be_sent_is_kept(client, path_of, no_kernel, monkeypatch):
    def fail(*_):
        raise OSError(errno.ECONNRESET, "connection reset")

    monkeypatch.setattr(remote, "upload", fail)
    outcome = go(path_of)
    assert outcome.exit_code == 1
    assert "status ok but could not be sent" in outcome.message
    assert f"it is kept in {outcome.run}" in outcome.message
    assert outcome.run.status == "ok"


def test_export_to_an_address(client, path_of, no_kernel):
    with reported(path_of("works"), {}, "here") as outcome:
        pass
    assert export(outcome.run.path, "s3://bucket/sent") == "s3://bucket/sent"
    assert "sent/model/weights.h5" in names(client)
    with pytest.raises(RunError, match="s3://bucket/sent: exists"):
        export(outcome.run.path, "s3://bucket/sent")


def test_a_run_there_is_verified_with_the_line_on_its_page(client, path_of, no_kernel, workplace):
    go(path_of)
    assert f"workbench verify {RUN}" in text(client, "runs/x/report.html")
    kept = names(client)
    verdict = verify(RUN)
    assert [figure.name for figure in verdict.figures] == ["weights"]
    assert verdict.equal
    assert names(client) == kept
    assert list((workplace / "temporary").iterdir()) == []
    client.delete_object(Bucket=BUCKET, Key="runs/x/run.json")
    with pytest.raises(RunError, match="found no run"):
        verify(RUN)


# What is wrong before anything runs -----------------------------------------------------------


def one_line(error, *words):
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_a_bucket_that_is_not_there(client, path_of, no_kernel):
    with (
        pytest.raises(RunError) as error,
        reported(path_of("works"), {}, "s3://other/runs/x"),
    ):
        pass
    one_line(error, "s3://other/runs/x: there is no such bucket")
    assert no_kernel.seen == []


def test_wrong_credentials(client, server, path_of, no_kernel):
    try:
        ask(server, "reset-auth", b"0")
        with pytest.raises(RunError) as error:
            go(path_of)
    finally:
        ask(server, "reset-auth", b"inf")
    one_line(error, f"{RUN}: access denied: wrong credentials")
    assert no_kernel.seen == []


def test_no_credentials(client, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(RunError) as error:
        check_writable(RUN)
    one_line(error, "no credentials found; set AWS_ACCESS_KEY_ID")


def test_a_server_that_is_not_there(client, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(RunError) as error:
            check_writable(RUN)
    one_line(error, f"{RUN}: no answer from the server")


def test_a_notebook_that_is_not_there(client):
    with pytest.raises(RunError) as error:
        read_notebook("s3://bucket/none.ipynb")
    one_line(error, "there is no such file")


def test_an_address_is_no_run_directory_setting(path_of, no_kernel):
    with pytest.raises(SettingsError, match="run_directory: write -o s3://bucket/x"):
        report.run_report(path_of("works"), {"run_directory": "s3://bucket/x"})


@pytest.mark.parametrize("address", ["s3://bucket", "ftp://host/path", "http://host/path/x"])
def test_addresses_that_are_none(address):
    assert is_address(address)
    with pytest.raises(SettingsError, match="expected SCHEME://bucket/path"):
        open_store(address)


@pytest.mark.parametrize("path", ["runs/x", "C:\\runs\\x", "/runs/x", "s3:/bucket/x"])
def test_paths_are_no_addresses(path):
    assert not is_address(path)


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_what_is_not_installed_is_named(scheme, monkeypatch):
    import fsspec

    def missing(name):
        raise ImportError(f"Install {name} to access it")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    with pytest.raises(SettingsError, match=rf"pip install 'seq2seq-workbench\[{scheme}\]'"):
        open_store(f"{scheme}://bucket/x")


@pytest.fixture
def memory(monkeypatch):
    """Let gs:// be a file system in memory: the same interface as Google's and Azure's."""
    import fsspec

    files = fsspec.filesystem("memory")
    monkeypatch.setattr(fsspec, "filesystem", lambda _: files)
    yield files
    files.store.clear()


def test_the_other_schemes_hold_to_the_same_rules(memory):
    store = check_writable("gs://bucket/runs/x")
    assert store.names() == []
    store.put("model/weights.h5", b"\x89HDF")
    store.put("run.json", b"{}")
    assert sorted(store.names()) == ["model/weights.h5", "run.json"]
    assert read_file("gs://bucket/runs/x/model/weights.h5") == b"\x89HDF"
    store.remove("run.json")
    assert store.names() == ["model/weights.h5"]

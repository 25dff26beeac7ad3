import errno
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from workbench import cli
from workbench.config import RunConfig, settings
from workbench.errors import RunError
from workbench.runs import RunDirectory
from workbench.session import Session


@pytest.fixture
def workbench(monkeypatch, capsys):
    """Run the command in this process: what it printed, what it said, how it ended."""

    def run(*words, standard_input=""):
        stream = SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(_bytes(standard_input))))
        monkeypatch.setattr(sys, "stdin", stream)
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code, out=out, err=err)

    return run


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


@pytest.fixture(scope="module")
def run(pairs, config, tmp_path_factory):
    """The directory of a trained run."""
    folder = tmp_path_factory.mktemp("cli")
    corpus = folder / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    session = Session(
        config.replace(corpus=str(corpus), max_steps=3, max_length=4, run_directory=folder / "run")
    )
    session.train()
    return folder / "run"


def refused(outcome, *words):
    """It was bad input: exit 2, nothing on standard output, one line that has the words."""
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("workbench: ")
    assert outcome.err.count("\n") == 1
    for word in words:
        assert word in outcome.err


def test_help_lists_the_commands(workbench):
    for words in ((), ("--help",)):
        outcome = workbench(*words)
        assert outcome.code == 0
        for command in ("report", "translate", "evaluate", "data", "lab", "settings"):
            assert command in outcome.out


def test_an_unknown_command_is_one_line(workbench):
    refused(workbench("trian"), "trian")


def test_a_missing_argument_is_one_line(workbench):
    refused(workbench("translate"), "RUN")
    refused(workbench("report", "a.ipynb", "-p", "units=3"), "-p NAME VALUE")


def test_settings_lists_every_one_with_its_help(workbench):
    outcome = workbench("settings")
    assert outcome.code == 0
    for setting in settings():
        assert setting.name in outcome.out
        assert setting.help in outcome.out
        assert setting.expected in outcome.out


def test_settings_as_json_are_for_programs(workbench):
    fields = json.loads(workbench("settings", "--json").out)
    assert [each["name"] for each in fields] == [setting.name for setting in settings()]
    assert {each["name"]: each["default"] for each in fields} == RunConfig().model_dump()


def test_data_list_names_corpora_and_splits(workbench):
    text = workbench("data", "list").out
    for word in ("phrases", "dates", "scan", "addprim_jump"):
        assert word in text
    listed = json.loads(workbench("data", "list", "--json").out)
    assert {each["name"] for each in listed} == {"phrases", "dates", "scan"}


def test_data_show_prints_pairs(workbench):
    outcome = workbench("data", "show", "scan", "-p", "split", "length", "--lines", 3)
    assert outcome.code == 0
    assert all(len(line.split("\t")) == 2 for line in outcome.out.splitlines())
    assert len(outcome.out.splitlines()) == 3
    assert "test 3920" in outcome.err


def test_data_show_refuses_an_unknown_split(workbench):
    refused(workbench("data", "show", "scan", "-p", "split", "lenght"), "lenght", "'length'")


def test_data_make_writes_files_that_read_back(workbench, tmp_path):
    folder = tmp_path / "dates"
    outcome = workbench("data", "make", "dates", folder)
    assert outcome.out.split() == [str(folder / f"{split}.tsv")
                                   for split in ("train", "validation", "test")]  # fmt: skip
    assert workbench("data", "check", folder / "train.tsv").code == 0
    refused(workbench("data", "make", "dates", folder), str(folder))


def test_data_check_lists_bad_lines_and_ends_with_2(workbench, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("one\tun\ntwo\nthree\ttrois\n")
    outcome = workbench("data", "check", path)
    assert outcome.code == 2
    assert outcome.out.startswith("2 pairs")
    assert f"{path}:2:" in outcome.err
    assert json.loads(workbench("data", "check", path, "--json").out)["pairs"] == 2


def test_translate_answers_line_by_line(workbench, run):
    outcome = workbench("translate", run, standard_input="red cat\n\ncat and dog\n")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.split("\n")
    session = Session.open(run)
    assert lines == [session.translate("red cat").text, "", session.translate("cat and dog").text,
                     ""]  # fmt: skip


def test_translate_names_the_words_that_the_model_does_not_know(workbench, run):
    outcome = workbench("translate", run, standard_input="red cat\nred zebra\nzebra gnu\n")
    assert outcome.err == (
        "workbench: not in the vocabulary of the source: 'zebra' (line 2), 'gnu' (line 3)\n"
    )
    many = "\n".join(f"new{number}" for number in range(12))
    assert "'new9' (line 10) and 2 more\n" in workbench("translate", run, standard_input=many).err


def test_translate_as_json_tells_all_hypotheses(workbench, run):
    outcome = workbench("translate", run, "--json", "--hypotheses", 2, standard_input="red cat\n")
    answer = json.loads(outcome.out)
    assert answer["source"] == "red cat"
    assert len(answer["hypotheses"]) == 2
    best, second = answer["hypotheses"]
    order = [(each["finished"], each["score"]) for each in (best, second)]
    assert order == sorted(order, reverse=True)  # what has not come to its end stands last
    assert len(best["tokens"]) == len(best["log_probabilities"])


def test_translate_takes_settings_of_the_search(workbench, run):
    rules = ("-p", "prefix", "chien", "-p", "min_decode_length", 4, "-p", "hypotheses", 2)
    outcome = workbench("translate", run, "--json", *rules, standard_input="red cat\n")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)["hypotheses"]
    assert len(found) == 2
    assert all(each["tokens"][0] == "chien" and len(each["tokens"]) >= 4 for each in found)
    refused(workbench("translate", run, "-p", "units", 4), "a setting of the search", "'units'")
    refused(workbench("translate", run, "-p", "prefx", "a"), "did you mean 'prefix'?")
    refused(
        workbench("translate", run, "-p", "prefix", "zèbre", standard_input="red cat\n"),
        "prefix is 'zèbre'", "target vocabulary",
    )  # fmt: skip


def test_translate_refuses_a_line_that_is_too_long(workbench, run):
    text = "cat\ncat and dog and bird\n"
    outcome = workbench("translate", run, standard_input=text)
    refused(outcome, "standard input:2:", "5 tokens", "max_length is 4", "--skip-bad-lines")
    skipped = workbench("translate", run, "--skip-bad-lines", standard_input=text)
    assert skipped.code == 0
    assert skipped.out.split("\n")[1:] == ["", ""]
    assert "standard input:2:" in skipped.err


def test_translate_refuses_what_is_not_utf_8(workbench, run):
    refused(workbench("translate", run, standard_input=b"cat\n\xff\xfe\n"), ":2:", "UTF-8")


def test_translate_refuses_a_directory_without_a_run(workbench, tmp_path):
    refused(workbench("translate", tmp_path), str(tmp_path), "run directory")


def test_evaluate_prints_figures_as_json(workbench, run, tmp_path):
    figures = json.loads(workbench("evaluate", run).out)
    assert figures["split"] == "test"
    assert {"loss", "bleu", "exact_match"} <= set(figures["figures"])
    path = tmp_path / "more.tsv"
    path.write_text("red cat\tchat rouge\nbroken\n")
    refused(workbench("evaluate", run, "--data", path), f"{path}:2:")
    outcome = workbench("evaluate", run, "--data", path, "--skip-bad-lines", "--beam-width", 1)
    given = json.loads(outcome.out)
    assert given["sentences"] == 1
    assert len(given["bad_lines"]) == 1


def test_report_passes_on_how_it_went(workbench, monkeypatch, tmp_path):
    seen = {}

    def run_report(notebook, parameters, **options):
        seen.update(notebook=str(notebook), parameters=parameters, **options)
        return outcome

    monkeypatch.setattr("workbench.reports.remote.run_report", run_report)
    directory = RunDirectory(tmp_path / "run")
    directory.update(status="ok", data={"bad_lines": ["pairs.tsv:2: broken"]})
    outcome = SimpleNamespace(run=directory, status="ok", exit_code=0, message="report: here",
                              ran=True)  # fmt: skip
    file = tmp_path / "settings.yaml"
    file.write_text("units: 32\nepochs: 2\n")
    words = ("report", "a.ipynb", "-f", file, "-p", "epochs", 3, "--skip-bad-lines", "--resume")
    done = workbench(*words)
    assert (done.code, done.out) == (0, "report: here\n")
    assert done.err == "left out pairs.tsv:2: broken\nleft out in all: 1\n"
    assert seen["parameters"] == {"units": 32, "epochs": "3", "skip_bad_lines": True}
    assert (seen["notebook"], seen["resume"], seen["force"]) == ("a.ipynb", True, False)
    assert json.loads(workbench(*words, "--json").out)["status"] == "ok"

    outcome = SimpleNamespace(run=directory, status="failed", exit_code=1, message="cell 3: no",
                              ran=True)  # fmt: skip
    failed = workbench(*words)
    assert seen["progress"] is None
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.endswith("\nworkbench: cell 3: no\n")


def test_report_tells_a_program_how_far_it_is(workbench, monkeypatch, tmp_path):
    def run_report(notebook, parameters, progress, **options):
        print("12", file=progress)
        directory = RunDirectory(tmp_path / "run")
        return SimpleNamespace(run=directory, status="ok", exit_code=0, message="", ran=True)

    monkeypatch.setattr("workbench.reports.remote.run_report", run_report)
    monkeypatch.setattr(signal, "signal", lambda *handler: handlers.append(handler))
    handlers = []
    first, last = workbench("report", "a.ipynb", "--progress", "json", "--json").out.splitlines()
    assert first == "12"
    assert json.loads(last)["run"] == str(tmp_path / "run")
    assert handlers == [(signal.SIGINT, signal.default_int_handler)]


@pytest.mark.parametrize("words", [
    ("report", "missing.ipynb"),
    ("report", "notebooks/experiment.ipynb", "-p", "unit", "3"),
    ("report", "notebooks/experiment.ipynb", "-p", "units", "many"),
    ("report", "notebooks/experiment.ipynb", "-p", "units", "33"),
    ("report", "notebooks/experiment.ipynb", "-p", "corpus", "phrazes"),
])  # fmt: skip
def test_report_refuses_bad_input_before_anything_is_written(
    workbench, words, tmp_path, monkeypatch, request
):
    words = [request.config.rootpath / word if word.startswith("notebooks") else word
             for word in words]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    refused(workbench(*words))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("error", "words"), [
    (RunError("two\nlines"), ["two lines"]),
    (OSError(errno.ENOSPC, "No space left on device", "runs/x"), ["runs/x", "No space left",
                                                                  "make room"]),
    (PermissionError(errno.EACCES, "Permission denied", "runs/x"), ["runs/x", "denied"]),
    (OSError("h5 is broken"), ["h5 is broken"]),
])  # fmt: skip
def test_whatever_is_wrong_is_one_line(workbench, monkeypatch, error, words):
    def fail(*_):
        raise error

    monkeypatch.setattr("workbench.data.catalogue.built_in", fail)
    refused(workbench("data", "list"), *words)


def test_a_reader_that_stops_reading_is_no_error(workbench, monkeypatch):
    def fail():
        raise BrokenPipeError

    monkeypatch.setattr("workbench.data.catalogue.built_in", fail)
    outcome = workbench("data", "list")
    assert (outcome.code, outcome.err) == (141, "")


@pytest.mark.parametrize(("user", "allowed"), [(0, ["--allow-root"]), (1000, [])])
def test_lab_starts_jupyterlab_in_the_folder(workbench, monkeypatch, tmp_path, user, allowed):
    called = []
    monkeypatch.setattr(cli.os, "geteuid", lambda: user)
    monkeypatch.setattr(
        subprocess, "call", lambda words, cwd, **_: called.append((words, cwd)) or 0
    )
    assert workbench("lab", tmp_path, "--", "--port=9999").code == 0
    words = [sys.executable, "-m", "jupyterlab", *allowed, "--port=9999"]
    assert called == [(words, tmp_path)]
    refused(workbench("lab", tmp_path / "none"), "none")


def test_notebooks_of_the_lab_find_the_programs_beside_its_python(workbench, monkeypatch, tmp_path):
    found = []
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", "/elsewhere")
    monkeypatch.setattr(subprocess, "call", lambda *_, env, **__: found.append(env["PATH"]) or 0)
    workbench("lab", tmp_path)
    assert found == [f"{tmp_path / 'bin'}{os.pathsep}/elsewhere"]


@pytest.mark.parametrize("first", ["notebooks/workbench.ipynb", "workbench.ipynb"])
def test_lab_opens_on_the_workbench(workbench, monkeypatch, tmp_path, first):
    called = []
    monkeypatch.setattr(subprocess, "call", lambda words, **_: called.extend(words) or 0)
    (tmp_path / first).parent.mkdir(exist_ok=True)
    (tmp_path / first).touch()
    workbench("lab", tmp_path, "--", "--no-browser")
    assert called[-2:] == [f"--LabApp.default_url=/lab/tree/{first}", "--no-browser"]


def test_lab_says_what_to_install(workbench, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    refused(workbench("lab", tmp_path), "pip install")


def test_compare_prints_the_runs_the_best_first(workbench, make_run, tmp_path):
    make_run("small", units=32, bleu=10.0)
    make_run("large", units=64, bleu=20.0)
    lines = workbench("compare", tmp_path / "runs").out.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "run", "large", "small"]
    ranked = workbench("compare", tmp_path / "runs", "--objective", "wall_seconds", "--json")
    found = json.loads(ranked.out)
    assert [one["name"] for one in found] == ["large", "small"]
    assert found[0]["figures"] == {"validation.bleu": 20.0, "wall_seconds": 5.0}
    assert found[0]["parameters"]["units"] == 64


def test_compare_writes_the_page(workbench, make_run, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.reports.comparison.bundle", lambda: "")
    outcome = workbench("compare", make_run("a", bleu=1.0).path, "--html", tmp_path / "page")
    assert outcome.out == f"comparison: {tmp_path / 'page' / 'index.html'}\n"
    assert 'href="../runs/a"' in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")


def test_compare_names_all_that_is_no_run(workbench, make_run, tmp_path):
    run = make_run("a", bleu=1.0)
    refused(workbench("compare", run.path, tmp_path / "none", tmp_path), "none", str(tmp_path))
    refused(workbench("compare", run.path, "--objective", "test.blue"), "test.blue", "no run")
    refused(workbench("compare"), "RUN")


SWEPT = """parameters: {units: [8, 16]}
objective: validation.bleu
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SWEPT.replace("units", "unist"), ("parameters.unist", "'units'")),
        (SWEPT.replace("[8, 16]", "[]"), ("parameters.units", "empty")),
        (SWEPT.replace("[8, 16]", "[8, 16"), ("line", "YAML")),
        (SWEPT.replace("bleu", "blue"), ("objective", "'validation.bleu'")),
    ],
)
def test_a_sweep_that_cannot_work_is_one_line_and_starts_nothing(
    workbench, tmp_path, request, text, words
):
    space = tmp_path / "space.yaml"
    space.write_text(text)
    notebook = request.config.rootpath / "tests" / "notebooks" / "swept.ipynb"
    outcome = workbench("sweep", notebook, space, "-o", tmp_path / "out")
    refused(outcome, str(space), *words)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def sweep(workbench, tmp_path, monkeypatch, request):
    """Sweep a tiny notebook in an empty folder; see to it that nothing is left behind."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    space = tmp_path / "space.yaml"

    def sweep(*words, text=SWEPT, notebook="swept"):
        space.write_text(text)
        path = request.config.rootpath / "tests" / "notebooks" / f"{notebook}.ipynb"
        outcome = workbench("sweep", path, space, *words)
        assert list(place.iterdir()) == []
        return outcome

    return sweep


def test_a_sweep_whose_scheduler_is_not_there_starts_nothing(sweep, monkeypatch):
    monkeypatch.setattr("workbench.reports.executors.SECONDS", 1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        refused(sweep("--scheduler", address), f"scheduler {address}: is not there")
        refused(sweep("--scheduler", address, "-o", "a/b"), "is not there")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://me@host:port/name", "expected postgresql://user@host:port/name"),
        ("postgresql://me@127.0.0.1:1/name", "storage postgresql://me@127.0.0.1:1/name: "),
        ("study.db", "expected postgresql://"),
    ],
)
def test_a_sweep_whose_storage_is_none_starts_nothing(sweep, address, words):
    refused(sweep("--storage", address), words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SWEPT + "constraints: [\"'a' * 100000000000 != 'b'\"]", "expected numbers to compute"),
        (SWEPT.replace("[8, 16]", "{low: 1, high: 1" + 400 * "0" + "}"), "expected an integer"),
        (SWEPT.replace("units: [8, 16]", "dropout: {low: 0, high: 0.5, step: 1e-320}"), "step"),
        (SWEPT.replace("bleu", "alignment_error_rate"), "no gold alignments in validation"),
        (SWEPT.replace("validation.bleu", "test.bleu"), "no run of this notebook measures"),
    ],
    ids=["constraint", "bound", "step", "alignments", "objective"],
)
def test_a_space_that_cannot_be_computed_is_one_line(sweep, text, words):
    refused(sweep(text=text), words)


def test_a_notebook_without_a_parameters_cell_is_one_line(workbench, sweep, tmp_path):
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("units = 8")])
    path = tmp_path / "plain.ipynb"
    nbformat.write(document, path)
    words = "the notebook has no parameters: tag the cell that sets them with 'parameters'"
    refused(workbench("report", path), words)
    refused(sweep(notebook=path.with_suffix("")), words)


def test_a_full_disk_is_one_line_and_leaves_nothing(workbench, sweep, monkeypatch, request):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("workbench.files._flush", full)
    refused(sweep(), "No space left on device", "make room, then run the same command again")
    notebook = request.config.rootpath / "tests" / "notebooks" / "swept.ipynb"
    refused(workbench("report", notebook, "-o", "run"), "No space left on device", "make room")
    assert not Path("run").exists()


def test_a_port_in_use_is_one_line_and_starts_nothing(workbench, sweep, monkeypatch, request):
    notebook = request.config.rootpath / "tests" / "notebooks" / "swept.ipynb"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for index in (0, 1):
            workers = [address, "127.0.0.1:1"] if not index else ["127.0.0.1:1", address]
            cluster = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
            monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
            outcome = workbench("report", notebook, "-p", "strategy", "multi_worker", "-o", "run")
            refused(outcome, f"{address}: cannot listen there: Address already in use")
            assert not Path("run").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("sweep", "nb.ipynb", "space.yaml", "-o", "s3://bucket/sweep"),
        ("verify", "run", "-o", "gs://bucket/again"),
        ("compare", "run", "--html", "az://bucket/page"),
        ("export", "s3://bucket/run", "here.zip"),
        ("data", "make", "dates", "s3://bucket/dates"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_address_where_a_path_must_stand_is_refused_at_once(
    workbench, tmp_path, monkeypatch, words
):
    monkeypatch.chdir(tmp_path)
    address = next(word for word in words if "://" in word)
    refused(workbench(*words), f"expected a path on this machine, got {address}",
            "`workbench report -o` and `workbench export RUN ADDRESS`")  # fmt: skip
    assert list(tmp_path.iterdir()) == []

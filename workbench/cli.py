"""The `workbench` command. Each subcommand imports what it needs, so that help comes at once.

Exit codes: 0 done, 1 the run failed, 2 the input was wrong (one line on standard error).
"""

import atexit
import errno
import gc
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench import __version__
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.data.corpus import Corpus
    from workbench.records import Translation
    from workbench.session import Session

WORKBENCH = ("notebooks/workbench.ipynb", "workbench.ipynb")  # what `lab` opens first
CHUNK = 512  # lines translated between two looks at the standard input
TOLD = 10  # unknown words named at the end of a translation


class Here(click.Path):
    """A path on this machine: of an address, `s3://bucket/x`, would be made a folder `s3:`."""

    def convert(self, value: Any, parameter: Any, context: Any) -> Any:
        """Refuse an address, else return the path."""
        from workbench.reports.stores import is_address

        if is_address(value):
            self.fail(
                f"expected a path on this machine, got {value}; only `workbench report -o` and "
                "`workbench export RUN ADDRESS` write to an address: write here, then send it",
                parameter, context,
            )  # fmt: skip
        return super().convert(value, parameter, context)


FOLDER = Here(path_type=Path, file_okay=False)

parameter = click.option(
    "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="set a setting"
)
of_the_search = click.option(
    "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE",
    help="set a setting of the search",
)  # fmt: skip
skip_bad_lines = click.option(
    "--skip-bad-lines", is_flag=True, help="leave out unreadable lines, count and list them"
)
as_json = click.option("--json", "as_json", is_flag=True, help="print JSON")


def main() -> None:
    """Run the command; whatever is wrong with the input is one line and exit code 2."""
    atexit.register(gc.freeze)  # to look for garbage in TensorFlow's heap would take a second
    try:
        sys.exit(workbench.main(prog_name="workbench", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        message = error.format_message()
        hint = " (write -p NAME VALUE)" if "'-p' requires" in message else ""
        _refuse(message + hint)
    except click.Abort:
        sys.exit(130)
    except WorkbenchError as error:
        _refuse(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.exit(141)  # the reader of our output has had enough
        full = " (make room, then run the same command again)" if _disk_full(error) else ""
        _refuse(f"{error.filename or 'output'}: {error.strerror or error}{full}")


def _refuse(message: str) -> None:
    click.echo(f"workbench: {' '.join(message.split())}", err=True)
    sys.exit(2)


def _disk_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def workbench() -> None:
    """Build, train, look inside and take apart an encoder-decoder model."""


@workbench.command()
@click.argument("notebook", type=click.Path())
@parameter
@click.option("-f", "--file", "settings_file", type=click.Path(path_type=Path),
              help="settings from a YAML or JSON file; -p wins")  # fmt: skip
@click.option("-o", "--output", type=click.Path(),
              help="the run directory: a folder, or s3://…, gs://…, az://…")  # fmt: skip
@click.option("--resume", is_flag=True, help="go on with a run that did not end well")
@click.option("--force", is_flag=True, help="run again, in place of what is there")
@click.option("--timeout", type=click.FloatRange(min=1), help="seconds for the whole notebook")
@click.option("--progress", type=click.Choice(["json"]),
              help="print how far it is, a JSON object a line")  # fmt: skip
@click.option("--follower", type=int, hidden=True, help="stop when this parent process is gone")
@skip_bad_lines
@as_json
def report(
    notebook: str, parameters: tuple[tuple[str, str], ...], settings_file: Path | None,
    output: str | None, resume: bool, force: bool, timeout: float | None, progress: str | None,
    follower: int | None, skip_bad_lines: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run NOTEBOOK headless and leave a run directory with its report."""
    from workbench.background import interrupt_without
    from workbench.reports.parameters import read_settings_file
    from workbench.reports.remote import reported
    from workbench.reports.stores import is_address

    if progress or follower:  # whoever follows may interrupt, even who ignores it as a kernel does
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if follower:
        interrupt_without(follower)
    given: dict[str, Any] = read_settings_file(settings_file) if settings_file else {}
    given |= dict(parameters)
    if skip_bad_lines:
        given["skip_bad_lines"] = True
    with reported(
        notebook, given, output, resume=resume, force=force, timeout=timeout,
        progress=sys.stdout if progress else None,
    ) as outcome:  # fmt: skip
        if outcome.run.record.exists():
            _list_bad_lines(outcome.run.read().get("data", {}).get("bad_lines", ()))
    if as_json:
        place = output if output and is_address(output) else str(outcome.run)
        page = f"{place}/{outcome.run.page.name}"
        click.echo(json.dumps({"run": place, "status": outcome.status, "page": page,
                               "ran": outcome.ran}))  # fmt: skip
    if outcome.exit_code:
        click.echo(f"workbench: {outcome.message}", err=True)
    elif not as_json:
        click.echo(outcome.message, err=bool(progress))
    return outcome.exit_code


@workbench.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.argument("space", type=click.Path(path_type=Path))
@parameter
@click.option("-o", "--output", type=FOLDER,
              help="the sweep's folder; sweeps/<notebook>-<space> unless given")  # fmt: skip
@click.option("-j", "--jobs", type=click.IntRange(1), help="runs at the same time; one per GPU "
              "unless given")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), help="of TensorFlow in each run")
@click.option("--timeout", type=click.FloatRange(min=1), help="seconds for each run")
@click.option("--max-failures", type=click.IntRange(1), help="stop when so many runs have failed")
@click.option("--scheduler", default="", metavar="ADDRESS",
              help="run on a Dask cluster, tcp://host:port")  # fmt: skip
@click.option("--storage", default="", metavar="URL",
              help="share trials with other machines, postgresql://user@host/name")  # fmt: skip
@as_json
def sweep(
    notebook: Path, space: Path, parameters: tuple[tuple[str, str], ...], as_json: bool,
    **options: Any,
) -> int:  # fmt: skip
    """Run NOTEBOOK once for every point of SPACE, a YAML file; go on with what was interrupted."""
    from workbench.reports.sweep import Options, run_sweep

    swept = run_sweep(notebook, space, dict(parameters), Options(**options))
    if as_json:
        click.echo(json.dumps({
            "sweep": str(swept.folder), "status": swept.status,
            "best": swept.best and asdict(swept.best),
            "trials": [asdict(trial) for trial in swept.trials],
        }))  # fmt: skip
    if swept.exit_code:
        click.echo(f"workbench: {swept.message}", err=True)
    elif not as_json:
        click.echo(swept.message)
    return swept.exit_code


@workbench.command()
@click.argument("run", type=click.Path())
@click.option("-o", "--output", type=FOLDER, help="keep the second run here")
@click.option("--tolerance", type=click.FloatRange(0, min_open=True), default=0.05,
              show_default=True, help="how far figures may differ where bits may")  # fmt: skip
@as_json
def verify(run: str, output: Path | None, tolerance: float, as_json: bool) -> int:
    """Run RUN again and compare every figure and the weights; exit 0 only if all are equal."""
    from workbench.reports.figures import table
    from workbench.reports.verify import SecondRunError
    from workbench.reports.verify import verify as run_again

    try:
        verdict = run_again(run, output, tolerance)
    except SecondRunError as error:
        click.echo(f"workbench: {error}", err=True)
        return 1
    if as_json:
        click.echo(json.dumps(asdict(verdict) | {"equal": verdict.equal}, indent=2))
    else:
        for line in (*verdict.differences, *table(verdict.figures), verdict.summary):
            click.echo(line)
    return 0 if verdict.equal else 1


@workbench.command()
@click.argument("run", type=Here(path_type=Path))
@click.argument("destination", type=click.Path())
@click.option("--checkpoints", is_flag=True, help="send what training would go on from as well")
def export(run: Path, destination: str, checkpoints: bool) -> None:
    """Write RUN to DESTINATION, a .zip, a folder or s3://…, with no path of this machine in it."""
    from workbench.reports.export import export as write

    click.echo(write(run, destination, checkpoints))


@workbench.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--beam-width", type=click.IntRange(1, 64), help="hypotheses kept at every step")
@click.option("--hypotheses", type=click.IntRange(1, 64), help="shown with --json")
@of_the_search
@skip_bad_lines
@as_json
def translate(
    run: Path, beam_width: int | None, hypotheses: int | None,
    parameters: tuple[tuple[str, str], ...], skip_bad_lines: bool, as_json: bool,
) -> None:  # fmt: skip
    """Translate the lines of standard input with the model of RUN, one line each."""
    from workbench.data.text import read_lines
    from workbench.session import Session

    session = Session.open(run, **_of_the_search(parameters, beam_width))
    count = min(hypotheses or session.config.hypotheses or 1, session.config.beam_width)
    unknown: dict[str, int] = {}  # with the line where each comes first
    for chunk in _chunks(_with_progress(read_lines("-"), "lines"), CHUNK):
        good = _usable(session, chunk, skip_bad_lines)
        texts = [text for _, text in good]
        found = session.translate_all(texts, hypotheses=count) if texts else []
        by_line = dict(zip((number for number, _ in good), found, strict=True))
        for number, text in chunk:
            click.echo(_line(text, by_line.get(number), as_json))
        for number, text in good:
            for piece in session.codec.unknown_in_source(text):
                unknown.setdefault(piece, number)
    if unknown:
        some = ", ".join(f"{piece!r} (line {n})" for piece, n in islice(unknown.items(), TOLD))
        more = f" and {len(unknown) - TOLD} more" if len(unknown) > TOLD else ""
        click.echo(f"workbench: not in the vocabulary of the source: {some}{more}", err=True)


def _of_the_search(
    parameters: tuple[tuple[str, str], ...], beam_width: int | None
) -> dict[str, Any]:
    """Return the settings that the options of a search name."""
    from workbench.config import SearchSettings
    from workbench.errors import SettingsError, nearest

    for name, _ in parameters:
        if name not in SearchSettings.model_fields:
            raise SettingsError(
                f"expected a setting of the search, got {name!r}"
                f"{nearest(name, SearchSettings.model_fields)}"
            )
    return dict(parameters) | ({"beam_width": beam_width} if beam_width else {})


def _usable(
    session: "Session", lines: list[tuple[int, str]], skip_bad_lines: bool
) -> list[tuple[int, str]]:
    """Return the lines that can be translated; blank ones stay blank in the output."""
    from workbench.errors import DataError

    limit, good = session.config.max_length, []
    for number, text in lines:
        length = len(session.codec.encode_source(text)) - 1
        if length > limit:
            reason = f"standard input:{number}: {length} tokens, max_length is {limit}"
            if not skip_bad_lines:
                raise DataError(f"{reason}; shorten it or pass --skip-bad-lines")
            click.echo(f"workbench: left out {reason}", err=True)
        elif length:
            good.append((number, text))
    return good


def _line(source: str, translation: "Translation | None", as_json: bool) -> str:
    if not as_json:
        return translation.text if translation else ""
    hypotheses = [
        {
            "text": each.text,
            "tokens": each.tokens,
            "log_probabilities": [float(value) for value in each.log_probabilities],
            "score": each.score,
            "finished": each.finished,
        }
        for each in (translation.hypotheses if translation else ())
    ]
    return json.dumps({"source": source, "hypotheses": hypotheses}, ensure_ascii=False)


@workbench.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", "file", type=click.Path(), help="a file of pairs; else the test split")
@click.option("--beam-width", type=click.IntRange(1, 64), help="hypotheses kept at every step")
@of_the_search
@skip_bad_lines
def evaluate(
    run: Path, file: str | None, beam_width: int | None, parameters: tuple[tuple[str, str], ...],
    skip_bad_lines: bool,
) -> None:  # fmt: skip
    """Measure the model of RUN and print the figures as JSON."""
    from workbench.data.readers import read_pairs
    from workbench.session import Session

    changes = _of_the_search(parameters, beam_width)
    if skip_bad_lines:
        changes["skip_bad_lines"] = True
    session = Session.open(run, **changes)
    if file is None:
        evaluation, _ = session.evaluate("test")
    else:
        config = session.config
        pairs, bad = read_pairs(
            file, source_column=config.source_column, target_column=config.target_column,
            swap=config.swap, skip_bad_lines=config.skip_bad_lines,
        )  # fmt: skip
        session.bad_lines.extend(bad)
        evaluation = session.evaluate_pairs(pairs, name=file)
    left_out = [str(line) for line in session.bad_lines]
    click.echo(json.dumps({**asdict(evaluation), "bad_lines": left_out}, indent=2))


@workbench.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--objective", default="", metavar="FIGURE",
              help="rank by this figure, such as validation.bleu")  # fmt: skip
@click.option("--html", "folder", type=FOLDER,
              help="write the comparison page index.html to this folder")  # fmt: skip
@as_json
def compare(
    runs: tuple[Path, ...], objective: str, folder: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Compare run directories, or folders of such: what differs and what came of it."""
    from workbench.overview import Objective, find_runs, labelled, runs_table, summarized

    found = find_runs(runs)
    summaries = [summarized(run) for run in found]
    ranking = Objective.of(summaries, objective)
    if folder:
        from workbench.reports.comparison import write_index

        page = write_index(folder, found, title=f"{len(found)} runs", objective=ranking.name,
                           direction=ranking.direction)  # fmt: skip
        click.echo(f"comparison: {page}", err=as_json)
    if as_json:
        listed = labelled(ranking.best_first(summaries))
        click.echo(json.dumps([run.as_json() | {"name": name} for name, run in listed.items()],
                              indent=2))  # fmt: skip
    elif not folder:
        click.echo(runs_table(labelled(summaries), ranking).to_text())


@workbench.command()
@as_json
def settings(as_json: bool) -> None:
    """List every setting with its default, its range or choices, and what it does."""
    from workbench.config import settings as every

    if as_json:
        fields = [asdict(setting) | {"kind": setting.kind.__name__} for setting in every()]
        click.echo(json.dumps(fields, indent=2))
        return
    group = ""
    for setting in every():
        if setting.group != group:
            group = setting.group
            click.echo(click.style(f"\n{group}", bold=True))
        click.echo(f"  {setting.name:<22} {setting.default!s:<10} {setting.help}")
        click.echo(f"  {'':<22} {'':<10} {setting.expected}")


@workbench.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def lab(folder: Path, options: tuple[str, ...]) -> int:
    """Open JupyterLab in FOLDER, on the workbench if it is there; OPTIONS after -- are its own."""
    import subprocess
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise WorkbenchError("jupyterlab is not installed: pip install 'seq2seq-workbench[lab]'")
    if not folder.is_dir():
        raise WorkbenchError(f"{folder}: expected a folder to open JupyterLab in")
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # in a container there is nobody else
    allowed = ["--allow-root"] if root else []
    found = [f"--LabApp.default_url=/lab/tree/{it}" for it in WORKBENCH if (folder / it).is_file()]
    words = [sys.executable, "-m", "jupyterlab", *allowed, *found[:1], *options]
    # Notebooks find the programs of this environment, activated or not: %tensorboard starts one.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return subprocess.call(words, cwd=folder, env={**os.environ, "PATH": path})


@workbench.group()
def data() -> None:
    """Look at corpora, write the built-in ones, check your own."""


@data.command("list")
@as_json
def list_corpora(as_json: bool) -> None:
    """List the built-in corpora and their splits."""
    from workbench.data.catalogue import built_in

    if as_json:
        click.echo(json.dumps([asdict(corpus) for corpus in built_in()], indent=2))
        return
    for corpus in built_in():
        click.echo(f"{corpus.name:<10} {corpus.title}\n{'':<10} splits: {', '.join(corpus.splits)}")


@data.command()
@click.argument("name")
@parameter
@click.option("--lines", type=click.IntRange(0), default=10, help="pairs to show")
def show(name: str, parameters: tuple[tuple[str, str], ...], lines: int) -> None:
    """Show some pairs of NAME, a built-in corpus or a file, and the size of its splits."""
    corpus = _corpus(name, parameters)
    for pair in corpus.train[:lines]:
        click.echo(f"{pair.source}\t{pair.target}")
    sizes = ", ".join(f"{split} {len(pairs)}" for split, pairs in corpus.splits.items())
    click.echo(f"{corpus.name} {corpus.fingerprint}: {sizes}", err=True)
    _list_bad_lines(corpus.bad_lines)


@data.command()
@click.argument("name")
@click.argument("folder", type=FOLDER, required=False)
@parameter
def make(name: str, folder: Path | None, parameters: tuple[tuple[str, str], ...]) -> None:
    """Write the splits of NAME as TSV files to FOLDER (by default datasets/NAME)."""
    from workbench.data.catalogue import write_corpus

    for path in write_corpus(_corpus(name, parameters), folder or Path("datasets") / name):
        click.echo(path)


@data.command()
@click.argument("file", type=click.Path())
@click.option("--source-column", default="", help="by name, or by number from 1")
@click.option("--target-column", default="", help="by name, or by number from 1")
@as_json
def check(file: str, source_column: str, target_column: str, as_json: bool) -> int:
    """Read FILE to its end, list its bad lines and sum up the rest; exit 2 if any is bad."""
    from workbench.data.summary import check as check_file

    summary = check_file(file, source_column=source_column, target_column=target_column)
    if as_json:
        click.echo(json.dumps(asdict(summary), indent=2))
    else:
        click.echo(f"{summary.pairs} pairs, {summary.duplicates} of them twice, "
                   f"{summary.ambiguous_sources} sources with several targets")  # fmt: skip
        for name, side in (("source", summary.source), ("target", summary.target)):
            words = side.words
            click.echo(
                f"{name}: {words.shortest} to {words.longest} words, median {words.median:g}; "
                f"{side.word_types} distinct words, {side.character_types} characters"
            )
    for line in summary.bad_lines:
        click.echo(f"bad line {line}", err=True)
    if summary.bad_lines:
        click.echo(f"bad lines in all: {len(summary.bad_lines)}; correct them, or let a report "
                   "leave them out with --skip-bad-lines", err=True)  # fmt: skip
    return 2 if summary.bad_lines else 0


def _corpus(name: str, parameters: tuple[tuple[str, str], ...]) -> "Corpus":
    from workbench.data.loading import load_corpus

    return load_corpus(name, **dict(parameters))


def _list_bad_lines(lines: Sequence[Any]) -> None:
    for line in lines:
        click.echo(f"left out {line}", err=True)
    if lines:
        click.echo(f"left out in all: {len(lines)}", err=True)


def _chunks(lines: Iterable[str], size: int) -> Iterator[list[tuple[int, str]]]:
    chunk: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        chunk.append((number, line))
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _with_progress(items: Iterable[str], unit: str) -> Iterable[str]:
    """Show a bar on standard error; nothing where that is no terminal."""
    from tqdm import tqdm

    return tqdm(items, unit=f" {unit}", disable=None, leave=False)


if __name__ == "__main__":
    main()

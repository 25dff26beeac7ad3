import json
import re
from urllib.parse import unquote

import pytest

from workbench.reports import comparison as module
from workbench.reports import page as page_module
from workbench.reports.comparison import write_index
from workbench.runs import RunDirectory

NASTY = "</script><img src=x onerror=\"document.title='taken over'\">"


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """Making Vega's script takes two seconds and adds a megabyte; Optuna is tested elsewhere."""
    monkeypatch.setattr(module, "bundle", lambda: "globalThis.vegaEmbed = null;")
    monkeypatch.setattr(module, "importances_of", lambda *_: {"units": 0.75, "seed": 0.25})


@pytest.fixture
def runs(make_run):
    return [
        make_run("a", units=64, bleu=20.0),
        make_run("b", units=128, bleu=30.0),
        make_run("c", units=256, status="failed",
                 error={"type": "MemoryError", "message": NASTY, "number": 5,
                        "traceback": f"line\n{NASTY}"}),
    ]  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def write(runs, **options):
        path = write_index(tmp_path, runs, **({"title": "Units"} | options))
        assert path == tmp_path / "index.html"
        return path.read_text(encoding="utf-8")

    return write


def data_of(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def names_in(text, section):
    part = text[text.index(f'id="{section}"') :].split("<h2")[0]
    return re.findall(r'<a href="[^"]*">([^<]*)</a>', part)


def test_the_best_are_ranked_and_what_failed_is_told(write, runs):
    text = write(runs, objective="validation.bleu", waiting=3)
    assert names_in(text, "best") == ["b", "a"]
    assert names_in(text, "runs") == ["b", "a", "c"]
    assert names_in(text, "unfinished") == ["c"]
    assert "cell [5]: MemoryError: &lt;/script&gt;" in text
    assert "<div><dt>Runs</dt><dd>6</dd></div>" in text
    assert "<div><dt>Waiting</dt><dd>3</dd></div>" in text
    assert "30.0" in text


def test_a_small_figure_is_good_where_the_caller_says_so(write, runs):
    text = write(runs, objective="validation.bleu", direction="minimize")
    assert names_in(text, "best") == ["a", "b"]
    assert 'aria-sort="ascending"' in text


def test_no_text_of_a_run_is_markup(write, make_run):
    run = make_run("d", bleu=1.0, parameters={"name_of_mine": NASTY})
    other = make_run("e", bleu=2.0, parameters={"name_of_mine": "x"}, samples=[[NASTY] * 3])
    text = write([run, other], title=NASTY, notes={"d": NASTY})
    assert "<img" not in text
    assert data_of(text)["sentences"] == [[NASTY, NASTY]]
    assert data_of(text)["translations"][0]["texts"] == {"0": NASTY}
    assert text.count("</script>") == text.count("<script")


def test_the_page_asks_for_nothing_and_runs_only_its_own_scripts(write, runs):
    text = write(runs)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("sha256-") == len(re.findall('<script type="module">', text)) == 3
    links = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert all(link.startswith("#") or not re.match(r"[a-z]+:|//", link) for link in links)


def test_links_are_relative_and_lead_to_reports_or_directories(write, make_run, tmp_path):
    text = write([make_run("with page", bleu=1.0, page=True), make_run("c#d?", bleu=0.5)])
    for name, target in (("with page", "with page/report.html"), ("c#d?", "c#d?")):
        (link,) = set(re.findall(rf'<a href="([^"]*)">{re.escape(name)}</a>', text))
        assert (tmp_path / unquote(link)).resolve() == (tmp_path / "runs" / target).resolve()
        assert not {"#", "?", " "} & set(link)


def test_a_note_marks_its_run_alone(write, runs):
    text = write(runs, notes={"a": "pruned at step 40"})
    assert text.count("pruned at step 40") == 1


def test_damaged_runs_are_listed_with_what_is_wrong(write, make_run, tmp_path):
    bad = make_run("bad", bleu=1.0)
    bad.record.write_text("{")
    none = RunDirectory(tmp_path / "none")
    text = write([make_run("good", bleu=2.0), bad, none])
    assert names_in(text, "runs") == ["good", "bad", "none"]
    assert names_in(text, "unfinished") == ["bad", "none"]
    assert "run.json: cannot be read" in text
    assert "found no run.json" in text


def test_a_page_without_any_run_is_written(write):
    assert "0 runs" in write([], waiting=4)


def test_importances_that_were_handed_in_are_drawn_as_they_are(write, runs, monkeypatch):
    monkeypatch.setattr(module, "importances_of", lambda *_: pytest.fail("asked Optuna"))
    text = write(runs, importances={"learning_rate": 1.0})
    assert "learning_rate 100%" in text
    assert "not known yet" in write(runs, importances={})


def test_curves_are_thinned_to_their_ends(write, make_run):
    run = make_run("long", bleu=1.0, losses=[float(1000 - step) for step in range(1000)])
    (curves,) = data_of(write([run]))["curves"]
    steps, values = curves["training_loss"]
    # a point of overlay's stands for ten steps: the first for 1 to 10, the last for 991 to 1000
    assert (len(steps), steps[0], steps[-1]) == (60, 5.5, 995.5)
    assert (values[0], values[-1]) == (995.5, 5.5)


def test_detail_gives_way_to_the_limit(write, make_run, monkeypatch):
    samples = [[f"{number} " + "word " * 60] * 3 for number in range(10)]
    runs = [make_run(f"r{i}", bleu=float(i), samples=samples, losses=[1.0] * 90) for i in range(4)]
    whole = write(runs)
    monkeypatch.setattr(module, "LIMIT", len(whole.encode()) - 1)
    smaller = write(runs)
    assert len(smaller.encode()) <= module.LIMIT
    assert len(data_of(smaller)["sentences"]) < len(data_of(whole)["sentences"]) == 10
    assert names_in(smaller, "runs") == names_in(whole, "runs")


def test_a_page_that_is_too_large_says_so(write, runs, monkeypatch, capsys):
    text = write(runs)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(module, "LIMIT", 1000)
    assert write(runs) == text
    said = capsys.readouterr().err
    assert said.startswith("workbench: ")
    assert "index.html: has 0." in said
    assert "more than the 0.0 MB" in said
    assert said.count("\n") == 1


def test_the_page_is_replaced_whole(write, runs, tmp_path, monkeypatch):
    before = write(runs)
    monkeypatch.setattr(module, "script_tags", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(runs)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == before


def test_only_what_changed_is_read_again(write, runs, monkeypatch):
    write(runs)
    monkeypatch.setattr("workbench.overview.summary._read", lambda _: pytest.fail("read again"))
    write(runs)


def test_the_style_is_that_of_the_report():
    sheet = page_module.style("comparison/page.css")
    assert sheet.startswith(page_module.style()[:200])
    assert "--category-5:" in sheet

from pathlib import Path

import pytest

from workbench.errors import RunError, SettingsError
from workbench.overview import Objective, Summary, differing, find_runs, labelled, runs_table
from workbench.overview.views import translations_table


def run(name, status="ok", parameters=None, **figures):
    split = ("validation_", "test_")
    figures = {(name.replace("_", ".", 1) if name.startswith(split) else name): value
               for name, value in figures.items()}  # fmt: skip
    return Summary(name, Path("runs") / name, status=status, parameters=parameters or {},
                   figures=figures)  # fmt: skip


def names(runs):
    return [one.name for one in runs]


def test_the_best_come_first_and_only_what_ended_well_is_ranked():
    runs = [run("a", validation_bleu=1), run("b", validation_bleu=3), run("c"),
            run("d", "failed", validation_bleu=9), run("e", validation_bleu=3)]  # fmt: skip
    objective = Objective("validation.bleu")
    assert names(objective.ranked(runs)) == ["b", "e", "a"]
    assert names(objective.best_first(runs)) == ["b", "e", "a", "c", "d"]
    assert names(Objective("validation.bleu", "minimize").ranked(runs)) == ["a", "b", "e"]


def test_the_usual_figure_is_chosen_in_its_usual_direction():
    assert Objective.of([run("a", test_bleu=1, validation_loss=2)]) == Objective(
        "validation.loss", "minimize"
    )
    assert Objective.of([run("a", validation_bleu=1)]) == Objective("validation.bleu", "maximize")
    assert Objective.of([run("a", test_word_error_rate=1)], "test.word_error_rate").direction == (
        "minimize"
    )
    assert Objective.of([]) == Objective("")


def test_an_objective_that_no_run_has_is_refused_with_the_nearest():
    with pytest.raises(SettingsError, match=r"'validation.blue': no run .* 'validation.bleu'"):
        Objective.of([run("a", validation_bleu=1)], "validation.blue")


def test_what_differs_is_listed_in_the_order_of_the_settings():
    same = {"seed": 1, "name": "x"}
    runs = [run("a", parameters=same | {"units": 64, "dropout": 0, "mine": "p", "xla": True}),
            run("b", parameters=same | {"units": 32, "dropout": 0.0, "mine": "q", "xla": 1}),
            run("c", "unreadable")]  # fmt: skip
    assert differing(runs) == {"units": (64, 32, None), "xla": (True, 1, None),
                               "mine": ("p", "q", None)}  # fmt: skip
    assert differing([run("a", parameters={"name": "x"}), run("b", parameters={"name": "y"})]) == {}


def test_runs_are_found_alone_or_in_a_folder_each_once(make_run, tmp_path):
    a, b = make_run("a"), make_run("b")
    found = find_runs([tmp_path / "runs", a.path])
    assert [it.path for it in found] == [a.path, b.path]


def test_all_that_is_no_run_is_named_on_one_line(make_run, tmp_path):
    bad = make_run("bad")
    bad.record.write_text("{")
    with pytest.raises(RunError) as refused:
        find_runs([tmp_path / "none", bad.path, tmp_path])
    for part in ("none: expected a run directory", "run.json: cannot be read", f"{tmp_path}: exp"):
        assert part in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_of_one_name_are_called_by_their_paths():
    one = Summary("a", Path("x/a"))
    assert list(labelled([one, Summary("a", Path("y/a")), run("b")])) == ["x/a", "y/a", "b"]
    assert list(labelled([one, one])) == ["x/a", "x/a (again)"]


def test_the_table_says_what_differs_and_what_came_of_it():
    runs = labelled([run("a", parameters={"units": 64}, validation_bleu=1.0, wall_seconds=2.0),
                     run("b", parameters={"units": 32}, validation_bleu=3.0, test_bleu=9.0),
                     run("c", "failed", parameters={"units": 32})])  # fmt: skip
    table = runs_table(runs, Objective("validation.bleu"))
    assert table.columns == ("run", "status", "validation BLEU", "units", "duration")
    assert table.rows == (
        ("b", "ok", "3.0", "32", ""), ("a", "ok", "1.0", "64", "2.0 s"),
        ("c", "failed", "", "32", ""),
    )  # fmt: skip
    assert table.caption == "3 runs, 2 of them ended well; the best validation BLEU first"


def test_the_sentences_most_runs_watched_stand_first(make_run):
    from workbench.overview import summarized

    one = summarized(make_run("a", samples=[["s", "r", "1"], ["t", "r", "2"]]))
    other = summarized(make_run("b", samples=[["t", "r", "3"]]))
    table = translations_table({"a": one, "b": other}, ["a", "b"])
    assert table.columns == ("source", "reference", "a", "b")
    assert table.rows == (("t", "r", "2", "3"), ("s", "r", "1", None))

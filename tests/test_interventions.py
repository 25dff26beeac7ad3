"""Interventions as data: what goes out as JSON comes in again, and what is none is refused."""

import json

import pytest

from workbench.errors import InterventionError
from workbench.interventions import (
    KINDS,
    Ban,
    EditSource,
    Force,
    Mask,
    Paste,
    Scale,
    SetCell,
    SetRow,
    Sharpen,
    read_interventions,
    to_json,
)

EVERY = (
    EditSource(position=1, token="chien"),
    Force(prefix=("le", "▁é"), token="<end>"),
    Ban(token='"'),
    SetRow(layer=0, head=3, weights=(0.1, 1 / 3, 0)),
    SetCell(prefix=("le",), position=2, weight=0.25),
    Scale(positions=(0, 2), factor=0),
    Mask(positions=()),
    Sharpen(head=1, temperature=0.5),
    Paste(prefix=("le",), other=("le", "chat")),
)


def test_every_kind_survives_json():
    assert {type(item) for item in EVERY} == set(KINDS.values())
    text = to_json(EVERY)
    assert read_interventions(text) == EVERY
    assert to_json(read_interventions(text)) == text
    assert read_interventions(json.loads(text)) == EVERY
    assert read_interventions(EVERY) == EVERY


def test_json_says_what_is_not_the_default():
    assert json.loads(to_json(EVERY[:1] + EVERY[6:7])) == [
        {"kind": "source", "position": 1, "token": "chien"},
        {"kind": "mask", "positions": []},
    ]


def test_a_float32_comes_back_to_the_last_bit():
    np = pytest.importorskip("numpy")
    print("seed 3")
    row = np.random.default_rng(3).dirichlet(np.ones(9)).astype("f")
    [again] = read_interventions(to_json([SetRow(weights=row.tolist())]))
    assert np.array_equal(np.array(again.weights, "f"), row)


def test_files_and_nothing(tmp_path):
    path = tmp_path / "done.json"
    path.write_text(to_json(EVERY, indent=1), encoding="utf-8")
    assert read_interventions(path) == read_interventions(str(path)) == EVERY
    assert read_interventions("") == read_interventions(" ") == read_interventions([]) == ()
    with pytest.raises(InterventionError, match=r"none\.json: cannot read interventions"):
        read_interventions(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"kind": "forse", "token": "a"}, "expected a kind .*, got 'forse'; did you mean 'force'"),
        ({"token": "a"}, "expected a kind .* got None"),
        (7, "expected a kind .* got 7"),
        ({"kind": ["force"]}, r"expected a kind .* got \['force'\]"),
        ({"kind": "force"}, "token: is missing"),
        ({"kind": "force", "token": 3}, "token: expected a valid string, got 3"),
        ({"kind": "force", "token": "a", "prefx": []}, "prefx: is not known"),
        ({"kind": "row", "weights": [0.5, -0.5]}, r"weights\.1: .* or equal to 0, got -0\.5"),
        ({"kind": "row", "weights": [0, 0]}, "weights: expected weights of which one at least"),
        ({"kind": "row", "weights": [float("nan")]}, r"weights\.0: .*finite"),
        ({"kind": "cell", "position": -1, "weight": 2}, "position: .* got -1; weight: .* got 2"),
        ({"kind": "sharpen", "temperature": 0}, "temperature: .* greater than 0, got 0"),
        ({"kind": "mask", "positions": [1], "layer": -1}, "layer: .* got -1"),
    ],
)
def test_what_is_none_is_refused_by_number(item, said):
    with pytest.raises(InterventionError, match=f"^item 2: {said}") as error:
        read_interventions([EVERY[0], item])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "force le",
            r"expected interventions as JSON or the path of a \.json file, got 'force le'",
        ),
        ('{"kind": "ban"}', "expected a JSON list of interventions"),
    ],
)
def test_text_that_is_no_list_is_refused(text, said):
    with pytest.raises(InterventionError, match=said):
        read_interventions(text)


def test_items_are_frozen_and_checked_when_they_are_made():
    with pytest.raises(ValueError, match="frozen"):
        EVERY[1].token = "b"
    with pytest.raises(InterventionError, match=r"positions\.0: .* got -1"):
        Mask(positions=(-1,))

from workbench.search.stepper import Choice
from workbench.widgets.candidates import Candidates


def test_what_is_listed_travels_in_one_piece_and_only_when_it_changes(said):
    candidates = Candidates()
    heard = []
    candidates.observe(lambda change: heard.append(change.name))
    choices = [Choice("<b>", -0.1, 1), Choice("x", -9.0, 2, banned=True)]
    for _ in range(2):
        candidates.show("Candidates at step 1", choices, "<b>", 4)
    assert heard == ["shown"]
    assert candidates.shown == {
        "legend": "Candidates at step 1", "version": 4, "chosen": "<b>",
        "rows": [
            {"token": "<b>", "share": 0.9048, "words": "90.5%", "banned": False},
            {"token": "x", "share": 0.0001, "words": "<0.1%", "banned": True},
        ],
    }  # fmt: skip
    assert said(candidates) == []
    candidates.close()

from workbench.widgets.announced import answer, fault


def test_what_went_wrong_is_read_out_at_once_and_an_answer_in_its_turn():
    assert (fault("no run").role, fault().look, fault("no run").value) == (
        "alert", "wb-error", "no run",
    )  # fmt: skip
    assert (answer("wb-note").role, answer("wb-note").look) == ("status", "wb-note")

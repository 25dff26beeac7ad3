from workbench.errors import RunError
from workbench.widgets.download import Download


def press(button, asker="a"):
    button._handle_custom_msg({"asker": asker}, [])


def test_the_file_is_made_when_the_button_is_pressed_and_goes_to_who_asked(said):
    made = []

    def make():
        made.append(1)
        return "curves.csv", b"step,loss\n"

    button = Download("Save CSV", make, tooltip="all steps")
    assert (button.label, button.tooltip, made) == ("Save CSV", "all steps", [])
    press(button)
    press(button, "b")
    assert said(button) == [
        ({"asker": "a", "name": "curves.csv"}, [b"step,loss\n"]),
        ({"asker": "b", "name": "curves.csv"}, [b"step,loss\n"]),
    ]


def test_what_cannot_be_made_is_said_beside_the_button(said):
    def make():
        raise RunError("nothing is trained yet; train first")

    button = Download("Save CSV", make)
    press(button)
    assert said(button) == [({"asker": "a", "error": "nothing is trained yet; train first"}, [])]


def test_a_mistake_of_ours_is_said_there_too_and_logged(said, caplog):
    button = Download("Save CSV", dict)
    press(button)
    [(message, _)] = said(button)
    assert message["error"].startswith("ValueError: not enough values to unpack")
    assert "a fault of the workbench" in message["error"]
    assert "Traceback" in caplog.text

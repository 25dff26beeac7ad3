from workbench.widgets.copying import Copy


def test_the_page_gets_title_and_text():
    copy = Copy("The same in Python", "x = 1")
    assert (copy.title, copy.text) == ("The same in Python", "x = 1")
    copy.text = "x = 2"
    state = copy.get_state()
    assert (state["title"], state["text"]) == ("The same in Python", "x = 2")
    assert "clipboard" in state["_esm"]

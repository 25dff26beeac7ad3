import numpy as np

from workbench.widgets.strip import Strip


def test_weights_stand_beside_their_tokens():
    strip = Strip()
    heard = []
    strip.observe(lambda change: heard.append(change.name))
    weights, own = np.float32([0.25, 0.75]), np.float32([0.5, 0.5])
    for _ in range(2):
        strip.show(("a", "b"), weights, own, (1,), "attention of step 1")
    assert heard == ["shown"]
    assert strip.shown == {
        "tokens": ["a", "b"], "weights": [0.25, 0.75], "own": [0.5, 0.5], "marked": [1],
        "description": "attention of step 1",
    }  # fmt: skip
    strip.show(("a", "b"), weights, None, (), "attention of step 1")
    assert (strip.shown["own"], strip.shown["marked"]) == ([], [])
    strip.close()

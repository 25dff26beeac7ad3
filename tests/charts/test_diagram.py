from workbench.charts.diagram import model_diagram
from workbench.records import Block

BLOCKS = [
    Block("embedding", "table", "B × S × 4", 1000),
    Block("encoder", "lstm", "B × S × 8", 234, ("embedding",)),
    Block("attention", "additive", "B × T × S", 9, ("encoder", "decoder"), "attention"),
    Block("decoder", "gru", "B × T × 8", 56, ("encoder", "attention"), "decoder"),
]


def test_each_block_is_a_box_with_its_figures(spec):
    seen = spec(model_diagram(BLOCKS))
    drawn = {row["name"]: row["parameters"] for rows in seen.rows("parameters") for row in rows}
    assert drawn == {block.name: block.parameters for block in BLOCKS}
    texts = {
        "embedding",
        "table",
        "B × S × 4 · 1,000",
        "attention",
        "additive",
        "ENCODER",
        "DECODER",
    }
    assert texts <= set(seen.texts())


def test_the_title_sums_the_parameters(spec):
    seen = spec(model_diagram(BLOCKS))
    assert seen.json["title"]["subtitle"].startswith("1,299 parameters")
    assert seen.json["description"].startswith(
        "The model has 1,299 parameters: embedding (table, B × S × 4, 1,000 parameters); "
        "encoder (lstm, B × S × 8, 234 parameters, reads embedding); "
    )


def test_attention_stands_out(spec):
    styles = [mark["mark"]["style"] for mark in spec(model_diagram(BLOCKS)).marks("rect")]
    assert styles == ["panel", "panel_accent"]
    assert [m["mark"]["style"] for m in spec(model_diagram(BLOCKS[:2])).marks("rect")] == ["panel"]


def test_an_arrow_for_each_input_and_a_dashed_one_back(spec):
    seen = spec(model_diagram(BLOCKS))
    lines = [{row["arrow"] for row in rows} for rows in seen.rows("arrow")]
    assert lines == [
        {"embedding → encoder", "encoder → attention", "encoder → decoder", "attention → decoder"},
        {"decoder → attention"},
    ]
    assert [mark["mark"]["strokeDash"] for mark in seen.marks("line")] == [[1, 0], [4, 3]]
    assert len(seen.rows("heading")[0]) == 5


def test_one_block_and_none(spec):
    alone = spec(model_diagram([Block("<b>x</b> datum.y[0]", "k", "B", 0)]))
    assert "<b>x</b> datum.y[0]" in alone.texts()
    assert not alone.marks("line")
    assert "there is no model yet" in spec(model_diagram([])).texts()

import nbformat
import pytest

from workbench.reports.cells import TAIL, Failure, cell_records, failure_in


def cell(status, seconds=None, outputs=(), number=None):
    record = {"papermill": {"status": status, "duration": seconds}}
    return nbformat.v4.new_code_cell(
        "x", metadata=record, outputs=list(outputs), execution_count=number
    )


def error(name, message, traceback):
    return nbformat.v4.new_output("error", ename=name, evalue=message, traceback=traceback)


@pytest.fixture
def notebook():
    lines = [f"\x1b[31mline {number}\x1b[0m" for number in range(TAIL + 5)]
    expected = error("ZeroDivisionError", "caught by the notebook", [])
    last = error("ValueError", "no", lines)
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Title"),
            cell("completed", 0.5, [expected], number=1),
            cell("failed", 1.5, [expected, last], number=2),
            cell("pending"),
            nbformat.v4.new_code_cell("never seen by papermill"),
        ]
    )


def test_records_of_code_cells(notebook):
    assert cell_records(notebook) == [
        {"index": 1, "status": "completed", "seconds": 0.5},
        {"index": 2, "status": "failed", "seconds": 1.5},
        {"index": 3, "status": "pending", "seconds": None},
        {"index": 4, "status": "pending", "seconds": None},
    ]


def test_the_failure_is_the_failed_cell_s_last_error(notebook):
    tail = "\n".join(f"line {number}" for number in range(5, TAIL + 5))
    assert failure_in(notebook) == Failure("ValueError", "no", cell=2, number=2, traceback=tail)


def test_no_failure(notebook):
    del notebook.cells[2]
    assert failure_in(notebook) is None


def test_a_cell_that_failed_without_a_word(notebook):
    notebook.cells[2].outputs = []
    assert failure_in(notebook) == Failure("Error", "the cell failed and said nothing", cell=2)

import pytest

from workbench.data.size import (
    LARGE,
    MEMORY,
    in_bytes,
    refuse_too_large,
    text_size,
    warning,
)
from workbench.errors import DataError


@pytest.fixture
def sparse(tmp_path):
    """Make a file of any size that takes no room on the disk."""

    def make(name, size):
        path = tmp_path / name
        with path.open("wb") as stream:
            stream.truncate(size)
        return str(path)

    return make


def test_sizes_add_up_over_files_and_parallel_files(sparse):
    paths = [sparse("a.en", 10), sparse("a.de", 20), sparse("b.tsv", 5)]
    assert text_size([f"{paths[0]},{paths[1]}", paths[2], "", "phrases"]) == 35


def test_a_packed_file_counts_as_what_is_in_it(sparse):
    assert text_size([sparse("a.tsv.gz", 100)]) == 400


def test_a_file_of_a_gigabyte_is_refused_with_what_to_do(sparse):
    path = sparse("big.tsv", 10**9)
    with pytest.raises(DataError) as error:
        refuse_too_large([path, ""], free=4 * 10**9)
    assert str(error.value) == (
        f"{path}: expected pairs that fit into memory, found 1.0 GB of text, which would take "
        f"about 9.0 GB where 4.0 GB are free; take a part of it, e.g. head -n 1000000 {path} > "
        "part.tsv"
    )


def test_what_fits_is_not_refused(sparse):
    path = sparse("a.tsv", 1000)
    refuse_too_large([path], free=1000 * MEMORY * 2)
    with pytest.raises(DataError):
        refuse_too_large([path], free=1000 * MEMORY)  # not a byte would be left for a model
    refuse_too_large([path])  # beside what is free here


def test_what_is_missing_is_left_to_the_readers():
    refuse_too_large(["no such file", "", "a\0b", "a" * 5000], free=1)
    assert warning(["no such file"]) == ""


def test_a_large_file_is_worth_a_word(sparse):
    assert warning([sparse("a.tsv", LARGE - 1)]) == ""
    told = warning([sparse("b.tsv", 540_000_000)])
    assert told == "540 MB of text: reading it may take 6 minutes."


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9940, "9.9 kB"), (12_345, "12 kB"),
     (999_600, "1.0 MB"), (5.5e9, "5.5 GB"), (123.4e9, "123.4 GB")],
)  # fmt: skip
def test_bytes_as_a_person_reads_them(count, text):
    assert in_bytes(count) == text

import pytest

from workbench.reports import endings
from workbench.reports.cells import Failure
from workbench.reports.endings import cause_of_death, starved_processes, with_remedy


@pytest.mark.parametrize(
    ("code", "words", "starved", "kind", "message"),
    [
        (-9, [], False, "DeadKernelError", "it was killed (SIGKILL), perhaps for want of memory"),
        (-9, [], True, "KernelOutOfMemoryError", "memory ran out (SIGKILL)"),
        (-6, ["terminate called after throwing", "  what():  std::bad_alloc"], False,
         "KernelOutOfMemoryError", "memory ran out (SIGABRT)"),
        (-6, [], True, "DeadKernelError", "it was aborted (SIGABRT), perhaps for want of memory"),
        (-11, [], True, "DeadKernelError", "it crashed or was killed (SIGSEGV)"),
        (-40, [], True, "DeadKernelError", "it crashed or was killed (signal 40)"),
        (3, [], True, "DeadKernelError", "it ended with exit code 3"),
        (1, ["MemoryError"], False, "KernelOutOfMemoryError", "memory ran out (1)"),
    ],
)  # fmt: skip
def test_why_a_kernel_died(code, words, starved, kind, message):
    assert cause_of_death(code, words, starved) == (kind, f"the kernel died: {message}")


def test_the_system_s_own_count(tmp_path, monkeypatch):
    monkeypatch.setattr(endings, "COUNTERS", tmp_path / "vmstat")
    assert starved_processes() == 0
    (tmp_path / "vmstat").write_text("nr_free_pages 17\noom_kill 3\noom_kill_other 4\n")
    assert starved_processes() == 3


@pytest.mark.parametrize(
    ("failure", "batch_size", "remedy"),
    [
        (Failure("_ArrayMemoryError", "Unable to allocate 4 GiB"), 64,
         "memory ran out: try batch_size 32"),
        (Failure("ResourceExhaustedError", "OOM when allocating"), 1,
         "memory ran out: try fewer units or layers"),
        (Failure("DeadKernelError", "killed, perhaps for want of memory"), 8,
         "if so, try batch_size 4"),
        (Failure("ValueError", "no"), 8, ""),
    ],
)  # fmt: skip
def test_remedies(failure, batch_size, remedy):
    assert with_remedy(failure, batch_size).remedy == remedy

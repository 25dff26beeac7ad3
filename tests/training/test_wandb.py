"""Weights & Biases in its offline mode, with a proxy that sees whether anything asks for a way."""

import json
import socket
import struct
import threading
import time

import pytest


@pytest.fixture
def asked(monkeypatch):
    """What any program of this machine asks of others through the proxy that it is told to use."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def listen():
            while True:
                try:
                    connection, _ = proxy.accept()
                except OSError:
                    return
                heard.append(connection.recv(200))
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, address)
        for name in ("NO_PROXY", "no_proxy", "WANDB_MODE", "WANDB_PROJECT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
        yield heard
        import wandb

        wandb.teardown()  # its own process ends
        proxy.shutdown(socket.SHUT_RDWR)


def records(path):
    """Yield what a `.wandb` file holds: LevelDB's log format, in a first block of 32 KiB."""
    from wandb.proto import wandb_internal_pb2

    data, start = path.read_bytes(), 7  # the header's
    assert len(data) < 2**15
    while start < len(data):
        _, length, kind = struct.unpack("<IHB", data[start : start + 7])
        assert kind == 1, "expected a whole record"
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data[start + 7 : start + 7 + length])
        yield record
        start += 7 + length


def written(directory):
    """Return the steps that the runs in a directory hold, by the name of the run's folder."""
    return {
        path.parent.name: [
            {".".join(each.nested_key) or each.key: json.loads(each.value_json)
             for each in record.history.item}
            for record in records(path)
            if record.history.item
        ]
        for path in sorted((directory / "wandb").glob("offline-run-*/run-*.wandb"))
    }  # fmt: skip


def seen(directory, runs):
    """Return the steps of so many runs once they are on the disk: its own process writes them."""
    deadline = time.monotonic() + 20
    while len(found := written(directory)) < runs or not all(found.values()):
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.05)
    return found


def test_a_run_and_its_going_on_ask_nobody(asked, logged, progress):
    from workbench.training.wandb import Wandb

    log = Wandb(logged())
    log.write(progress(1, 4.0))
    log.write(progress(2, 3.0, {"bleu": 12.5}))
    log.close()
    [first] = seen(logged().directory, 1).values()
    assert [row["_step"] for row in first] == [1, 2]
    assert [row["training/loss"] for row in first] == [4.0, 3.0]
    assert first[1]["validation/bleu"] == 12.5

    again = Wandb(logged(step=2, wandb=log.called))
    again.write(progress(3, 2.0))
    again.close()
    assert again.called == log.called
    runs = seen(logged().directory, 2)
    assert all(name.endswith(log.called) for name in runs)
    assert sorted(row["_step"] for rows in runs.values() for row in rows) == [1, 2, 3]
    assert asked == []

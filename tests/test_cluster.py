import json
import socket
import threading

import pytest

from workbench.cluster import Cluster, meet, read_cluster
from workbench.errors import SettingsError

TWO = ["alpha:7000", "beta:7000"]


def config(cluster, kind="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (config({"worker": TWO}, index=1), Cluster(tuple(TWO), 1)),
        (config({"worker": TWO[1:], "chief": TWO[:1]}), Cluster(tuple(TWO), 1)),
        (config({"worker": TWO[1:], "chief": TWO[:1]}, "chief"), Cluster(tuple(TWO), 0)),
        (config({"worker": ["[::1]:80"]}), Cluster(("[::1]:80",), 0)),
    ],
)
def test_a_cluster_is_read_as_tensorflow_reads_it(monkeypatch, text, wanted):
    monkeypatch.setenv("TF_CONFIG", text)
    assert read_cluster() == wanted


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "{}", config({}),
        config({"worker": TWO}, index=2), config({"worker": TWO}, "ps"),
        config({"worker": ["alpha"]}), config({"worker": ["alpha:99999"]}), config({"worker": 5}),
        config({"worker": TWO, "ps": ["gamma:1"]}), config({"chief": TWO}, "chief"),
        config({"worker": TWO}, index=-1), config({"worker": TWO}, index="x"),
    ],
)  # fmt: skip
def test_what_is_no_cluster_is_shown_the_form(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(SettingsError, match=r'TF_CONFIG: expected \{"cluster": .*, got ') as error:
        read_cluster()
    assert str(error.value).endswith(text)


def test_no_cluster_and_one_address_twice(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(SettingsError, match="TF_CONFIG is not set: set it to"):
        read_cluster()
    monkeypatch.setenv("TF_CONFIG", config({"worker": [TWO[0], TWO[0]]}))
    with pytest.raises(SettingsError, match="two workers have one address: alpha:7000, alpha"):
        read_cluster()


@pytest.fixture
def addresses():
    """Three addresses at which nobody listens."""
    doors = [socket.socket() for _ in range(3)]
    for door in doors:
        door.bind(("127.0.0.1", 0))
    found = tuple(f"127.0.0.1:{door.getsockname()[1]}" for door in doors)
    for door in doors:
        door.close()
    return found


def test_all_meet_and_leave_their_ports(addresses):
    for _ in range(2):  # the second time at ports that were just in use
        met = []

        def come(number, met=met):
            meet(Cluster(addresses, number), 20)
            met.append(number)

        threads = [threading.Thread(target=come, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(met) == [0, 1, 2]


def test_who_does_not_come_is_named(addresses):
    def come():
        with pytest.raises(SettingsError, match="worker 1"):
            meet(Cluster(addresses, 2), 1.5)

    other = threading.Thread(target=come)
    other.start()
    with pytest.raises(SettingsError, match=r"worker 1 \(127.0.0.1:\d+\) did not come within 1.5"):
        meet(Cluster(addresses, 0), 1.5)
    other.join()


def test_a_port_in_use_is_named_at_once(addresses):
    port = int(addresses[0].rpartition(":")[2])
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(SettingsError, match=rf"127.0.0.1:{port}: cannot listen there: Address"),
    ):
        meet(Cluster(addresses, 0), 60)


def test_a_stranger_at_the_door_is_nobody(addresses):
    port = int(addresses[0].rpartition(":")[2])

    def knock():
        for _ in range(20):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                    line.sendall(b"GET / HTTP/1.1\r\n")
            except OSError:
                pass

    stranger = threading.Thread(target=knock)
    stranger.start()
    with pytest.raises(SettingsError, match=r"worker 1 .*, worker 2 .* did not come within 1 s"):
        meet(Cluster(addresses, 0), 1)
    stranger.join()

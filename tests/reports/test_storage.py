import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from workbench.errors import SettingsError
from workbench.reports import storage
from workbench.reports.storage import beside, open_storage, shown


def test_a_file_beside_the_runs(tmp_path):
    assert open_storage(beside(tmp_path)).get_all_studies() == []
    assert (tmp_path / "study.db").exists()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_database_for_many_machines_is_asked_by_psycopg(monkeypatch, scheme):
    monkeypatch.setattr(storage, "RDBStorage", lambda url, **_: url)
    monkeypatch.setattr(storage, "_alone", lambda *_: nullcontext())
    assert open_storage(f"{scheme}://me@host/db") == "postgresql+psycopg://me@host/db"


def test_what_cannot_be_opened_is_one_line_without_the_password(tmp_path):
    with pytest.raises(SettingsError, match=r"expected postgresql://.*, got mysql://me:…@host/x"):
        open_storage("mysql://me:secret@host/x")
    with pytest.raises(SettingsError, match="expected postgresql://"):
        open_storage("study.db")
    with pytest.raises(SettingsError, match=r"storage sqlite.*: unable to open database file"):
        open_storage(beside(tmp_path / "none"))


def test_a_database_that_is_not_there_is_one_line():
    with pytest.raises(
        SettingsError, match=r"storage postgresql://me:…@127\.0\.0\.1:1/x: "
    ) as error:
        open_storage("postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["postgresql://me:secret@host:port/name", "postgresql://[::1/name"]
)
def test_an_address_that_is_none_is_one_line(address):
    with pytest.raises(SettingsError, match=r"storage: expected .*host:port/name, got ") as error:
        open_storage(address)
    assert "secret" not in str(error.value)


def test_several_sweeps_may_open_an_empty_database_at_once(postgres):
    with ThreadPoolExecutor(6) as many:
        opened = list(many.map(open_storage, [postgres] * 6))
    first, *others = opened
    first.create_new_study(["MAXIMIZE"], "one")
    assert [len(each.get_all_studies()) for each in others] == [1] * 5
    for each in opened:
        each.remove_session()
        each.engine.dispose()


def test_without_psycopg(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"pip install 'seq2seq-workbench\[cluster\]'"):
        open_storage("postgresql://me@host/db")


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "study.db").write_text("no database at all, but long enough to be looked at" * 30)
    with pytest.raises(SettingsError, match="file is not a database"):
        open_storage(beside(tmp_path))
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "study.db").execute("select 1 from sqlite_master")


def test_addresses_are_shown_without_a_password():
    assert shown("postgresql://me:a%40b@host:5/db") == "postgresql://me:…@host:5/db"
    assert shown("postgresql://me@host:port/db") == "postgresql://me@host:port/db"
    assert shown("postgresql://me:a:b@host/db") == "postgresql://me:…@host/db"
    assert shown("sqlite:///study.db") == "sqlite:///study.db"

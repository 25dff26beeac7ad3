"""Where Optuna keeps the trials of a sweep: beside the runs, or in a database for many machines.

Each machine says now and then, by the database's clock, that it is at its trials. One that has said
nothing for GRACE seconds is lost; whoever sees it first puts its trials into the queue again.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, fail_stale_trials
from optuna.trial import FrozenTrial
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from workbench.errors import SettingsError
from workbench.files import replacing

DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_LOCK = 0x5E2_5E9  # by which several workbenches know each other in a database
SECONDS = 60  # that a write waits for another process
BEAT, GRACE = 20, 180  # seconds between two signs of life, and without any until one is lost
AGAIN = "again"  # notes beside a trial which one it takes the place of


def beside(folder: Path) -> str:
    """Return the address of the SQLite file in the folder of a sweep."""
    return f"sqlite:///{folder / 'study.db'}"


def open_storage(address: str) -> RDBStorage:
    """Open the database at `address`, `sqlite:///…` or `postgresql://…`.

    Raises:
        SettingsError: there is none, or it does not let us in.
    """
    scheme, mark, rest = address.partition("://")
    local = scheme == "sqlite"
    if not mark or not (local or scheme in DRIVERS):
        raise SettingsError(
            f"storage: expected postgresql://user@host/name or sqlite:///file, got {shown(address)}"
        )
    full = f"{DRIVERS.get(scheme, scheme)}://{rest}"
    try:
        make_url(full)
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise SettingsError(
            f"storage: expected postgresql://user@host:port/name, got {shown(address)}"
        ) from None
    waiting = {"timeout" if local else "connect_timeout": SECONDS if local else 10}
    with storage_errors(address):
        if local:
            _make(Path(rest.removeprefix("/")))
        try:
            with nullcontext() if local else _alone(full, waiting):
                return _storage(full, {"connect_args": waiting, "pool_pre_ping": not local})
        except ImportError:
            raise SettingsError(
                "psycopg is not installed: pip install 'seq2seq-workbench[cluster]'"
            ) from None


def take_on_what_is_lost(study: optuna.Study) -> None:
    """Queue the trials of lost machines again: each once, whoever else looks meanwhile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        fail_stale_trials(study)


def _storage(address: str, options: dict[str, object]) -> RDBStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return RDBStorage(
            address, engine_kwargs=options, heartbeat_interval=BEAT, grace_period=GRACE,
            heartbeat_stale_trial_callback=_queue_again,
        )  # fmt: skip


def _queue_again(study: optuna.Study, lost: FrozenTrial) -> None:
    point = lost.system_attrs.get("fixed_params") or lost.params
    study.enqueue_trial(point, user_attrs={AGAIN: lost.number})


def _make(path: Path) -> None:
    """Make the file with all its tables, or none: a kill between two tables would spoil it."""
    if not path.exists() and path.parent.is_dir():
        with replacing(path) as beside:
            storage = RDBStorage(f"sqlite:///{beside}")
            storage.remove_session()
            storage.engine.dispose()


@contextmanager
def _alone(address: str, waiting: dict[str, int]) -> Iterator[None]:
    """Keep others from making the tables meanwhile: PostgreSQL makes none that is being made."""
    engine = create_engine(address, connect_args=waiting, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"select pg_advisory_lock({_LOCK})"))
        yield  # the lock goes with the connection


@contextmanager
def storage_errors(address: str) -> Iterator[None]:
    """Turn what a database has to say into one line."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ or getattr(error, "orig", None) or error
        reason = str(getattr(cause, "orig", None) or cause).strip().partition("\n")[0]
        raise SettingsError(f"storage {shown(address)}: {reason}") from None


def shown(address: str) -> str:
    """Return `address` without a password."""
    return re.sub(r"(?<=://)([^/@]*?):[^/]*@", r"\1:…@", address, count=1)

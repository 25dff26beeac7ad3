"""Where runs may lie beside this machine's disk: `s3://`, `gs://` and `az://`.

S3 and what speaks its language (`AWS_ENDPOINT_URL`) through boto3, as papermill does; the others
through fsspec. Each is an extra: `pip install 'seq2seq-workbench[s3]'`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from workbench.errors import RunError, SettingsError

SCHEMES = ("s3", "gs", "az")
SECONDS = 5  # to reach a server; a report shall not wait a minute to say that there is none
MARK = ".workbench-may-write"
HINTS = {  # part of an error's name or code: what it means
    "NoCredentials": "no credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a "
    "profile",
    "NoSuchBucket": "there is no such bucket; make it, or name another",
    "NoSuchKey": "there is no such file",
    "InvalidAccessKeyId": "access denied: wrong credentials",
    "SignatureDoesNotMatch": "access denied: wrong credentials",
    "AccessDenied": "access denied: these credentials may not write there",
    "EndpointConnection": "no answer from the server",
    "ConnectTimeout": "no answer from the server",
}


class Store(Protocol):
    """The files below one address."""

    def names(self) -> list[str]:
        """Return the names of all, relative to the address."""

    def get(self, name: str) -> bytes:
        """Return what a file holds."""

    def put(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""

    def remove(self, name: str) -> None:
        """Remove a file."""


def is_address(path: object) -> bool:
    """Say whether `path` names another place than this machine's disk, e.g. `s3://bucket/runs/x`."""
    return bool(re.match(r"[a-z][a-z0-9+.-]+://", str(path)))


def open_store(address: str) -> Store:
    """Return what lies at an address, which need not exist but for its bucket.

    Raises:
        SettingsError: it is none, or what reads it is not installed.
    """
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.strip("/").partition("/")
    if scheme not in SCHEMES or not bucket or not prefix:
        raise SettingsError(
            f"{address}: expected SCHEME://bucket/path with one of {', '.join(SCHEMES)}"
        )
    try:
        return S3Store(bucket, prefix) if scheme == "s3" else FileSystemStore(scheme, rest)
    except ImportError as error:
        raise SettingsError(
            f"{address}: {error.name or 'a library'} is not installed: "
            f"pip install 'seq2seq-workbench[{scheme}]'"
        ) from None


@contextmanager
def reaching(address: str) -> Iterator[None]:
    """Turn whatever goes wrong at an address into one line.

    Raises:
        RunError: what was wrong and what to do.
    """
    try:
        yield
    except (RunError, SettingsError):
        raise
    except Exception as error:  # each library has its own
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        known = f"{type(error).__name__} {code}"
        hint = next((text for part, text in HINTS.items() if part in known), "")
        reason = hint or " ".join(str(error).split())[:200] or type(error).__name__
        raise RunError(f"{address}: {reason}") from None


def check_writable(address: str) -> Store:
    """Return the store at an address after writing to it and removing that again.

    Raises:
        SettingsError: as `open_store`.
        RunError: there is no such bucket, wrong credentials, no answer.
    """
    store = open_store(address)
    with reaching(address):
        store.put(MARK, b"")
        store.remove(MARK)
    return store


def read_file(address: str) -> bytes:
    """Return what the file at an address holds.

    Raises:
        SettingsError, RunError: as `check_writable`, or there is no such file.
    """
    folder, _, name = address.rpartition("/")
    store = open_store(folder if folder.count("/") > 2 else f"{folder}/.")
    with reaching(address):
        return store.get(name)


class S3Store:
    """Objects of a bucket whose keys begin with `prefix`."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Connect to nothing yet."""
        import boto3
        from botocore.config import Config

        patience = Config(connect_timeout=SECONDS, retries={"max_attempts": 2})
        session = boto3.session.Session()  # with the credentials as they are now
        self._client: Any = session.client("s3", config=patience)
        self._bucket = bucket
        self._prefix = "" if prefix == "." else f"{prefix}/"

    def names(self) -> list[str]:
        """See `Store.names`."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        keys = (found["Key"] for page in pages for found in page.get("Contents", ()))
        return [key.removeprefix(self._prefix) for key in keys]

    def get(self, name: str) -> bytes:
        """See `Store.get`."""
        found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        return bytes(found["Body"].read())

    def put(self, name: str, content: bytes) -> None:
        """See `Store.put`."""
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)

    def remove(self, name: str) -> None:
        """See `Store.remove`."""
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)


class FileSystemStore:
    """Files of a file system that fsspec knows, below `root`."""

    def __init__(self, scheme: str, root: str) -> None:
        """Load what reads addresses of `scheme`."""
        import fsspec

        self._files: Any = fsspec.filesystem(scheme)
        self._root = root.strip("/").removesuffix("/.")

    def names(self) -> list[str]:
        """See `Store.names`."""
        if not self._files.exists(self._root):
            return []
        found = (path.strip("/") for path in self._files.find(self._root))
        return [path.removeprefix(f"{self._root}/") for path in found]

    def get(self, name: str) -> bytes:
        """See `Store.get`."""
        return bytes(self._files.cat_file(f"{self._root}/{name}"))

    def put(self, name: str, content: bytes) -> None:
        """See `Store.put`."""
        self._files.pipe_file(f"{self._root}/{name}", content)

    def remove(self, name: str) -> None:
        """See `Store.remove`."""
        self._files.rm_file(f"{self._root}/{name}")

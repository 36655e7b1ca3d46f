"""PostgreSQL 16 for the tests and the stand-in, from one of three providers behind one interface.

Version 16, because Aurora DSQL is compatible with it and a newer server accepts what DSQL refuses.
"""

import contextlib
import functools
import gc
import json
import os
import select
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import psycopg
from psycopg import conninfo

from pytest_dsql.local.postgres import binaries
from pytest_dsql.local.postgres import embedded as owner
from pytest_dsql.local.postgres.binaries import MAJOR

if TYPE_CHECKING:
    import docker

IMAGE: Final = "postgres:16"
LOOPBACK: Final = "127.0.0.1"
CHOICES: Final = ("auto", "container", "embedded")
NOT_ELSEWHERE: Final = "hostaddr=&port=5432&options="
"""What libpq would else take from the environment (PGHOSTADDR, PGPORT, PGOPTIONS), which may be about a cluster."""
ENGINE_LIMIT_S: Final = 1
"""How long a Docker engine may take to answer before ``auto`` goes on without it."""


class PostgresUnavailable(Exception):
    """The PostgreSQL that was asked for cannot be had; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server: the URL of a superuser (or of the owner of a foreign server), and where it comes from."""

    url: str
    provider: str
    version: str
    reason: str

    def __str__(self) -> str:
        """Tell server, version, provider and reason, never the URL: it may hold a password."""
        return f"PostgreSQL {self.version}, {self.provider} ({self.reason})"


def start(choice: str = "auto", image: str = IMAGE, data: Path | None = None) -> AbstractContextManager[Postgres]:
    """Give a server by ``choice``: ``auto``, ``container``, ``embedded`` or a ``postgresql://`` URL.

    ``auto`` is a container where a Docker engine answers and has or can pull ``image``, else embedded. Entering raises
    PostgresUnavailable. Leaving removes what entering made, a foreign server stays as it is. ``data`` is a folder in
    which an embedded server's contents are kept, and flushed at each commit.
    """
    if choice.startswith(("postgresql://", "postgres://")):
        return _foreign(choice)
    if choice == "container":
        return _container(image, "asked for")
    if choice == "embedded":
        return _embedded("asked for", data)
    if choice == "auto":
        return _auto(image)
    raise PostgresUnavailable(f"unknown choice {choice!r}: use {', '.join(CHOICES)} or a postgresql:// URL")


@contextlib.contextmanager
def _auto(image: str) -> Iterator[Postgres]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(_container(image, "a Docker engine answers"))
        except PostgresUnavailable as error:
            server = stack.enter_context(_embedded(str(error)))
        yield server


@contextlib.contextmanager
def _foreign(url: str) -> Iterator[Postgres]:
    host = conninfo.conninfo_to_dict(url).get("host", "localhost")
    yield Postgres(url, f"server at {host}", _version(url), "asked for")


@contextlib.contextmanager
def _embedded(reason: str, data: Path | None = None) -> Iterator[Postgres]:
    try:
        programs = _programs()
    except binaries.NoBinaries as error:
        raise PostgresUnavailable(str(error)) from None
    process = subprocess.Popen(
        [sys.executable, owner.__file__, str(programs), *([str(data.absolute())] if data else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
    )
    # Leaving closes the owner's stdin, which is what tells it to remove everything, and waits for it.
    with process:
        url = f"postgresql://postgres@/postgres?host={_answer(cast('IO[str]', process.stdout))}&{NOT_ELSEWHERE}"
        yield Postgres(url, "embedded", _version(url), reason)


@functools.cache
def _programs() -> Path:
    """Look for PostgreSQL once: to find out a program's version is to run it."""
    return binaries.found()


def _answer(stdout: IO[str]) -> str:
    """Return the folder of the server's socket."""
    readable, _, _ = select.select([stdout], [], [], 2 * owner.START_LIMIT_S)
    answer = json.loads((readable and stdout.readline()) or "{}")
    if "socket" not in answer:
        raise PostgresUnavailable(f"embedded PostgreSQL did not start: {answer.get('error', 'no answer')}")
    return str(answer["socket"])


def _prepare_image(image: str) -> None:
    """Make sure that a Docker engine has ``image``, pulling it where it does not."""
    from docker.errors import ImageNotFound

    with contextlib.closing(_engine()) as engine:
        try:
            engine.images.get(image)
        except ImageNotFound:
            _pull(image)


def _engine() -> "docker.DockerClient":
    import docker
    from docker.errors import DockerException

    # Where nothing answers the client leaks its socket, in a cycle: collected here, its warning meets no test.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        try:
            engine = docker.from_env(timeout=ENGINE_LIMIT_S)
            engine.ping()
            return engine
        except (DockerException, OSError):
            pass
        gc.collect()
    raise PostgresUnavailable("no Docker engine answers")


def _pull(image: str) -> None:
    import docker
    from docker.errors import DockerException

    try:
        with contextlib.closing(docker.from_env()) as engine:
            engine.images.pull(image)
    except (DockerException, OSError) as error:
        raise PostgresUnavailable(f"the image {image} is not there and cannot be pulled") from error


@contextlib.contextmanager
def _container(image: str, reason: str) -> Iterator[Postgres]:
    """Run a container of this machine's engine, its port published on the loopback address alone."""
    _prepare_image(image)
    from docker.errors import DockerException
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(image, driver=None)
    ports: dict[str, Any] = container.ports
    ports["5432"] = (LOOPBACK, None)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(container)
        except (DockerException, TimeoutError) as error:
            raise PostgresUnavailable(f"the container of {image} did not start: {error}") from error
        url = container.get_connection_url(LOOPBACK)
        yield Postgres(url, f"container {image}", _version(url), reason)


def _version(url: str) -> str:
    """Return the server's version; raise PostgresUnavailable where it does not answer or is not version 16."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            version = str(connection.info.parameter_status("server_version"))
    except psycopg.OperationalError as error:
        raise PostgresUnavailable(f"PostgreSQL does not answer: {str(error).strip()}") from error
    if int(version.partition(".")[0]) != MAJOR:
        raise PostgresUnavailable(f"PostgreSQL {MAJOR} is needed, this server is {version}")
    return version.partition(" ")[0]

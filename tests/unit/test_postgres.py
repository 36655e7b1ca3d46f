import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pytest_dsql.local.postgres import embedded
from pytest_dsql.local.postgres import provider as postgres

LIMIT_S = 30
SERVE = """
import signal, sys
from pytest_dsql.local.postgres import provider as postgres
signal.signal(signal.SIGINT, signal.default_int_handler)
with postgres.start("embedded") as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def serving() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has an embedded server, and the server's URL."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()


def folder_of(url: str) -> Path:
    return Path(str(conninfo_to_dict(url)["host"]))


def assert_gone(url: str) -> None:
    """Wait for the owner to have removed the server and its folder; it outlives a killed process by a moment."""
    folder = folder_of(url)
    watch = ["sh", "-c", f"while test -e {folder}; do sleep 0.05; done"]
    subprocess.run(watch, check=True, timeout=LIMIT_S)
    processes = subprocess.run(["ps", "-ef"], check=True, capture_output=True, text=True).stdout
    assert str(folder) not in processes


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_embedded_server_ends_with_the_process_that_started_it(
    serving: tuple[subprocess.Popen[str], str], end: signal.Signals
) -> None:
    process, url = serving
    with psycopg.connect(url):
        process.send_signal(end)
        process.wait(LIMIT_S)
        assert_gone(url)


def test_an_embedded_server_is_removed_on_leaving() -> None:
    with postgres.start("embedded") as server:
        assert folder_of(server.url).exists()
        assert server.provider == "embedded"
    assert not folder_of(server.url).exists()


def test_it_is_reached_from_a_shell_that_was_told_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOSTADDR": "127.0.0.9", "PGPORT": "1", "PGOPTIONS": "-c no.such=1"}.items():
        monkeypatch.setenv(name, value)
    with postgres.start("embedded") as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_its_data_is_its_users_alone() -> None:
    with postgres.start("embedded") as server:
        assert folder_of(server.url).stat().st_mode & 0o077 == 0


def test_auto_is_embedded_where_no_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    with postgres.start("auto") as server:
        assert str(server) == f"PostgreSQL {server.version}, embedded (no Docker engine answers)"


def test_a_container_asked_for_and_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    with pytest.raises(postgres.PostgresUnavailable, match="no Docker engine answers"), postgres.start("container"):
        pass


def test_a_foreign_server_is_used_as_it_is(postgres_url: str) -> None:
    with postgres.start(postgres_url) as server:
        assert (server.url, server.reason) == (postgres_url, "asked for")


def test_a_foreign_server_that_does_not_answer_is_told_without_its_password() -> None:
    url = "postgresql://me:secret@127.0.0.1:1/postgres"
    with pytest.raises(postgres.PostgresUnavailable, match="does not answer") as caught, postgres.start(url):
        pass
    assert "secret" not in str(caught.value)


def test_a_server_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> None:
    monkeypatch.setattr(postgres, "MAJOR", 17)
    with pytest.raises(postgres.PostgresUnavailable, match="PostgreSQL 17 is needed"), postgres.start(postgres_url):
        pass


def test_an_unknown_choice_names_the_choices() -> None:
    with pytest.raises(postgres.PostgresUnavailable, match="use auto, container, embedded or a postgresql:// URL"):
        postgres.start("mysql")


def test_binaries_behind_a_closed_folder_are_copied_with_their_libraries(tmp_path: Path) -> None:
    wheel = tmp_path / "closed"
    binaries = wheel / "package" / "pginstall"
    (binaries / "bin").mkdir(parents=True)
    (wheel / "package.libs").mkdir()
    wheel.chmod(0o700)
    copy = embedded._reachable(binaries, tmp_path / "copy")
    assert copy == tmp_path / "copy" / "site-packages" / "package" / "pginstall"
    assert (copy / "bin").is_dir()
    assert (copy.parent.parent / "package.libs").is_dir()


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("initdb", "postgres"):
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\necho no room left >&2\nexit 1\n")
        program.chmod(0o755)
    for folder in [tmp_path, *tmp_path.parents[:-2]]:
        os.chmod(folder, 0o755)  # noqa: PTH101
    owner = subprocess.run(
        [sys.executable, embedded.__file__, tmp_path], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert (owner.returncode, owner.stdout) == (1, '{"error": "no room left"}\n')

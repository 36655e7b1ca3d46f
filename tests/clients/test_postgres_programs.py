"""PostgreSQL's own programs: psql, and pgbench that tries again what lost."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fix_clients import LIMIT_S, Exported, program

PACKAGE = "PostgreSQL's client programs (Debian: postgresql-client)"
CLIENTS, TIMES = 4, 25
BENCH = """
\\set delta random(1, 10)
BEGIN;
UPDATE accounts SET balance = balance + :delta WHERE id = 1;
\\sleep 5 ms
UPDATE accounts SET balance = balance - :delta WHERE id = 2;
INSERT INTO transfers (delta) VALUES (:delta);
END;
"""


@pytest.fixture(autouse=True)
def accounts(exported: Exported) -> None:
    """Two accounts, and a table of what was transferred."""
    exported.ask("CREATE TABLE IF NOT EXISTS accounts (id int PRIMARY KEY, balance numeric(12, 2) NOT NULL)")
    exported.ask(
        "CREATE TABLE IF NOT EXISTS transfers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), delta int NOT NULL)"
    )
    exported.ask("DELETE FROM accounts")
    exported.ask("INSERT INTO accounts VALUES (1, 100), (2, 100)")


@pytest.fixture
def signed_in(exported: Exported) -> dict[str, str]:
    """What a person exports to sign in, besides."""
    return {"PGUSER": "admin", "PGPASSWORD": exported.token()}


@pytest.fixture
def psql(exported: Exported, signed_in: dict[str, str]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run psql on a script."""
    command = [program("psql", PACKAGE), "-X", "-q", "-A", "-t"]

    def run_script(script: str, *options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *options],
            input=script,
            env={**exported.environment, **signed_in},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    return run_script


def test_psql_runs_a_transaction(psql: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    done = psql(
        "BEGIN;\nUPDATE accounts SET balance = 1 WHERE id = 1;\nCOMMIT;\nSELECT id, balance FROM accounts ORDER BY id;"
    )
    assert (done.stdout, done.stderr) == ("1|1.00\n2|100.00\n", "")


def test_psql_shows_a_routine_as_it_was_written(psql: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    body = "BEGIN\n  INSERT INTO accounts VALUES (n, 0) ON CONFLICT DO NOTHING;\nEND"
    head = "CREATE OR REPLACE PROCEDURE public.open_account(IN n integer)\n LANGUAGE plpgsql\nAS "
    done = psql(f"{head}$procedure${body}$procedure$;\n\\sf open_account\n\\df open_account\n")
    assert done.stderr == ""
    assert done.stdout == f"{head}$procedure${body}$procedure$\npublic|open_account||IN n integer|proc\n"


def test_psql_describes(psql: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    done = psql("\\d accounts\n\\dt\n\\dn\n\\du admin\n\\l\n", "-P", "tuples_only=off")
    assert done.stderr == ""
    assert "id|integer||not null|" in done.stdout
    assert '"accounts_pkey" PRIMARY KEY' in done.stdout
    assert "public|accounts|table|admin" in done.stdout


def test_psql_stops_on_error_and_points_at_it(psql: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    done = psql("SELECT 1;\nSELECT nothing FROM accounts;\nSELECT 2;\n", "-v", "ON_ERROR_STOP=1")
    assert (done.returncode, done.stdout) == (3, "1\n")
    assert "LINE 1: SELECT nothing FROM accounts;\n               ^" in done.stderr


def test_psql_copies(psql: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    done = psql("\\copy accounts FROM STDIN\n7\t1\n\\.\n\\copy (SELECT id FROM accounts ORDER BY id) TO STDOUT\n")
    assert (done.stdout, done.stderr) == ("1\n2\n7\n", "")


@pytest.fixture
def typed(exported: Exported, signed_in: dict[str, str]) -> Iterator[Callable[[], Callable[[str], str]]]:
    """Open psql as a person does: each line typed is answered before the next one."""
    command = [program("psql", PACKAGE), "-X", "-q", "-A", "-t"]
    with ExitStack() as opened:

        def start() -> Callable[[str], str]:
            process = opened.enter_context(
                subprocess.Popen(
                    command,
                    env={**exported.environment, **signed_in},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            assert process.stdin
            assert process.stdout
            stdin, stdout = process.stdin, process.stdout

            def line(text: str) -> str:
                stdin.write(f"{text}\n\\echo .\n")
                stdin.flush()
                return "".join(iter(stdout.readline, ".\n"))

            return line

        yield start


def test_the_second_of_two_psqls_loses_at_commit(typed: Callable[[], Callable[[str], str]]) -> None:
    one, other = typed(), typed()
    for line in (one, other):
        line("\\set VERBOSITY verbose")
        assert line("BEGIN;") == ""
        assert line("UPDATE accounts SET balance = balance - 1 WHERE id = 1 RETURNING balance;") == "99.00\n"
    assert one("COMMIT;") == ""
    assert other("COMMIT;").startswith("ERROR:  40001: change conflicts with another transaction (OC000)")
    assert other("SELECT balance FROM accounts WHERE id = 1;") == "99.00\n"


def test_pgbench_tries_again(exported: Exported, signed_in: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "transfer.sql"
    script.write_text(BENCH)
    numbers = {"client": CLIENTS, "jobs": 2, "transactions": TIMES, "max-tries": 10_000}
    options = [f"--{name}={number}" for name, number in numbers.items()]
    printed = exported.run(program("pgbench", PACKAGE), "-n", *options, "-f", script, env=signed_in)
    assert f"number of transactions actually processed: {CLIENTS * TIMES}/{CLIENTS * TIMES}" in printed
    retried = next(line for line in printed.splitlines() if line.startswith("number of transactions retried"))
    assert int(retried.split()[4]) > 0
    assert exported.ask("SELECT sum(balance) FROM accounts") == [(200,)]
    assert exported.ask("SELECT count(*) FROM transfers") == [(CLIENTS * TIMES,)]

"""Measure the merged views against the plain tables: the transfer, by pgbench, side by side in one run.

    python bench/occ_views.py --pgbench PATH postgresql://superuser@host:port/

Makes a database of its own, drops it afterwards, and prints medians, ratios and sizes.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra.local.occ import install

DATABASE = "occ_bench"
ROLE = "occ_bench_app"

TRANSFER = """\
\\set a random(1, {accounts})
\\set b random(1, {accounts})
BEGIN;
UPDATE {table} SET balance = balance - 1 WHERE id = :a RETURNING balance;
UPDATE {table} SET balance = balance + 1 WHERE id = :b;
COMMIT;
"""


def connect(url: str, **settings: str) -> psycopg.Connection[tuple[object, ...]]:
    """An autocommit connection to `url` with some settings replaced."""
    return psycopg.connect(url, autocommit=True, **settings)  # type: ignore[arg-type]


def prepare(url: str, accounts: int) -> str:
    """Make the database with a plain table and one behind views; return the name of the view."""
    with connect(url, dbname="postgres") as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
    with connect(url, dbname=DATABASE) as conn:
        install(conn)
        for table in ("plain", "accounts"):
            name = sql.Identifier(table)
            conn.execute(sql.SQL("CREATE TABLE {} (id int PRIMARY KEY, balance int NOT NULL)").format(name))
            conn.execute(sql.SQL("INSERT INTO {} SELECT g, 100 FROM generate_series(1, %s) g").format(name), [accounts])
            conn.execute(sql.SQL("GRANT ALL ON {} TO {}").format(name, sql.Identifier(ROLE)))
        conn.execute("VACUUM ANALYZE")
        row = conn.execute("SELECT shadow FROM occ.catalog() WHERE relname = 'accounts'").fetchone()
    if row is None:
        raise LookupError("the engine does not know the table it was asked to take over")
    return f"{row[0]}.accounts"


def measure(pgbench: str, url: str, script: Path, clients: int, seconds: int) -> float:
    """Transactions per second of one pgbench run as the ordinary role."""
    dsn = psycopg.conninfo.make_conninfo(url, dbname=DATABASE, user=ROLE)
    command = [pgbench, "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds), "--max-tries=10"]
    output = subprocess.run([*command, "-f", script, dsn], check=True, capture_output=True, text=True).stdout
    found = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    if found is None:
        raise ValueError(output)
    return float(found[1])


def sizes(url: str) -> dict[str, int]:
    """Bytes of tables and overlay, indexes included."""
    with connect(url, dbname=DATABASE) as conn:
        rows = conn.execute(
            "SELECT oid::regclass::text, pg_total_relation_size(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relname IN ('plain', 'accounts')"
        ).fetchall()
    return {str(name): int(str(size)) for name, size in rows}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="a superuser's connection string")
    parser.add_argument("--pgbench", default="pgbench")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    tables = {"plain": "public.plain", "views": prepare(args.url, args.accounts)}
    with tempfile.TemporaryDirectory() as folder:
        scripts = {}
        for name, table in tables.items():
            scripts[name] = Path(folder, f"{name}.sql")
            scripts[name].write_text(TRANSFER.format(table=table, accounts=args.accounts))
        for clients in args.clients:
            rates: dict[str, list[float]] = {name: [] for name in tables}
            for _ in range(args.rounds):
                for name, script in scripts.items():
                    rates[name].append(measure(args.pgbench, args.url, script, clients, args.seconds))
            medians = {name: statistics.median(each) for name, each in rates.items()}
            ratio = statistics.median(v / p for p, v in zip(rates["plain"], rates["views"], strict=True))
            speeds = ", ".join(f"{name} {rate:.0f}/s" for name, rate in medians.items())
            print(f"{clients:3} clients: {speeds}, ratio {ratio:.2f}")
    print("bytes:", sizes(args.url))
    with connect(args.url, dbname="postgres") as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


if __name__ == "__main__":
    main()

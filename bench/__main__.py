"""The data plane side by side in one run: plain PostgreSQL, the OCC views on it, the whole stand-in before them.

Beside them a relay before plain PostgreSQL: how much of the stand-in's cost is that of TLS and one more process.

Then what a test pays that asks for a cluster; calls of a function, which go all the way from the driver to the
database; and storms of them.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import boto3
import click
import psutil
import psycopg
from psycopg import conninfo

from bench import calls, plugin, storms
from bench.clients import BenchLoad, Count, Lane, run
from bench.relay import relay
from pytest_dsql import sign_in
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.process import end, launch

LANES: Final = ("plain", "views", "relay", "stand-in")


@dataclass(frozen=True)
class Bench:
    """What is measured: the lanes, and the processes whose CPU and memory count."""

    lanes: dict[str, Lane]
    superuser: str
    proxy: psutil.Process
    relay: psutil.Process
    shadow: str

    def sizes(self) -> dict[str, int]:
        """Bytes of the base table and its overlay, and of the proxy's memory."""
        query = f"SELECT pg_total_relation_size('accounts'), pg_total_relation_size('{self.shadow}_own.accounts')"
        with psycopg.connect(self.superuser) as connection:
            base, overlay = connection.execute(query).fetchone() or (0, 0)
        return {"base": base, "overlay": overlay, "proxy": self.proxy.memory_info().rss}

    def cpu(self) -> tuple[float, float]:
        """CPU seconds so far of what is in between, and of PostgreSQL; ended backends are in their parent's."""
        between = sum(sum(process.cpu_times()[:2]) for process in (self.proxy, self.relay))
        server = 0.0
        # Parents last: what ends meanwhile is in their times by then.
        for process in reversed(self.proxy.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                if process.name() == "postgres":
                    server += times.user + times.system + times.children_user + times.children_system
        return between, server


@contextmanager
def standing() -> Iterator[Bench]:
    """Start a stand-in and make the accounts behind each lane, all on its one PostgreSQL."""
    process, environment = launch("dsql")
    try:
        found = Handle.of(environment, environment["CLUSTER_ENDPOINT"]).describe()
        socket = f"{conninfo.conninfo_to_dict(found['postgres'])['host']}/.s.PGSQL.5432"
        with relay(socket) as (between, way):
            yield _bench(environment, found, between, way)
    finally:
        end(process)


def _bench(environment: dict[str, str], found: dict[str, Any], between: psutil.Process, way: dict[str, Any]) -> Bench:
    url, plain = found["postgres"], conninfo.make_conninfo(found["postgres"], dbname="plain")
    through = _through_the_stand_in(environment)
    # Behind its back the stand-in would not learn of the table, and leave the statements on it as they are.
    with psycopg.connect(**through, autocommit=True) as connection:
        _fill(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE plain")
        row = connection.execute("SELECT 'pg_occ_' || relnamespace FROM pg_class WHERE relname = 'accounts'").fetchone()
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("ALTER DATABASE plain SET default_transaction_isolation = 'repeatable read'")
        connection.execute("GRANT ALL ON SCHEMA public TO admin")
        connection.execute("SET ROLE admin")
        _fill(connection)
    shadow = str(row[0]) if row else ""
    direct = conninfo.conninfo_to_dict(plain, user="admin")
    lanes = {
        "plain": Lane("plain", direct, "accounts"),
        "views": Lane("views", conninfo.conninfo_to_dict(url, user="admin"), f"{shadow}.accounts"),
        "relay": Lane("relay", {**direct, **way}, "accounts"),
        "stand-in": Lane("stand-in", through, "accounts"),
    }
    return Bench(lanes, url, psutil.Process(found["pid"]), between, shadow)


def _fill(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE TABLE accounts (id integer PRIMARY KEY, balance integer)")
    connection.execute("INSERT INTO accounts SELECT id, 100 FROM generate_series(1, 1000) id")


def _grow(bench: Bench, accounts: int) -> None:
    """Add rows behind the engine's back: no transaction of DSQL could add so many."""
    for lane in ("plain", "views"):
        settings = {**bench.lanes[lane].settings, "user": "postgres"}
        with psycopg.connect(**settings, autocommit=True) as connection:
            rows = f"SELECT id, 100 FROM generate_series(1, {accounts}) id ON CONFLICT DO NOTHING"
            connection.execute(f"INSERT INTO accounts {rows}")
            connection.execute("VACUUM ANALYZE accounts")


def _through_the_stand_in(environment: dict[str, str]) -> dict[str, Any]:
    session = boto3.Session(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    client = session.client("dsql", region_name=environment["AWS_REGION"])
    host = environment["CLUSTER_ENDPOINT"]
    password = sign_in.signed(client, host, environment["AWS_REGION"], life_s=86_400)
    return {**sign_in.settings(environment, host), "password": password}


def measure(bench: Bench, lane: str, load: BenchLoad) -> dict[str, float]:
    """Run one load on one lane."""
    proxy, server = bench.cpu()
    began = time.perf_counter()
    counts = run(bench.lanes[lane], load)
    elapsed = time.perf_counter() - began
    proxy_after, server_after = bench.cpu()
    committed = sum(count.committed for count in counts) or 1
    return {
        "per_second": committed / load.seconds,
        "refused": sum(count.refused for count in counts) / committed,
        "client_ms": 1000 * sum(count.cpu for count in counts) / committed,
        "proxy_ms": 1000 * (proxy_after - proxy) / committed,
        "server_ms": 1000 * (server_after - server) / committed,
        "connect_ms": 1000 * statistics.median(_connecting(counts)),
        "elapsed": elapsed,
    }


def _connecting(counts: list[Count]) -> list[float]:
    return [count.connecting for count in counts]


def compare(bench: Bench, title: str, load: BenchLoad, rounds: int) -> dict[str, Any]:
    """Run a load on all lanes, round by round, and keep the medians; print them as a table."""
    measured = [{lane: measure(bench, lane, load) for lane in LANES} for _ in range(rounds)]
    medians = {
        lane: {key: statistics.median(each[lane][key] for each in measured) for key in measured[0][lane]}
        for lane in LANES
    }
    ratios = {
        lane: statistics.median(each[lane]["per_second"] / each["plain"]["per_second"] for each in measured)
        for lane in LANES
    }
    for lane in LANES:
        one = medians[lane]
        click.echo(
            f"{title:<28} {lane:<9} {one['per_second']:>7.0f}/s  {ratios[lane]:>5.2f}  {one['client_ms']:>6.3f}"
            f"  {one['proxy_ms']:>6.3f}  {one['server_ms']:>6.3f}  {one['connect_ms']:>7.1f}  {one['refused']:>6.1%}"
        )
    return {"load": vars(load), "medians": medians, "ratios": ratios}


def _calls(rounds: int, seconds: float, *, quick: bool) -> dict[str, Any]:
    """Measure calls of a function that greets and of the transfer, then storms; print them as a table."""
    parts = ("driver", *calls.PARTS)
    click.echo(f"\n{'CPU ms a call':<28} {'calls':>9}  " + "  ".join(f"{part:>10}" for part in parts) + "         all")
    figures: dict[str, Any] = {}

    def measured(title: str, once: Callable[[], dict[str, float] | None]) -> None:
        rows = [row for row in (once() for _ in range(rounds)) if row]
        if not rows:
            return
        one = figures[title] = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        costs = [one.get(part, 0.0) for part in parts]
        shown = "  ".join(f"{cost:>10.3f}" for cost in [*costs, sum(costs)])
        spread = f"  p99 {one['p99/p50']:.2f} x p50" if "p99/p50" in one else ""
        click.echo(f"{title:<28} {one['per_second']:>7.0f}/s  {shown}{spread}")

    number = 2_000 if quick else 10_000
    with calls.standing() as place:
        measured("plain PostgreSQL, bare loop", lambda: storms.bare(place, seconds))
        measured("a function that greets", lambda: calls.measure(place, 0, seconds))
        measured("a transfer", lambda: calls.measure(place, 4, seconds))
        for workers in (4,) if quick else (4, 32):
            measured(f"the storm, {workers} workers", partial(storms.storm, place, workers, number))
        measured("the same calls by node", lambda: storms.by_node(place, number))
    return figures


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Rounds of each load; medians are kept.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of a round on a lane.")
@click.option("--quick", is_flag=True, help="Only 8 clients on 1,000 accounts.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures as JSON.")
def main(rounds: int, seconds: float, output: Path | None, *, quick: bool) -> None:
    """Measure committed transfers per second and what they cost, as ratios to plain PostgreSQL in the same run."""
    loads = {f"{n} clients": BenchLoad(n, seconds) for n in ((8,) if quick else (1, 8, 32))}
    if not quick:
        loads |= {f"8 clients, {n} rows": BenchLoad(8, seconds, rows=n) for n in (1, 10, 100, 1_000)}
    figures: dict[str, Any] = {}
    with standing() as bench:
        click.echo(f"{'target: stand-in':<28} {'':<9} {'commits':>9}  ratio  client   proxy  server  connect  refused")
        click.echo(f"{'':<28} {'':<9} {'':>9}  {'':>5}  {'CPU ms a transaction':^22}  {'ms':>7}")
        before = bench.sizes()
        for title, load in loads.items():
            figures[title] = compare(bench, title, load, rounds)
        if not quick:
            _grow(bench, 1_000_000)
            title = "8 clients, 1,000,000 accounts"
            figures[title] = compare(bench, title, BenchLoad(8, seconds, accounts=1_000_000), rounds)
        figures["sizes"] = {"before": before, "after": bench.sizes()}
        click.echo(f"bytes before {before}, after {figures['sizes']['after']}")
    figures["plugin"] = plugin.measure(rounds)
    for title, figure in figures["plugin"].items():
        click.echo(f"{figure:>10,.1f} {title}")
    figures["calls"] = _calls(rounds, seconds, quick=quick)
    if output:
        output.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

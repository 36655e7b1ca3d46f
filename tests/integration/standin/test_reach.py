"""The ways to a cluster: its address, the port that everybody knows, the system's authorities, its name."""

import asyncio
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import uvloop

from infra.cloud import Cloud
from pytest_dsql.link import names
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import CreateCluster, DeleteCluster
from pytest_dsql.local.network import roots
from tests.fix_alone import Alone
from tests.fix_cluster import Cluster

LIMIT_S = 20


@pytest.fixture
def address(cluster: Cluster, handle: Handle) -> str:
    """The cluster's own address."""
    return names.addresses(cluster.environment)[cluster.host]


@pytest.fixture
def system_roots(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that has evaluated the exports. A real cluster needs none: everybody's system vouches for it."""
    for name in cluster.environment.keys() & {*roots.VARIABLES}:
        monkeypatch.setenv(name, cluster.environment[name])


def test_each_cluster_has_an_address_of_its_own(alone: Callable[..., Alone]) -> None:
    first = alone()
    Handle(first.environment["DSQL_CONTROL"], "").ask(CreateCluster())
    known = names.addresses(first.environment)
    assert len(known) == 2
    assert len({first.environment["PGHOSTADDR"], *known.values()}) == 3
    for host, address in known.items():
        roots = first.environment["PGSSLROOTCERT"]
        settings = first.settings(host=host, hostaddr=address, sslrootcert=roots, password="x")
        assert settings["port"] == "5432"
        with pytest.raises(psycopg.OperationalError, match="access denied"):
            psycopg.connect(**settings)


def test_two_stand_ins_both_have_the_usual_port(alone: Callable[..., Alone]) -> None:
    one, other = alone(), alone()
    assert one.environment["PGPORT"] == other.environment["PGPORT"] == "5432"
    assert one.connect().execute("SELECT 1").fetchone() == other.connect().execute("SELECT 1").fetchone()


def test_any_exported_address_reaches_any_cluster(cluster: Cluster, address: str) -> None:
    for each in (cluster.environment["PGHOSTADDR"], address):
        assert cluster.connect(hostaddr=each).execute("SELECT 1").fetchone() == (1,)


def test_the_address_of_a_deleted_cluster_is_free(cluster: Cluster, handle: Handle) -> None:
    host = handle.ask(CreateCluster())["host"]
    address = names.addresses(cluster.environment)[host]
    handle.ask(DeleteCluster(cluster=host.partition(".")[0]))
    with socket.create_server((address, int(cluster.environment["PGPORT"]))):
        assert host not in names.addresses(cluster.environment)


def test_a_port_can_be_asked_for(alone: Callable[..., Alone]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    one = alone("--port", str(port))
    assert (one.environment["PGHOSTADDR"], one.environment["PGPORT"]) == ("127.0.0.1", str(port))
    assert one.connect().execute("SELECT 1").fetchone() == (1,)


def test_the_systems_authorities_vouch_for_it(cluster: Cluster, system_roots: None) -> None:
    assert cluster.connect(sslrootcert="system").execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_name_is_resolved_in_the_process(
    cluster: Cluster, address: str, system_roots: None, loop: Callable[[], Any]
) -> None:
    async def connect() -> object:
        connection = await asyncpg.connect(
            host=cluster.host,
            user="admin",
            password=cluster.token(),
            database="postgres",
            ssl=ssl.create_default_context(),
            timeout=LIMIT_S,
        )
        try:
            return await connection.fetchval("SELECT 1")
        finally:
            await connection.close()

    with names.resolved(cluster.environment), asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(connect()) == 1
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(cluster.host, 5432)


def test_other_names_are_resolved_as_ever(cluster: Cluster, address: str) -> None:
    with names.resolved(cluster.environment):
        assert socket.getaddrinfo("127.0.0.1", 1)[0][4] == ("127.0.0.1", 1)
        assert socket.getaddrinfo(cluster.host.upper(), 1)[0][4] == (address, 1)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(f"{'a' * 26}.dsql.us-east-1.on.aws", 1)


def test_a_command_prints_the_hosts_files_line(cluster: Cluster, address: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra", "hosts"],
        env={**os.environ, **cluster.environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert f"{address} {cluster.host}" in done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_resolves_names_with_a_module_loaded_before(cluster: Cluster, address: str) -> None:
    program = "require('net').connect(5432, process.env.PGHOST).on('connect', function () { this.end(); %s })"
    done = subprocess.run(
        ["node", "--require", names.__file__.replace(".py", ".cjs"), "-e", program % "console.log(this.remoteAddress)"],
        env={**os.environ, **cluster.environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{address}\n", "")


@pytest.mark.skipif(shutil.which("java") is None, reason="java is not installed")
def test_java_takes_the_lines_as_its_hosts_file(cluster: Cluster, address: str, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("\n".join(names.lines(cluster.environment)))
    source = tmp_path / "Look.java"
    source.write_text(
        "class Look { public static void main(String[] names) throws Exception {"
        " System.out.println(java.net.InetAddress.getByName(names[0]).getHostAddress()); } }"
    )
    command = ["java", f"-Djdk.net.hosts.file={tmp_path / 'hosts'}", str(source), cluster.host]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.stdout, done.stderr) == (f"{address}\n", "")


CODE = """
import os, ssl
def handler(event, context):
    trusted = ssl.create_default_context().get_ca_certs()
    names = [dict(pair[0] for pair in each["subject"]).get("organizationName") for each in trusted]
    return {"environment": {name: os.environ.get(name) for name in event}, "trusted": names}
"""


def test_functions_are_told_the_same(cloud: Cloud, handle: Handle) -> None:
    name, archive = f"f-{uuid.uuid4().hex[:8]}", io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("told.py", CODE)
    trust = {"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}}
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    functions = cloud.client("lambda")
    code = {"ZipFile": archive.getvalue()}
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    functions.create_function(FunctionName=name, Runtime=runtime, Role=role, Handler="told.handler", Code=code)
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    asked = ["PGHOSTADDR", "PGPORT", "PGSSLROOTCERT", *roots.VARIABLES]
    answer = json.load(functions.invoke(FunctionName=name, Payload=json.dumps(asked))["Payload"])
    functions.delete_function(FunctionName=name)
    assert answer["environment"] == {each: cloud.environment[each] for each in asked}
    assert "Aurora DSQL stand-in" in answer["trusted"]
    assert len(set(answer["trusted"])) > 20

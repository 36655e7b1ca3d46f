"""Chapter 1: a cluster, an IAM token; refused first, then let in as admin."""

import re
import shutil
import subprocess
from typing import Any

import psycopg
import pytest

from infra import database
from infra.chapters import WITHOUT_PERMISSION
from infra.stack import Stack
from tests.fix_stack import Deploy, Greet

pytestmark = pytest.mark.chapter1

CONNECTED = {"greeting": "Hello reinvent, connected to DSQL successfully!"}


def test_the_stack_tells_where_its_cluster_is(chapter: Deploy, stack: Stack) -> None:
    outputs = chapter(1)
    host, arn = outputs.cluster_endpoint or "", outputs.cluster_arn or ""
    region = stack.cloud.region
    found = re.fullmatch(rf"([a-z0-9]{{26}})\.dsql\.{region}\.on\.aws", host)
    assert found
    assert re.fullmatch(rf"arn:aws:dsql:{region}:\d{{12}}:cluster/{found[1]}", arn)


@pytest.mark.usefixtures("cold")
def test_without_permission_the_function_is_refused(chapter: Deploy, greet: Greet) -> None:
    chapter(WITHOUT_PERMISSION)
    answer = greet(lambda answer: answer.error is not None)
    assert answer.payload["errorType"] == "OperationalError"
    assert "unable to accept connection, access denied" in answer.payload["errorMessage"]
    assert "not authorized to perform: dsql:DbConnectAdmin on resource" in answer.payload["errorMessage"]


def test_with_permission_the_function_connects(chapter: Deploy, greet: Greet) -> None:
    chapter(1)
    assert greet(lambda answer: answer.error is None).payload == CONNECTED


def test_admin_signs_in_with_a_token(chapter: Deploy, admin: psycopg.Connection[Any]) -> None:
    assert admin.execute("SELECT current_user, 1").fetchone() == ("admin", 1)


def test_psql_signs_in_with_a_token(chapter: Deploy, stack: Stack) -> None:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    host = database.endpoint(chapter(1))
    environment = {**database.variables(stack.cloud, host), "PGPASSWORD": database.token(stack.cloud, host)}
    done = subprocess.run(
        ["psql", "-XAtc", "SELECT 1"], env={**environment, "PATH": "/usr/bin:/bin"}, capture_output=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"1\n", b"")

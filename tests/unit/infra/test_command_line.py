"""``python -m infra``: what a person is told, and what a script learns from the exit status."""

import io
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra import __main__ as program
from infra.chapters import CHAPTERS
from infra.stack import Outputs, Stack
from infra.stand_in import LocalCloud
from pytest_dsql import command as local_command
from pytest_dsql.link import process
from pytest_dsql.link.state import State

HOST = "abc.dsql.us-east-1.on.aws"
Run = Callable[..., Result]


@pytest.fixture
def name() -> str:
    """The name of a stack that is not there."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def run(aws: LocalCloud, name: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command against the control plane in this process."""
    monkeypatch.setattr(program, "_cloud", lambda *_: aws)
    monkeypatch.setenv("DSQL_STACK_NAME", name)
    return lambda *arguments: CliRunner().invoke(program.cli, arguments)


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every stack be there, with a cluster."""
    monkeypatch.setattr(Stack, "describe", lambda _: {})
    monkeypatch.setattr(Stack, "outputs", lambda stack: Outputs(stack.function, "arn", HOST, "arn"))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that commands start; each ends with status 3."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=3)

    for module in (program, local_command):
        monkeypatch.setattr(module, "subprocess", SimpleNamespace(run=run))
    return commands


def test_what_a_person_can_act_on_is_one_line(run: Run, name: str) -> None:
    done = run("status")
    assert done.exit_code == 1
    assert done.output.splitlines()[1:] == [
        f"Error: there is no stack {name}; make it with: python -m infra deploy --chapter 0"
    ]


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize(("answer", "status"), [({}, 0), ({"FunctionError": "Unhandled"}, 1)])
def test_a_function_error_is_a_failure(
    run: Run, aws: LocalCloud, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], status: int
) -> None:
    payload = {"Payload": io.BytesIO(b'{"said": "so"}')}
    monkeypatch.setattr(aws.client("lambda"), "invoke", lambda **_: {**payload, **answer})
    done = run("invoke", "{}")
    assert done.exit_code == status
    assert done.output.startswith('{"said": "so"}\n')


def test_a_payload_that_is_not_json_is_not_sent(run: Run) -> None:
    done = run("invoke", "{'name': 1}")
    assert done.exit_code == 2
    assert "PAYLOAD is not JSON" in done.output


@pytest.mark.usefixtures("outputs")
def test_the_latest_lines_of_all_streams_are_shown_in_order(run: Run, aws: LocalCloud, name: str) -> None:
    logs, group, now = aws.client("logs"), f"/aws/lambda/{name}", int(time.time() * 1000)
    logs.create_log_group(logGroupName=group)
    for stream, first in (("later", 1), ("earlier", 0)):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": now + at, "message": f"line {at}"} for at in range(first, 6, 2)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    assert run("logs", "--lines", "3").output.splitlines() == ["line 3", "line 4", "line 5"]
    logs.delete_log_group(logGroupName=group)


@pytest.mark.usefixtures("outputs")
def test_psqls_status_is_ours(run: Run, started: list[list[str]]) -> None:
    assert run("psql", "--", "-c", "SELECT 1").exit_code == 3
    assert started == [["psql", "-c", "SELECT 1"]]


def test_testing_a_chapter_leaves_its_stack(run: Run, started: list[list[str]], name: str) -> None:
    assert run("chapter", "2").exit_code == 3
    [command] = started
    assert command[command.index("-m", 3) + 1] == "chapter2"
    assert "--keep-stack" in command
    assert command[command.index("--stack-name") + 1] == name
    assert command[command.index("--region") + 1] == "us-east-1"


def test_a_second_stand_in_is_not_started(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "read", lambda _: {"pid": 4711})
    monkeypatch.setattr(process, "detach", lambda *_: pytest.fail("it was started"))
    done = run("up", "--detach")
    assert (done.exit_code, done.output) == (
        1,
        "Error: it runs already, process 4711; end it with: python -m infra down\n",
    )


def test_down_on_aws_takes_the_code_too(
    run: Run, aws: LocalCloud, name: str, zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stack(aws, name).deploy(CHAPTERS[0], zipped)
    monkeypatch.setattr(aws, "target", "aws")
    assert run("down").exit_code == 0
    assert not Stack(aws, name).exists()
    assert aws.client("s3").list_buckets()["Buckets"] == []

"""Stacks of a test's own: new code takes effect, the zip is all there is, deletion leaves nothing."""

import re
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.chapters import CHAPTERS
from infra.stack import Stack
from tests.fix_stack import FunctionAnswer, invoke_function, settles

OwnStack = Callable[[], Stack]
GREETING = "transfer/greeting.py"


def changed(code: Path, folder: Path, edit: Callable[[str, bytes], bytes | None]) -> Path:
    """Copy a zip, each file as ``edit`` returns it, or without it where that is None."""
    copy = folder / f"changed-{uuid.uuid4().hex}.zip"  # new contents are a new key
    with zipfile.ZipFile(code) as source, zipfile.ZipFile(copy, "w") as target:
        for info in source.infolist():
            content = edit(info.filename, source.read(info))
            if content is not None:
                info.compress_type = zipfile.ZIP_STORED
                target.writestr(info, content)
    return copy


def greet(stack: Stack) -> FunctionAnswer:
    return invoke_function(stack, {"name": "reinvent"})


def test_new_code_takes_effect(own_stack: OwnStack, code: Path, tmp_path: Path) -> None:
    stack = own_stack()
    stack.deploy(CHAPTERS[0], code)
    assert greet(stack).payload == {"greeting": "hello reinvent"}

    def edit(name: str, content: bytes) -> bytes:
        return content.replace(b"hello", b"good evening") if name == GREETING else content

    assert stack.deploy(CHAPTERS[0], changed(code, tmp_path, edit)).outcome == "updated"
    assert greet(stack).payload == {"greeting": "good evening reinvent"}


def test_a_dependency_that_is_not_in_the_zip_is_missed(own_stack: OwnStack, code: Path, tmp_path: Path) -> None:
    def edit(name: str, content: bytes) -> bytes | None:
        return None if re.split(r"[/.]", name, maxsplit=1)[0] == "psycopg" else content

    stack = own_stack()
    stack.deploy(CHAPTERS[1], changed(code, tmp_path, edit))
    answer = greet(stack)
    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")


def test_deletion_leaves_nothing(own_stack: OwnStack, code: Path, cloud: Any) -> None:
    stack = own_stack()
    outputs = stack.deploy(CHAPTERS[1], code).outputs
    greet(stack)
    stack.delete()
    assert not stack.exists()
    with pytest.raises(ClientError, match="Function not found"):
        greet(stack)
    cluster = (outputs.cluster_arn or "").rpartition("/")[2]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.client("dsql").get_cluster(identifier=cluster)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        cloud.client("iam").get_role(RoleName=outputs.role_arn.rpartition("/")[2])
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=stack.log_group)
    assert groups["logGroups"] == []


def test_what_the_function_writes_can_be_read(own_stack: OwnStack, code: Path, cloud: Any, tmp_path: Path) -> None:
    def edit(name: str, content: bytes) -> bytes:
        return content + b"\nprint('written at start')\n" if name == GREETING else content

    stack = own_stack()
    stack.deploy(CHAPTERS[0], changed(code, tmp_path, edit))
    greet(stack)

    def lines() -> list[str]:
        found = cloud.client("logs").filter_log_events(logGroupName=stack.log_group)
        return [event["message"].rstrip() for event in found["events"]]

    seen = settles(cloud, lines, lambda lines: any(line.startswith("REPORT") for line in lines))
    assert "written at start" in seen
    assert [line.split()[0] for line in seen if line.split()[0] in {"START", "END", "REPORT"}] == [
        "START", "END", "REPORT",
    ]  # fmt: skip

"""The walk-through's stack, its function and its database, on either target."""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest
from filelock import FileLock

from infra.chapters import CHAPTERS, STACK_NAME, Chapter
from tests.fix_run import is_worker
from tests.fix_target import cloud_of
from tests.fix_workers import in_turn

if TYPE_CHECKING:
    import psycopg

    from infra.cloud import Cloud
    from infra.stack import Outputs, Stack

TOGETHER_LIMIT_S: Final = 50.0
SETTLE_PAUSE_S: Final = 0.5
LOCK_LIMIT_S: Final = 120.0

_was_there = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stack", "the stack that the tests deploy")
    group.addoption(
        "--stack-name",
        default=os.environ.get("DSQL_STACK_NAME", STACK_NAME),
        help=f"name of the stack, {STACK_NAME} unless said otherwise (environment: DSQL_STACK_NAME)",
    )
    group.addoption(
        "--keep-stack",
        action="store_true",
        default=os.environ.get("DSQL_KEEP_STACK") == "1",
        help="leave the stack in place at the end; one that was there before always stays (environment: "
        "DSQL_KEEP_STACK=1)",
    )


def pytest_configure(config: pytest.Config) -> None:
    for chapter in CHAPTERS:
        config.addinivalue_line("markers", f"chapter{chapter.number}: chapter {chapter.number} of the walk-through")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Take note of a stack that is there already, and refuse one that is somebody else's."""
    cloud = cloud_of(session.config)
    if cloud is None or cloud.passing or is_worker(session.config):
        return
    from infra.stack import NotOurs

    try:
        was_there = session.config.stash[_was_there] = stack_of(session.config, cloud).exists()
    except NotOurs as error:
        raise pytest.UsageError(str(error)) from None
    if not was_there and not session.config.option.keep_stack:
        session.config.add_cleanup(lambda: _delete(stack_of(session.config, cloud)))


def _delete(stack: "Stack") -> None:
    """Delete the run's stack; a stand-in of the run's own takes it with it."""
    if stack.exists():
        stack.delete()
        stack.remove_code()


def pytest_itemcollected(item: pytest.Item) -> None:
    """There is one stack: whatever uses it takes its turn."""
    if "stack" in getattr(item, "fixturenames", ()):
        in_turn(item, "stack")


def pytest_report_header(config: pytest.Config) -> str | None:
    if cloud_of(config) is None:
        return None
    return f"stack: {config.option.stack_name}, {_fate(config)} at the end"


def _fate(config: pytest.Config) -> str:
    if _was_there not in config.stash:
        return "gone with the stand-in"
    if config.stash[_was_there]:
        return "was there and stays"
    return "kept" if config.option.keep_stack else "deleted"


def stack_of(config: pytest.Config, cloud: "Cloud") -> "Stack":
    from infra.stack import Stack

    return Stack(cloud, config.option.stack_name)


@dataclass(frozen=True)
class FunctionAnswer:
    """What an invocation came to. ``error`` is Lambda's FunctionError, None for an answer of the handler's own."""

    payload: Any
    error: str | None
    log: str


Invoke = Callable[..., FunctionAnswer]
Greet = Callable[[Callable[[FunctionAnswer], bool]], FunctionAnswer]
Seen = TypeVar("Seen")
Deploy = Callable[[int | Chapter], "Outputs"]


@pytest.fixture(scope="session")
def stack(cloud: "Cloud", pytestconfig: pytest.Config) -> "Stack":
    """The run's stack; ``chapter`` deploys it. Deleted at the end of the run unless it was there or is kept."""
    return stack_of(pytestconfig, cloud)


@pytest.fixture(scope="session")
def code(cloud: "Cloud") -> Any:
    """The function's zip for the target."""
    from infra.bundle import build

    return build(cloud.platform)


@pytest.fixture(scope="session")
def chapter(stack: "Stack", code: Any) -> Deploy:
    """Deploy a chapter, by number or changed: ``chapter(3)``; reused where the stack is so already."""
    return lambda wanted: stack.deploy(CHAPTERS[wanted] if isinstance(wanted, int) else wanted, code).outputs


@pytest.fixture
def cold(chapter: Deploy) -> None:
    """No environment is warm: it would keep the connection that it has, whatever is forbidden from now on."""
    chapter(0)


@pytest.fixture(scope="session")
def deployed_endpoint(stack: "Stack", chapter: Deploy) -> str:
    """The endpoint of the stack's cluster, for tests that need no more of the stack."""
    from infra import database

    return database.endpoint(stack.outputs() if has_cluster(stack) else chapter(1))


def has_cluster(stack: "Stack") -> bool:
    """Whether the stack is there, and has come as far as chapter 1."""
    return stack.exists() and stack.outputs().cluster_endpoint is not None


@pytest.fixture
def invoke(stack: "Stack") -> Invoke:
    """Invoke the function: ``invoke(payer_id=1, payee_id=2, amount=10)``."""
    return lambda event=None, /, **fields: invoke_function(stack, event if event is not None else fields)


def invoke_function(stack: "Stack", event: object) -> FunctionAnswer:
    """Invoke a stack's function with an event and wait for its answer."""
    answer = stack.cloud.client("lambda").invoke(FunctionName=stack.function, Payload=json.dumps(event), LogType="Tail")
    payload = json.loads(answer["Payload"].read())
    return FunctionAnswer(payload, answer.get("FunctionError"), answer.get("LogResult", ""))


@pytest.fixture
def greet(stack: "Stack", invoke: Invoke) -> Greet:
    """Invoke the function until it answers as expected, or too long."""
    return lambda expected: settles(stack.cloud, lambda: invoke(name="reinvent"), expected)


def settles(cloud: "Cloud", look: Callable[[], Seen], expected: Callable[[Seen], bool]) -> Seen:
    """Look until it is as expected: IAM's changes take seconds to reach every part of AWS. Return the last look."""
    until = time.monotonic() + cloud.settle_s
    seen = look()
    while not expected(seen) and time.monotonic() < until:
        time.sleep(SETTLE_PAUSE_S)
        seen = look()
    return seen


@pytest.fixture
def admin(stack: "Stack", deployed_endpoint: str) -> "Iterator[psycopg.Connection[Any]]":
    """A session of admin on the stack's cluster."""
    from infra import database

    with closing(database.connect(stack.cloud, deployed_endpoint)) as connection:
        yield connection


@pytest.fixture
def database_role(stack: "Stack", admin: "psycopg.Connection[Any]") -> str:
    """The role myapp, which the function's IAM role may sign in as."""
    from infra import database, schema

    schema.create_role(admin, database.APP, stack.outputs().role_arn)
    return database.APP


@pytest.fixture
def myapp(stack: "Stack", admin: "psycopg.Connection[Any]", database_role: str) -> "Iterator[psycopg.Connection[Any]]":
    """A session of myapp, with the caller's own credentials, which are mapped for as long."""
    from infra import database, schema

    caller = iam_arn(stack.cloud.client("sts").get_caller_identity()["Arn"])
    schema.create_role(admin, database_role, caller)
    with closing(database.connect(stack.cloud, database.endpoint(stack.outputs()), database_role)) as connection:
        yield connection
    schema.revoke_role(admin, database_role, caller)


def iam_arn(arn: str) -> str:
    """Return the ARN that AWS IAM GRANT takes: a session's role, or the user itself."""
    if ":assumed-role/" not in arn:
        return arn
    head, _, tail = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{tail.split('/')[0]}"


@pytest.fixture
def accounts(
    admin: "psycopg.Connection[Any]", database_role: str, once: Callable[[str, Callable[[], object]], None]
) -> "psycopg.Connection[Any]":
    """The accounts 1 to 1,000 with 100 each, which myapp may change; gives admin's session, to look at them."""
    from infra import schema

    once("accounts", lambda: schema.create_accounts(admin, database_role))
    schema.reset_accounts(admin)
    return admin


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Callable[..., None]:
    """Do something once in the run, whichever worker comes first; the others wait until it is done."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if is_worker(pytestconfig) else folder

    def once(name: str, work: Callable[[], object]) -> None:
        with FileLock(shared / f"{name}.lock", timeout=LOCK_LIMIT_S):
            done = shared / f"{name}.done"
            if not done.exists():
                work()
                done.touch()

    return once


@pytest.fixture
def own_stack(cloud: "Cloud") -> "Iterator[Callable[[], Stack]]":
    """Name stacks of the test's own; each is deleted with the test."""
    from infra.stack import Stack

    named: list[Stack] = []

    def own() -> Stack:
        named.append(Stack(cloud, f"dsql-perspective-{uuid.uuid4().hex[:8]}"))
        return named[-1]

    yield own
    for each in named:
        each.delete()


def together(count: int, work: Callable[[int], FunctionAnswer]) -> list[FunctionAnswer]:
    """Do something at once in several threads, and return what each came to."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(work, range(count), timeout=TOGETHER_LIMIT_S))

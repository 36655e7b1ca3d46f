"""Chapter 4: conflicts. Without retry the caller sees 40001; with it, every transfer is made."""

from typing import Any

import psycopg
import pytest

from infra import database
from infra.chapters import WITHOUT_RETRY
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.messages import ExpireRole
from tests.fix_stack import Deploy, FunctionAnswer, Invoke, together

pytestmark = pytest.mark.chapter4

Accounts = psycopg.Connection[Any]
AT_ONCE = 8
ROUNDS = 20
"""How many rounds of transfers at once may pass before two of them meet."""


def pair(accounts: Accounts) -> list[int]:
    query = "SELECT balance FROM accounts WHERE id IN (1, 2) ORDER BY id"
    return [balance for (balance,) in accounts.execute(query).fetchall()]


def both_ways(invoke: Invoke, count: int = AT_ONCE) -> list[FunctionAnswer]:
    """Move 1 from account 1 to 2 and back, at once."""
    return together(count, lambda n: invoke(payer_id=1 + n % 2, payee_id=2 - n % 2, amount=1))


def test_without_retry_a_conflict_is_reported(chapter: Deploy, invoke: Invoke, accounts: Accounts) -> None:
    chapter(WITHOUT_RETRY)
    lost: list[FunctionAnswer] = []
    for _ in range(ROUNDS):
        lost += [answer for answer in both_ways(invoke) if "error" in answer.payload]
        if lost:
            break
    assert lost, "no two transfers met"
    for answer in lost:
        assert answer.error is None
        assert answer.payload["error_code"] == "40001"
        assert "OC00" in answer.payload["error"]
        assert answer.payload["retries"] == 0
    assert sum(pair(accounts)) == 200


def test_with_retry_all_are_made(chapter: Deploy, invoke: Invoke, accounts: Accounts) -> None:
    chapter(4)
    retries = made = 0
    for _ in range(ROUNDS):
        answers = [answer.payload for answer in both_ways(invoke)]
        assert all("balance" in answer for answer in answers), answers
        retries += sum(answer["retries"] for answer in answers)
        made += len(answers)
        if retries:
            break
    assert retries >= 1, "no two transfers met"
    assert pair(accounts) == [100, 100], f"{made} transfers, as many each way"


@pytest.fixture
def handle(stack: Stack, admin: psycopg.Connection[Any]) -> Handle:
    """Faults of the stand-in, on the stack's cluster."""
    if not isinstance(stack.cloud, LocalCloud):
        pytest.skip("faults can be set on the stand-in alone")
    return stack.cloud.handle(database.endpoint(stack.outputs()))


def test_a_forced_conflict_without_retry(chapter: Deploy, invoke: Invoke, accounts: Accounts, handle: Handle) -> None:
    chapter(WITHOUT_RETRY)
    with handle.fault("fail", role="myapp") as fault:
        answer = invoke(payer_id=1, payee_id=2, amount=10).payload
    assert fault.times == 1
    assert (answer["error_code"], answer["retries"]) == ("40001", 0)
    assert "change conflicts with another transaction" in answer["error"]
    assert pair(accounts) == [100, 100]


def test_a_forced_conflict_with_retry(chapter: Deploy, invoke: Invoke, accounts: Accounts, handle: Handle) -> None:
    chapter(4)
    with handle.fault("fail", role="myapp", times=3) as fault:
        answer = invoke(payer_id=1, payee_id=2, amount=10).payload
    assert fault.times == 3
    assert (answer["balance"], answer["retries"]) == (90, 3)
    assert pair(accounts) == [90, 110]


def test_an_unknown_outcome_is_not_repeated(
    chapter: Deploy, invoke: Invoke, accounts: Accounts, handle: Handle
) -> None:
    chapter(4)
    with handle.fault("cut_after", role="myapp") as fault:
        answer = invoke(payer_id=1, payee_id=2, amount=10).payload
    assert fault.times == 1
    assert (answer["error_code"], answer["retries"]) == ("outcome_unknown", 0)
    assert pair(accounts) == [90, 110]


def test_a_warm_environment_keeps_its_connection(
    chapter: Deploy, invoke: Invoke, accounts: Accounts, handle: Handle
) -> None:
    chapter(4)
    invoke(payer_id=1, payee_id=2, amount=1)
    before = handle.sessions()
    invoke(payer_id=1, payee_id=2, amount=1)
    assert handle.sessions() == before


def test_an_ended_session_is_replaced(chapter: Deploy, invoke: Invoke, accounts: Accounts, handle: Handle) -> None:
    chapter(4)
    own = accounts.info.backend_pid
    invoke(payer_id=1, payee_id=2, amount=1)
    for session in set(handle.sessions()) - {own}:
        handle.expire(session)
    assert invoke(payer_id=1, payee_id=2, amount=1).payload["balance"] == 98


def test_a_role_session_that_expires_is_replaced(
    chapter: Deploy, invoke: Invoke, accounts: Accounts, handle: Handle, stack: Stack
) -> None:
    chapter(4)
    invoke(payer_id=1, payee_id=2, amount=1)
    assert handle.ask(ExpireRole(role=stack.outputs().role_arn)) >= 1
    for session in set(handle.sessions()) - {accounts.info.backend_pid}:
        handle.expire(session)
    assert invoke(payer_id=1, payee_id=2, amount=1).payload["balance"] == 98

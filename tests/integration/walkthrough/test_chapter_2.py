"""Chapter 2: the role myapp, AWS IAM GRANT, DbConnect; nothing more than that lets the function in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from infra import schema
from infra.chapters import CHAPTERS
from infra.stack import Stack
from tests.fix_stack import Deploy, FunctionAnswer, Greet

pytestmark = pytest.mark.chapter2

GREETING = "Hello reinvent, connected to DSQL successfully!"
DENIED = "unable to accept connection, access denied"


def refused(answer: FunctionAnswer) -> bool:
    return answer.error is not None and DENIED in answer.payload["errorMessage"]


def test_the_mapping_is_listed(admin: psycopg.Connection[Any], database_role: str, stack: Stack) -> None:
    query = "SELECT arn FROM sys.iam_pg_role_mappings WHERE pg_role_name = %s"
    assert (stack.outputs().role_arn,) in admin.execute(query, (database_role,)).fetchall()


def test_the_function_connects_as_myapp(database_role: str, chapter: Deploy, greet: Greet) -> None:
    chapter(2)
    assert greet(lambda answer: answer.error is None).payload == {"greeting": GREETING}


def test_myapp_is_no_admin(myapp: psycopg.Connection[Any]) -> None:
    assert myapp.execute("SELECT current_user").fetchone() == ("myapp",)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        myapp.execute("CREATE ROLE somebody")


@pytest.mark.usefixtures("cold")
def test_as_admin_it_is_refused(database_role: str, chapter: Deploy, greet: Greet) -> None:
    chapter(replace(CHAPTERS[2], database_user="admin"))
    answer = greet(refused)
    assert "not authorized to perform: dsql:DbConnectAdmin" in answer.payload["errorMessage"]


@pytest.mark.usefixtures("cold")
def test_with_the_admins_action_it_is_refused(database_role: str, chapter: Deploy, greet: Greet) -> None:
    chapter(replace(CHAPTERS[2], database_action="dsql:DbConnectAdmin"))
    answer = greet(refused)
    assert "not authorized to perform: dsql:DbConnect on resource" in answer.payload["errorMessage"]


@pytest.fixture
def unmapped(admin: psycopg.Connection[Any], database_role: str, stack: Stack) -> Iterator[None]:
    """The function's IAM role may not sign in as myapp, for as long as the test runs."""
    arn = stack.outputs().role_arn
    schema.revoke_role(admin, database_role, arn)
    yield
    schema.create_role(admin, database_role, arn)


@pytest.mark.usefixtures("cold")
def test_without_the_mapping_it_is_refused(chapter: Deploy, unmapped: None, greet: Greet) -> None:
    chapter(2)
    assert refused(greet(refused))

"""Chapter 0: a function that greets, before there is any database."""

import pytest

from tests.fix_stack import Deploy, Invoke

pytestmark = pytest.mark.chapter0


@pytest.fixture(autouse=True)
def deployed(chapter: Deploy) -> None:
    chapter(0)


def test_greets(invoke: Invoke) -> None:
    assert invoke(name="reinvent").payload == {"greeting": "hello reinvent"}


def test_a_wrong_event_is_an_error_that_names_the_field(invoke: Invoke) -> None:
    answer = invoke(nam="reinvent")
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "InvalidRequest"
    assert answer.payload["errorMessage"] == "name: must be a string"

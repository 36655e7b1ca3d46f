"""What is changed of moto, and that it is undone."""

from typing import Any

from moto.cloudformation import models, parsing
from moto.cloudformation import urls as formation_urls
from moto.dsql import urls as dsql_urls
from moto.dsql.models import dsql_backends

from pytest_dsql.local.aws import patches
from pytest_dsql.local.aws.formation.stacks import StackRecord


def test_all_is_as_it_was_when_they_are_undone() -> None:
    before = seen()  # another test's may be in force
    with patches.services("eu-north-9"), patches.formation():
        assert models.Stack is StackRecord
        assert "eu-north-9" in (dsql_backends._additional_regions or [])
    assert seen() == before


def seen() -> list[Any]:
    """What moto has in these places."""
    return [
        dsql_backends.backend,
        sorted(dsql_backends._additional_regions or []),
        dict(dsql_urls.url_paths),
        models.Stack,
        models.cloudformation_backends.backend,
        parsing.clean_json,
        dict(formation_urls.url_paths),
    ]

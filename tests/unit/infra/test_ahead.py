"""What takes long to load is loaded before anybody asks for it."""

import asyncio
from typing import Any

import pytest

from pytest_dsql.local.aws import front
from pytest_dsql.local.aws.formation.templates import lint
from pytest_dsql.local.http import Request

LIMIT_S = 20


def test_the_rules_of_templates_are_loaded_behind_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = list[str]()
    monkeypatch.setattr(front, "_moto", lambda _: loaded.append("moto"))
    monkeypatch.setattr(lint, "rules", lambda: loaded.append("rules"))
    asyncio.run(started())
    assert loaded == ["moto", "rules"]


async def started() -> None:
    """Start an endpoint that nobody asks, and wait until it is ready."""
    guard: Any = None
    endpoint = front.Front(never, guard)
    await asyncio.wait_for(await endpoint.start(), LIMIT_S)
    await endpoint.close()


async def never(_: Request) -> Any:
    raise NotImplementedError

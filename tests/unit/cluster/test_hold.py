"""Statements that are held: one is let through, and then the next is waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pytest_dsql.local.cluster.hold import Held, Hold

LIMIT_S = 0.01


def held(text: str, passed: list[str]) -> Held:
    return Held(1, text, [], lambda: passed.append(text))


def in_a_loop(test: Callable[[Hold, list[str]], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await test(Hold(), [])

    return asyncio.run(run())


def test_a_statement_is_let_through_and_the_next_is_told() -> None:
    async def test(hold: Hold, passed: list[str]) -> None:
        number = hold.arrive(held("first", passed))
        assert (await hold.proceed(None, LIMIT_S))["next"]["text"] == "first"
        asyncio.get_running_loop().call_soon(hold.arrive, held("second", passed))
        assert (await hold.proceed(number, LIMIT_S))["next"]["text"] == "second"
        assert passed == ["first"]

    in_a_loop(test)


def test_the_end_of_who_is_waited_for_is_told() -> None:
    async def test(hold: Hold, passed: list[str]) -> dict[str, Any]:
        hold.no_more()
        return await hold.proceed(None, LIMIT_S)

    assert in_a_loop(test) == {"next": None, "ended": True, "late": False, "answer": None}


def test_who_keeps_everybody_waiting_is_told() -> None:
    assert in_a_loop(lambda hold, _: hold.proceed(None, LIMIT_S))["late"]


def test_a_statement_that_nobody_waited_for_is_out_of_turn() -> None:
    async def test(hold: Hold, passed: list[str]) -> None:
        numbers = [hold.arrive(held(text, passed)) for text in ("first", "second")]
        await hold.proceed(None, LIMIT_S)
        with pytest.raises(ValueError, match="out of turn"):
            await hold.proceed(numbers[0], LIMIT_S)

    in_a_loop(test)


def test_a_statement_whose_connection_has_ended_cannot_be_let_through() -> None:
    async def test(hold: Hold, passed: list[str]) -> None:
        number = hold.arrive(held("first", passed))
        await hold.proceed(None, LIMIT_S)
        hold.leave(number)
        with pytest.raises(ValueError, match="ended while it was held"):
            await hold.proceed(number, LIMIT_S)

    in_a_loop(test)


def test_at_its_end_all_go_on() -> None:
    async def test(hold: Hold, passed: list[str]) -> list[str]:
        hold.arrive(held("first", passed))
        hold.turn(on=False)
        return passed

    assert in_a_loop(test) == ["first"]

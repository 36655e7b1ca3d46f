"""Faults that a test puts in force: counted, taken back, and missed where nothing has met them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from pytest_dsql.link.handle import Applied
from pytest_dsql.retry import lost

Fault = Applied
"""A fault in force; ``times`` is how often it was applied so far."""


@contextmanager
def meeting(fault: AbstractContextManager[Fault], waits_for: str) -> Iterator[Fault]:
    """Put a fault in force for a block; fail the test where it was never met, or met and not retried."""
    with fault as applied:
        try:
            yield applied
        except Exception as error:
            if applied.times and lost(error):
                text = "COMMIT lost to another transaction, as the test wanted, and was not made again: retry 40001"
                raise pytest.fail.Exception(text, pytrace=False) from error
            raise
        if not applied.times:
            pytest.fail(f"the fault was never met: there was not {waits_for} in its block that it is for")

"""How many invocations are in flight, against the function's reserved concurrency and the account's."""

from collections import Counter

from pytest_dsql.local.functions.invoke import facts
from pytest_dsql.local.functions.invoke.account import Function, FunctionAccount
from pytest_dsql.local.functions.invoke.errors import Throttled


class Concurrency:
    """What is in flight. An invocation that waits for an environment is in flight, too.

    The unreserved pool is what the account has less what the functions *invoked so far* have reserved: a function
    that reserves and was never invoked is not known here, on AWS it counts.
    """

    def __init__(self, account: FunctionAccount) -> None:
        self._account = account
        self._reserved: dict[str, int] = {}
        self._in_flight: Counter[str] = Counter()
        self._unreserved = 0

    def enter(self, function: Function) -> None:
        """Count an invocation; raise Throttled where there is no room for it. Who enters leaves, with the same."""
        if function.reserved is None:
            self._reserved.pop(function.arn, None)
            if self._unreserved >= self._account.concurrency - sum(self._reserved.values()):
                raise Throttled(facts.ACCOUNT_REASON)
            self._unreserved += 1
        else:
            self._reserved[function.arn] = function.reserved
            if self._in_flight[function.arn] >= function.reserved:
                raise Throttled(facts.RESERVED_REASON)
            self._in_flight[function.arn] += 1

    def leave(self, function: Function) -> None:
        """Take an invocation out of the count."""
        if function.reserved is None:
            self._unreserved -= 1
        else:
            self._in_flight[function.arn] -= 1

    def forget(self, arn: str) -> None:
        """Drop what a deleted function had reserved."""
        self._reserved.pop(arn, None)

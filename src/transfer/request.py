"""The request of a transfer, checked before the database is touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from transfer.errors import InvalidRequest

INTEGER_MIN: Final = -(2**31)
INTEGER_MAX: Final = 2**31 - 1
"""The range of PostgreSQL's ``integer``, the type of ``accounts.id`` and ``accounts.balance``."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move ``amount`` from account ``payer_id`` to account ``payee_id``; once, where it has a ``transfer_id``."""

    payer_id: int
    payee_id: int
    amount: int
    transfer_id: UUID | None = None

    @classmethod
    def from_event(cls, event: object) -> Self:
        """Read the event of an invocation; raise InvalidRequest, which names the field, where it is wrong."""
        if not isinstance(event, Mapping):
            raise InvalidRequest("event", f"must be an object, not {_json_type(event)}")
        payer_id, payee_id, amount = (_integer(event, field) for field in ("payer_id", "payee_id", "amount"))
        transfer_id = _uuid(event["transfer_id"]) if "transfer_id" in event else None
        request = cls(payer_id, payee_id, amount, transfer_id)
        if request.amount <= 0:
            raise InvalidRequest("amount", f"must be positive, not {request.amount}")
        if request.payee_id == request.payer_id:
            raise InvalidRequest("payee_id", f"must differ from payer_id, both are {request.payer_id}")
        return request


def _integer(event: Mapping[object, object], field: str) -> int:
    if field not in event:
        raise InvalidRequest(field, "is missing")
    value = event[field]
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(field, f"must be an integer, not {_json_type(value)}")
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise InvalidRequest(field, f"must be between {INTEGER_MIN} and {INTEGER_MAX}")
    return value


def _uuid(value: object) -> UUID:
    if not isinstance(value, str):
        raise InvalidRequest("transfer_id", f"must be a string, not {_json_type(value)}")
    try:
        return UUID(value)
    except ValueError:
        raise InvalidRequest("transfer_id", f"must be a UUID, not {value!r}") from None


_JSON_TYPES: Final = {
    bool: "a boolean",
    dict: "an object",
    float: "a fractional number",
    int: "an integer",
    list: "an array",
    str: "a string",
    type(None): "null",
}


def _json_type(value: object) -> str:
    return _JSON_TYPES.get(type(value), f"a {type(value).__name__}")

"""Chapter 0: a function that greets, before there is any database."""

from collections.abc import Mapping

from transfer.errors import InvalidRequest


def name_of(event: object) -> str:
    """Return the event's ``name``; raise InvalidRequest where it is missing or not a string."""
    name = event.get("name") if isinstance(event, Mapping) else None
    if not isinstance(name, str):
        raise InvalidRequest("name", "must be a string")
    return name


def handler(event: object, _context: object) -> dict[str, str]:
    """Answer ``{"name": "reinvent"}`` with ``{"greeting": "hello reinvent"}``."""
    return {"greeting": f"hello {name_of(event)}"}

"""What can happen to an application, by the names that people have for it, as settings of a stand-in's fault."""

from typing import Any, Final

KINDS: Final[dict[str, dict[str, Any]]] = {
    "conflict": {"action": "fail", "code": "OC000", "at": "commit"},
    "schema-changed": {"action": "fail", "code": "OC001", "at": "commit"},
    "lost-before-commit": {"action": "cut_before", "at": "commit"},
    "lost-after-commit": {"action": "cut_after", "at": "commit"},
    "slow": {"action": "delay", "at": "commit", "times": None},
    "token-expired": {"action": "fail", "code": "TOKEN_EXPIRED", "at": "sign_in"},
    "session-expired": {"action": "cut_before", "at": "statement"},
    "unavailable": {"action": "fail", "code": "UNAVAILABLE", "at": "statement"},
    "too-many-connections": {"action": "fail", "code": "TOO_MANY_CONNECTIONS", "at": "sign_in"},
    "rate-exceeded": {"action": "fail", "code": "RATE_EXCEEDED", "at": "sign_in"},
}

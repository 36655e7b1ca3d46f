"""Which settings a session may change, and which it is told do not exist."""

from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.statement import Refusal


def settable(name: str) -> bool:
    """True for a setting on DSQL's list."""
    lowered = name.lower()
    return lowered in facts.SETTABLE or lowered.startswith(facts.SETTABLE_PREFIX)


def absent_setting(name: str) -> Refusal | None:
    """The refusal of a look at a setting that the service does not have."""
    return facts.NO_SUCH_SETTING.refusal(name) if name.lower() in facts.ABSENT_SETTINGS else None


def show_setting(node: Any) -> Refusal | None:
    """SHOW of a setting."""
    return absent_setting(node.name)


def set_setting(node: Any) -> Refusal | None:
    """SET, SET LOCAL and RESET of a setting that is not on the list are refused by its name."""
    if node.kind.name == "VAR_RESET_ALL" or settable(node.name) or _characteristics(node):
        return None
    return facts.SETTING.refusal(node.name)


def _characteristics(node: Any) -> bool:
    of_session = node.kind.name == "VAR_SET_MULTI" and node.name == "SESSION CHARACTERISTICS"
    return of_session and all(item.defname in facts.CHARACTERISTICS for item in node.args)

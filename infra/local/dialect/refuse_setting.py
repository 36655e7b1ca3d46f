"""Which settings a session may change."""

from typing import Any

from . import facts
from .statement import Refusal


def settable(name: str) -> bool:
    """True for a setting on DSQL's list."""
    lowered = name.lower()
    return lowered in facts.SETTABLE or lowered.startswith(facts.SETTABLE_PREFIX)


def set_setting(node: Any) -> Refusal | None:
    """SET, SET LOCAL and RESET of a setting that is not on the list are refused by its name."""
    if node.kind.name == "VAR_RESET_ALL" or settable(node.name):
        return None
    return facts.SETTING.refusal(node.name)

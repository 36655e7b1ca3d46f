"""Wildcards of IAM policies.

Source: IAM user guide, elements Action, Resource and Condition (operators for strings and ARNs), 2026-10.
"""

import functools
import re

from pytest_dsql.local.iam.logic import Truth

VARIABLE = "${"
"""Begins a policy variable. None is replaced here: where one stands, whether the element matches is not known."""


@functools.lru_cache(maxsize=1024)
def glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which ``*`` is any text and ``?`` any one character."""
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(char) or re.escape(char) for char in pattern), re.DOTALL)


@functools.lru_cache(maxsize=1024)
def _resource_glob(pattern: str) -> re.Pattern[str]:
    """Compile a resource's pattern: ``*`` passes a colon only where it ends a segment, ``?`` never does."""
    parts = []
    for here, after in zip(pattern, pattern[1:] + ":", strict=True):
        many = ".*" if after == ":" else "[^:]*"
        parts.append({"*": many, "?": "[^:]"}.get(here) or re.escape(here))
    return re.compile("".join(parts), re.DOTALL)


def action_matches(pattern: str, action: str) -> Truth:
    """Whether an Action pattern matches, without regard to case."""
    if pattern == "*":
        return True
    service, colon, name = pattern.partition(":")
    if not (service and colon and name) or VARIABLE in pattern:
        return None
    return glob(pattern.lower()).fullmatch(action.lower()) is not None


def resource_matches(pattern: str, resource: str) -> Truth:
    """Whether a Resource pattern, ``*`` or an ARN, matches an ARN."""
    if pattern == "*":
        return True
    if not pattern.startswith("arn:") or VARIABLE in pattern:
        return None
    return _resource_glob(pattern).fullmatch(resource) is not None


def arn_matches(pattern: str, arn: str) -> Truth:
    """Whether an ARN matches, each of its six components by itself, as the ARN condition operators compare."""
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    if len(wanted) < 6:
        return None
    pairs = zip(wanted, given, strict=False)
    return len(given) == 6 and all(glob(want).fullmatch(have) is not None for want, have in pairs)

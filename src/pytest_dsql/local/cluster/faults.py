"""What a test may do to the stand-in: fail or cut commits, add latency, expire sessions. Never left on."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from pytest_dsql.local.dialect import facts

Action = Literal["fail", "cut_before", "cut_after", "delay"]
Code = Literal["OC000", "OC001"]
CONFLICTS: Final[dict[Code, str]] = {
    "OC000": facts.DATA_CONFLICT.message,
    "OC001": facts.SCHEMA_CONFLICT.message,
}
"""What a lost COMMIT is told, by the code in the text."""


@dataclass
class Fault:
    """One rule: what to do, to whom, and how often.

    ``role``, ``table`` and ``session`` (the backend's process id) narrow it down; ``times`` is how often it still
    applies, None for as long as it is there. ``seconds`` is the latency of a ``delay``, before each statement where
    ``at`` is ``statement``, before each COMMIT otherwise. An autocommit statement that writes is a COMMIT too. What
    ``fail`` tells is the conflict of that ``code``, unless ``sqlstate`` and ``message`` say otherwise.
    """

    id: str
    action: Action
    role: str | None = None
    table: str | None = None
    session: int | None = None
    times: int | None = 1
    at: Literal["commit", "statement"] = "commit"
    seconds: float = 0.0
    code: Code = "OC000"
    sqlstate: str = "40001"
    message: str = ""
    applied: int = 0

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise ValueError(f"{self.action}: there is no such fault; there are {', '.join(get_args(Action))}")
        if self.code not in CONFLICTS:
            raise ValueError(f"{self.code}: there is no such conflict; there are {', '.join(CONFLICTS)}")
        self.message = self.message or CONFLICTS[self.code]

    def matches(self, role: str, session: int, tables: frozenset[str]) -> bool:
        """Whether it is meant for this session, having touched these tables."""
        return (
            self.role in {None, role}
            and self.session in {None, session}
            and (self.table is None or self.table in tables)
            and (self.times is None or self.applied < self.times)
        )


@dataclass
class Faults:
    """The rules of a cluster that are in force."""

    rules: dict[str, Fault] = field(default_factory=dict)

    def add(self, **settings: Any) -> Fault:
        """Put a rule in force; TypeError names a setting that there is not."""
        fault = Fault(**settings)
        self.rules[fault.id] = fault
        return fault

    def remove(self, rule: str) -> int:
        """Take a rule back and say how often it was applied."""
        fault = self.rules.pop(rule, None)
        return fault.applied if fault else 0

    def take(self, at: str, role: str, session: int, tables: frozenset[str]) -> list[Fault]:
        """Return the rules that apply now, counted as applied."""
        due = [rule for rule in self.rules.values() if rule.at == at and rule.matches(role, session, tables)]
        for rule in due:
            rule.applied += 1
        return due

"""What a test may do to a cluster: fail or cut commits, statements and sign-ins, add latency. Never left on."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal, get_args

from pytest_dsql.local.dialect import Refusal, facts

Action = Literal["fail", "cut_before", "cut_after", "delay"]
Place = Literal["commit", "statement", "sign_in"]

TOKEN_EXPIRED: Final = "TOKEN_EXPIRED"  # noqa: S105 - a fault's code
LATER: Final = timedelta(days=8)
"""A token serves for a week at most: by a clock that is so far ahead, none does."""

REASONS: Final[dict[str, tuple[Place, Refusal | None]]] = {
    "OC000": ("commit", facts.DATA_CONFLICT.refusal()),
    "OC001": ("commit", facts.SCHEMA_CONFLICT.refusal()),
    "UNAVAILABLE": ("statement", facts.UNAVAILABLE.refusal()),
    "RATE_EXCEEDED": ("sign_in", facts.TOO_FAST.refusal()),
    "TOO_MANY_CONNECTIONS": ("sign_in", facts.TOO_MANY.refusal()),
    TOKEN_EXPIRED: ("sign_in", None),
}
"""What a failure tells, by its code, and where it happens; of a token its verifier tells, by the cluster's clock."""


@dataclass
class FaultRule:
    """One rule: what to do, to whom, and how often.

    ``role``, ``table`` and ``session`` (the backend's process id) narrow it down; ``times`` is how often it still
    applies, None for as long as it is there. ``seconds`` is the latency of a ``delay``. ``at`` is where it applies; an
    autocommit statement that writes is a COMMIT too. What ``fail`` tells is the reason of that ``code``, where that
    happens unless ``at`` says otherwise, unless ``sqlstate`` and ``message`` say otherwise.
    """

    id: str
    action: Action
    role: str | None = None
    table: str | None = None
    session: int | None = None
    times: int | None = 1
    at: Place | None = None
    seconds: float = 0.0
    code: str = "OC000"
    sqlstate: str | None = None
    message: str | None = None
    applied: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (
            ("action", self.action, get_args(Action)),
            ("code", self.code, tuple(REASONS)),
            ("at", self.at, (None, *get_args(Place))),
        ):
            if value not in known:
                raise ValueError(f"{name}: there is no {value}; there are {', '.join(filter(None, known))}")
        self.at = self.at or (REASONS[self.code][0] if self.action == "fail" else "commit")
        if self.at == "sign_in" and self.action not in {"fail", "delay"}:
            raise ValueError(f"at: {self.action} does not happen at a sign-in; fail and delay do")
        if self.at == "sign_in" and (self.table or self.session):
            raise ValueError("at: who signs in has touched no table, and has no session yet")
        if self.code == TOKEN_EXPIRED and self.at != "sign_in":
            raise ValueError("at: a token expires at a sign-in")

    @property
    def refusal(self) -> Refusal | None:
        """What is told, None where the verifier of tokens tells it."""
        known = REASONS[self.code][1]
        if known is None:
            return None
        return Refusal(self.sqlstate or known.sqlstate, self.message or known.message, known.hint)

    def matches(self, role: str, session: int, tables: frozenset[str]) -> bool:
        """Whether it is meant for this session, having touched these tables."""
        return (
            self.role in {None, role}
            and self.session in {None, session}
            and (self.table is None or self.table in tables)
            and (self.times is None or self.applied < self.times)
        )


@dataclass
class FaultRules:
    """The rules of a cluster that are in force."""

    rules: dict[str, FaultRule] = field(default_factory=dict)

    def read(self, identifier: str, settings: dict[str, Any]) -> FaultRule:
        """Return the fault with these settings; ValueError and TypeError name the one that cannot be."""
        return FaultRule(identifier, **settings)

    def add(self, fault: FaultRule) -> None:
        """Put a rule in force."""
        self.rules[fault.id] = fault

    def remove(self, rule: str) -> int:
        """Take a rule back and say how often it was applied."""
        fault = self.rules.pop(rule, None)
        return fault.applied if fault else 0

    def take(self, at: Place, role: str, session: int = 0, tables: frozenset[str] = frozenset()) -> list[FaultRule]:
        """Return the rules that apply now, counted as applied."""
        due = [rule for rule in self.rules.values() if rule.at == at and rule.matches(role, session, tables)]
        for rule in due:
            rule.applied += 1
        return due

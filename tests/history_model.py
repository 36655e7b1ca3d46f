"""Snapshot isolation with first committer wins, as a pure model of one table ``h (id, v)``; and random histories of it.

The rules are those of the conflict matrix in the user guide (2026-10): per row, a mode of access conflicts with
modes of others that committed after the transaction's snapshot.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

KEYS: Final = 6
START: Final = {1: 10, 2: 20, 3: 30}
WRITES: Final = {"insert", "ignore", "upsert", "update", "move", "delete"}
STATEMENTS: Final = [
    "insert",
    "ignore",
    "upsert",
    "update",
    "update",
    "update",
    "move",
    "delete",
    "select",
    "select",
    "for_update",
    "for_update",
]

CONFLICTS: Final = {"X": "XUS", "U": "XU", "S": "X"}
"""X: insert, delete, change of key, FOR UPDATE; U: any other update; S: FOR KEY SHARE."""


def overtaken(used: Mapping[Any, Iterable[str]], last: Mapping[tuple[Any, str], int], taken: int) -> bool:
    """Whether something that was used in some modes has been used since ``taken`` in one that they conflict with."""
    return any(last.get((use, other), 0) > taken for use in used for mode in used[use] for other in CONFLICTS[mode])


@dataclass(frozen=True)
class Where:
    """A predicate: one key, or the rows whose value leaves a remainder by 3; all rows for neither."""

    key: int | None = None
    rest: int | None = None

    def __str__(self) -> str:
        if self.key is not None:
            return f" WHERE id = {self.key}"
        return "" if self.rest is None else f" WHERE v % 3 = {self.rest}"

    def picks(self, rows: dict[int, int]) -> list[int]:
        return [k for k, v in sorted(rows.items()) if self.key in {None, k} and self.rest in {None, v % 3}]


@dataclass(frozen=True)
class Step:
    """One statement of one session."""

    session: int
    verb: str
    where: Where = Where()
    key: int = 0
    value: int = 0

    @property
    def sql(self) -> str:
        row = f"({self.key}, {self.value})"
        texts = {
            "insert": f"INSERT INTO h VALUES {row} RETURNING id, v",
            "ignore": f"INSERT INTO h VALUES {row} ON CONFLICT DO NOTHING RETURNING id, v",
            "upsert": f"INSERT INTO h VALUES {row} ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING id, v",
            "update": f"UPDATE h SET v = v + {self.value}{self.where} RETURNING id, v",
            "move": f"UPDATE h SET id = {self.key}{self.where} RETURNING id, v",
            "delete": f"DELETE FROM h{self.where} RETURNING id, v",
            "select": f"SELECT id, v FROM h{self.where}",
            "for_update": f"SELECT id, v FROM h{self.where} FOR UPDATE",
            "key_share": f"SELECT id, v FROM h{self.where} FOR KEY SHARE",
        }
        return texts.get(self.verb, self.verb.upper())

    def __str__(self) -> str:
        return f"s{self.session}: {self.sql}"


@dataclass(frozen=True)
class SessionAnswer:
    """What a session hears: a tag and rows, or an SQLSTATE."""

    tag: str = ""
    rows: tuple[tuple[int | None, ...], ...] = ()
    sqlstate: str = ""

    def __str__(self) -> str:
        return self.sqlstate or " ".join([self.tag, *map(str, self.rows)])


class Refused(Exception):
    """The statement fails, and the transaction with it."""


@dataclass
class Transaction:
    """A snapshot, what it looks like with the transaction's own writes, and how each key was used."""

    taken: int
    snapshot: dict[int, int]
    rows: dict[int, int]
    used: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass
class _Session:
    block: bool = False
    failed: bool = False
    open: Transaction | None = None


class Model:
    """The table, its history of commits, and the sessions."""

    def __init__(self, rows: dict[int, int]) -> None:
        self.rows = dict(rows)
        self._commits = 0
        self._last: dict[tuple[int, str], int] = {}
        self._sessions: dict[int, _Session] = defaultdict(_Session)

    def take(self, step: Step) -> SessionAnswer:
        """Return what the session hears."""
        session = self._sessions[step.session]
        if step.verb in {"begin", "commit", "rollback"}:
            return self._control(session, step.verb)
        if session.failed:
            return SessionAnswer(sqlstate="25P02")
        session.open = session.open or self._begun()
        try:
            answer = _ran(session.open, step)
        except Refused as refused:
            session.failed, session.open = session.block, None
            return SessionAnswer(sqlstate=str(refused))
        if not session.block:
            self._end(session)
        return answer

    def _begun(self) -> Transaction:
        return Transaction(self._commits, dict(self.rows), dict(self.rows))

    def _control(self, session: _Session, verb: str) -> SessionAnswer:
        if verb == "begin":
            if session.failed:
                return SessionAnswer(sqlstate="25P02")
            session.block, session.open = True, session.open or self._begun()
            return SessionAnswer("BEGIN")
        if verb == "rollback" or session.failed:
            self._sessions[next(n for n, s in self._sessions.items() if s is session)] = _Session()
            return SessionAnswer("ROLLBACK")
        return SessionAnswer("COMMIT") if self._end(session) else SessionAnswer(sqlstate="40001")

    def _end(self, session: _Session) -> bool:
        """Commit; say whether nobody was there first."""
        transaction, session.open, session.block = session.open, None, False
        if transaction is None:
            return True
        used = {k: modes for k, modes in transaction.used.items() if k in transaction.snapshot or k in transaction.rows}
        if overtaken(used, self._last, transaction.taken):
            return False
        self._commits += 1
        for key, modes in used.items():
            self._last |= {(key, mode): self._commits for mode in modes}
            if modes == {"S"}:
                continue
            self.rows.pop(key, None)
            self.rows |= {key: transaction.rows[key]} if key in transaction.rows else {}
        return True


def _ran(transaction: Transaction, step: Step) -> SessionAnswer:
    if step.verb in {"insert", "ignore", "upsert"}:
        return _inserted(transaction, step)
    rows, keys = transaction.rows, step.where.picks(transaction.rows)
    found = tuple((key, rows[key]) for key in keys)
    mode = {"for_update": "X", "key_share": "S", "update": "U", "delete": "X", "move": "X"}.get(step.verb)
    if step.verb == "move" and found and step.key not in keys:
        return _moved(transaction, found[0], step.key)
    for key in keys if mode else ():
        transaction.used[key].add("U" if step.verb == "move" else str(mode))
        if step.verb == "update":
            rows[key] += step.value
        if step.verb == "delete":
            del rows[key]
    if step.verb == "update":
        found = tuple((key, rows[key]) for key in keys)
    return SessionAnswer(f"{_TAGS.get(step.verb, 'SELECT')} {len(found)}", found)


_TAGS: Final = {"update": "UPDATE", "move": "UPDATE", "delete": "DELETE"}


def _moved(transaction: Transaction, row: tuple[int, int], to: int) -> SessionAnswer:
    if to in transaction.rows:
        raise Refused("23505")
    transaction.rows[to] = transaction.rows.pop(row[0])
    transaction.used[row[0]].add("X")
    transaction.used[to].add("X")
    return SessionAnswer("UPDATE 1", ((to, row[1]),))


def _inserted(transaction: Transaction, step: Step) -> SessionAnswer:
    if step.key in transaction.rows:
        if step.verb == "insert":
            raise Refused("23505")
        if step.verb == "ignore":
            return SessionAnswer("INSERT 0 0")
    transaction.used[step.key].add("U" if step.key in transaction.rows else "X")
    transaction.rows[step.key] = step.value
    return SessionAnswer("INSERT 0 1", ((step.key, step.value),))


def history(source: random.Random, more: Sequence[str] = ()) -> list[Step]:
    """Return a history: two to four sessions, each with a transaction or two, in a random order of steps.

    ``more`` are verbs beside the usual ones.
    """
    verbs = [*STATEMENTS, *more]
    scripts = [_script(source, number, verbs) for number in range(source.randint(2, 4))]
    steps = []
    while scripts := [script for script in scripts if script]:
        steps.append(source.choice(scripts).pop(0))
    return steps


def _script(source: random.Random, session: int, verbs: Sequence[str]) -> list[Step]:
    steps = []
    for _ in range(source.randint(1, 2)):
        statements = [_statement(source, session, verbs) for _ in range(source.randint(1, 4))]
        end = Step(session, "commit" if source.random() < 0.9 else "rollback")
        steps += statements[:1] if source.random() < 0.1 else [Step(session, "begin"), *statements, end]
    return steps


def _statement(source: random.Random, session: int, verbs: Sequence[str]) -> Step:
    verb, key = source.choice(verbs), source.randint(1, KEYS)
    one = Where(key=source.randint(1, KEYS))
    where = one if verb == "move" else source.choice([one, one, Where(rest=source.randint(0, 2)), Where()])
    return Step(session, verb, where, key, source.randint(1, 99))


def compact(steps: Sequence[Step], answers: Sequence[SessionAnswer] = ()) -> str:
    """Write a history down, a line a step."""
    told = [f" -> {answer}" for answer in answers]
    return "\n".join(str(step) + (told[at] if at < len(told) else "") for at, step in enumerate(steps))

"""What the front says about one statement: plain, immutable results."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple


class Kind(Enum):
    """What a statement is, as far as the transaction rules and the wire care."""

    # Members are looked up for every statement; the one of Enum is written in Python.
    __hash__ = object.__hash__

    QUERY = auto()
    DML = auto()
    DDL = auto()
    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    SAVEPOINT = auto()
    SET = auto()
    SET_CONSTRAINTS = auto()
    SHOW = auto()
    RESET = auto()
    COPY_IN = auto()
    COPY_OUT = auto()
    EXPLAIN = auto()
    CALL = auto()
    DO = auto()
    IAM_GRANT = auto()
    IAM_REVOKE = auto()
    CREATE_INDEX_ASYNC = auto()
    VALIDATE_ASYNC = auto()
    ANALYZE = auto()
    DEALLOCATE = auto()
    OTHER = auto()
    EMPTY = auto()
    INVALID = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer given instead of running the statement; `position` counts characters from 1."""

    sqlstate: str
    message: str
    hint: str | None = None
    detail: str | None = None
    position: int | None = None


class RelationName(NamedTuple):
    """A relation as a statement names it: the schemas where it is looked for, in order, and its name.

    A name of the system's own has no schema.
    """

    schemas: tuple[str, ...]
    name: str


class RefusedError(Exception):
    """Carries a refusal out of the rule that found it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class IamMapping:
    """`AWS IAM GRANT role TO 'arn'` and its REVOKE."""

    role: str
    arn: str


@dataclass(frozen=True, slots=True)
class AsyncIndex:
    """`CREATE [UNIQUE] INDEX ASYNC`; `name` is None where PostgreSQL is to choose it.

    `predicate` is the number of characters up to and with its WHERE, None without one.
    """

    name: str | None
    schema: str | None
    table: str
    columns: tuple[str | None, ...]
    unique: bool
    if_not_exists: bool
    predicate: int | None = None


@dataclass(frozen=True, slots=True)
class AsyncValidation:
    """`ALTER TABLE ASYNC table VALIDATE CONSTRAINT name`."""

    schema: str | None
    table: str
    constraint: str


@dataclass(frozen=True, slots=True)
class Setting:
    """SET, RESET or SHOW of one setting; `name` is None for RESET ALL and SHOW ALL.

    `answer` is the fixed value a SHOW has to report, where PostgreSQL itself would say another.
    """

    name: str | None
    values: tuple[str, ...] = ()
    local: bool = False
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """BEGIN, COMMIT and ROLLBACK: their options."""

    read_only: bool | None = None
    chain: bool = False


@dataclass(frozen=True, slots=True)
class ConstraintModes:
    """SET CONSTRAINTS: the schemas and names of the constraints, none for ALL."""

    deferred: bool
    names: tuple[tuple[str | None, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """EXPLAIN, which PostgreSQL is asked for as JSON: the format that it is to have, and what it is to tell.

    `executed` is what runs a statement that changes or locks rows or calls users' routines: it has to go by the engine,
    and the plan that is shown is made besides. `query` is the statement itself.
    """

    query: str
    layout: str = "text"
    verbose: bool = False
    analyze: bool = False
    executed: str | None = None


Details = IamMapping | AsyncIndex | AsyncValidation | Setting | Transaction | ConstraintModes | Explanation


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a message: what it is, what to send instead of it, or why not to.

    `offset` is where the statement starts in the message. `hide_last_columns` are lock marks put
    behind the select list. `tag_as_insert` asks for `INSERT 0 n` in place of `SELECT n`, `hide_rows`
    for no rows at all. `writes` is true for anything that changes rows, data-modifying CTEs included;
    `calls` where it runs a routine of a user's, and `may_write` where such a routine changes rows, too. `called` are
    the functions it calls, `tables` the user tables it names, `names` all relations but those of its own CTEs;
    `relations` are the numbers of the tables and views among these, with what the views read.
    """

    kind: Kind
    original: str
    sql: str
    offset: int = 0
    tag: str = ""
    refusal: Refusal | None = None
    counts_as_ddl: bool = False
    writes: bool = False
    hide_last_columns: int = 0
    tag_as_insert: bool = False
    hide_rows: bool = False
    changes_search_path: bool = False
    calls: bool = False
    may_write: bool = False
    called: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    names: frozenset[RelationName] = frozenset()
    relations: frozenset[int] = frozenset()
    details: Details | None = None
    shifts: tuple[tuple[int, int, int], ...] = field(default=(), repr=False)

    def position_in_message(self, position: int) -> int:
        """Where character `position` (from 1) of the rewritten text stood in the message."""
        index, moved = position - 1, 0
        for start, removed, added in self.shifts:
            at = start + moved
            if index < at:
                break
            if index < at + added:
                return self.offset + start + 1
            moved += added - removed
        return self.offset + index - moved + 1

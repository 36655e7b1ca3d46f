import pytest

from pytest_dsql.local.cluster.limits import Limits
from pytest_dsql.local.dialect import Catalog, Refusal, Statement, Table, analyse
from pytest_dsql.local.proxy import plan
from pytest_dsql.local.proxy.rules.catalog_cache import CatalogCache
from pytest_dsql.local.proxy.rules.transaction import FAILED, IDLE, IN_TRANSACTION, SCHEMA_CONFLICT, Rules

NOW = 1_000.0


CATALOG = Catalog({("public", "t"): Table("public", "t", "pg_occ_1", oid=1)})


def statement(sql: str) -> Statement:
    [found] = analyse(sql, CATALOG, ("public",))
    return found


class Session:
    """A session whose statements all succeed, unless the rules refuse them."""

    def __init__(self) -> None:
        self.rules = Rules(Limits(), CatalogCache())

    def __call__(self, sql: str, now: float = NOW) -> Refusal | None:
        refusal = self.rules.refusal(statement(sql), now)
        self.rules.settled(self._status(sql, refusal))
        return refusal

    def _status(self, sql: str, refusal: Refusal | None) -> bytes:
        if sql in {"COMMIT", "ROLLBACK"}:
            return IDLE
        if self.rules.block:
            return FAILED if refusal or self.rules.status == FAILED else IN_TRANSACTION
        return IDLE


def message(refusal: Refusal | None) -> str | None:
    return refusal.message if refusal else None


@pytest.fixture
def session() -> Session:
    return Session()


def test_a_second_schema_change_in_a_transaction_is_refused(session: Session) -> None:
    assert session("BEGIN") is None
    assert session("CREATE TABLE a (id int)") is None
    assert message(session("CREATE TABLE b (id int)")) == "multiple ddl statements not supported in a transaction"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CREATE TABLE a (id int)", "INSERT INTO t VALUES (1)"),
        ("DELETE FROM t", "GRANT SELECT ON t TO myapp"),
        ("UPDATE t SET a = 1", "CREATE INDEX ASYNC ON t (a)"),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "DROP TABLE t"),
    ],
)
def test_schema_changes_and_changes_of_rows_do_not_mix(session: Session, first: str, second: str) -> None:
    session("BEGIN")
    assert session(first) is None
    assert message(session(second)) == "ddl and dml are not supported in the same transaction"


def test_reads_mix_with_both(session: Session) -> None:
    session("BEGIN")
    assert session("CREATE TABLE a (id int)") is None
    assert session("SELECT 1") is None


def test_each_transaction_begins_anew(session: Session) -> None:
    for sql in ("BEGIN", "CREATE TABLE a (id int)", "COMMIT", "BEGIN", "DELETE FROM t", "ROLLBACK", "DROP TABLE a"):
        assert session(sql) is None


def test_a_string_of_statements_is_one_transaction() -> None:
    rules = Rules(Limits(), CatalogCache())
    found = analyse("CREATE TABLE a (id int); CREATE TABLE b (id int)", Catalog(), ("public",))
    refusals = [rules.refusal(each, NOW) for each in found]
    assert [message(refusal) for refusal in refusals] == [
        None,
        "multiple ddl statements not supported in a transaction",
    ]


def test_a_failed_transaction_is_postgresqls_to_answer(session: Session) -> None:
    session("BEGIN")
    assert session("TRUNCATE t") is not None
    assert session("TRUNCATE t") is None
    assert session("COMMIT") is None


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_failed_transaction_looks_nothing_up(session: Session, end: str) -> None:
    for sql in ("SELECT * FROM t", "BEGIN", "SELECT * FROM t"):
        session(sql)
    session.rules.settled(FAILED)
    session.rules.cache.changed(CATALOG)
    assert session("SELECT * FROM t") is None
    assert session(end) is None
    assert session("SELECT * FROM t") == SCHEMA_CONFLICT


@pytest.mark.parametrize("sql", ["SELECT * FROM t", "COMMIT"])
def test_a_doomed_transaction_ends_as_a_schema_conflict(session: Session, sql: str) -> None:
    session("BEGIN")
    session("SELECT * FROM t")
    session.rules.doom()
    assert session("SELECT 1") is None
    assert session(sql) == SCHEMA_CONFLICT
    assert not session.rules.doomed


def test_a_doomed_transaction_that_did_nothing_goes_on(session: Session) -> None:
    session("BEGIN")
    session("SELECT 1")
    session.rules.doom()
    assert session("SELECT * FROM t") is None
    assert session("COMMIT") is None


def test_a_doomed_transaction_may_be_rolled_back(session: Session) -> None:
    session("BEGIN")
    session("DELETE FROM t")
    session.rules.doom()
    assert session("ROLLBACK") is None
    assert session("SELECT 1") is None


@pytest.mark.parametrize("sql", ["SELECT 1", "COMMIT"])
def test_an_old_transaction_is_refused(session: Session, sql: str) -> None:
    session("BEGIN", now=0.0)
    assert session("SELECT 1", now=300.0) is None
    refusal = session(sql, now=365.0)
    assert refusal == Refusal(
        "54000", "transaction age limit of 300s exceeded", detail="Current transaction age 365s exceeds 300s"
    )


def test_what_no_rule_can_refuse_passes(session: Session) -> None:
    rules, update = session.rules, statement("UPDATE t SET a = 1")
    assert not rules.passes(update, 0.0), "it commits by itself"
    session("BEGIN", now=0.0)
    assert rules.passes(update, 300.0)
    assert not rules.passes(update, 301.0)
    rules.cache.changed(CATALOG)
    assert not rules.passes(update, 1.0)


@pytest.mark.parametrize("sql", ["TRUNCATE t", "DROP TABLE t", "SET search_path = a", "RESET ALL"])
def test_what_needs_a_closer_look_is_not_relayed(sql: str) -> None:
    assert not plan.of(statement(sql)).relayed
    assert plan.of(statement("COMMIT")).relayed

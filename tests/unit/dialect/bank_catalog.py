"""A small catalog for the tests: tables with keys of every kind, in two schemas."""

from pytest_dsql.local.dialect import Catalog, Column, Refusal, Statement, Table, UniqueIndex, analyse

ACCOUNTS = Table(
    "public",
    "accounts",
    "pg_occ_2200",
    (
        Column("id", "integer", number=1),
        Column("owner", "character varying(20)", number=2),
        Column("balance", "numeric(18,6)", "100", number=3),
    ),
    (UniqueIndex("accounts_pkey", ("id",), primary=True), UniqueIndex("accounts_owner_key", ("owner",))),
    index_count=2,
    oid=1,
    shadow_oid=101,
)
NOTES = Table(
    "public",
    "notes",
    "pg_occ_2200",
    (
        Column("id", "uuid", "gen_random_uuid()", number=1),
        Column("body", "jsonb", number=2),
        Column("size", "integer", generated=True, number=3),
    ),
    (UniqueIndex("notes_pkey", ("id",), primary=True), UniqueIndex("notes_part", ("body",), predicate="(body <> '')")),
    index_count=24,
    oid=2,
    shadow_oid=102,
)
ARCHIVE = Table("old", "accounts", "pg_occ_77", ACCOUNTS.columns, oid=3, shadow_oid=103)
CATALOG = Catalog({(table.schema, table.name): table for table in (ACCOUNTS, NOTES, ARCHIVE)})


def judge(sql: str, *search_path: str) -> Statement:
    """The verdict on a message of one statement."""
    (statement,) = analyse(sql, CATALOG, search_path or ("public",))
    return statement


def sent(sql: str, *search_path: str) -> str:
    """What PostgreSQL is sent, white space evened out."""
    statement = judge(sql, *search_path)
    assert statement.refusal is None, statement.refusal
    return " ".join(statement.sql.split())


def refused(sql: str) -> tuple[str, str]:
    """SQLSTATE and text of a refusal."""
    refusal = judge(sql).refusal
    assert isinstance(refusal, Refusal), sql
    return refusal.sqlstate, refusal.message

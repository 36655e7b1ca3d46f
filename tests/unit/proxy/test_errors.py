import pytest

from pytest_dsql.local.proxy.rules.errors import shown

CONFLICT = "change conflicts with another transaction (OC000)"


def test_the_engines_names_are_the_users_again() -> None:
    fields = {"C": "42501", "M": "permission denied for view accounts", "s": "pg_occ_2200", "F": "aclchk.c"}
    assert shown(fields, None, cancelled=False) == {"C": "42501", "M": "permission denied for table accounts"}


def test_the_engines_columns_do_not_show_in_a_failing_row() -> None:
    fields = {"C": "23502", "M": "null value", "D": "Failing row contains (4711, I, f, (0,1), 1, null)."}
    assert shown(fields, None, cancelled=False)["D"] == "Failing row contains (1, null)."


@pytest.mark.parametrize(
    ("context", "kept"),
    [
        ("PL/pgSQL function occ.refuse(text,text) line 3 at RAISE", False),
        ("PL/pgSQL function pg_occ_2200_own.commit_1() line 3", False),
        ('SQL function "f" statement 1', True),
    ],
)
def test_only_the_users_own_context_is_shown(context: str, kept: bool) -> None:
    assert ("W" in shown({"M": "no", "W": context}, None, cancelled=False)) is kept


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_postgresqls_own_conflicts_read_as_the_services(sqlstate: str) -> None:
    fields = {"C": sqlstate, "M": "could not serialize access due to concurrent update"}
    assert shown(fields, None, cancelled=False) == {"C": "40001", "M": CONFLICT}


def test_a_schema_conflict_stays_one() -> None:
    fields = {"C": "40001", "M": "schema has been updated by another transaction (OC001)"}
    assert shown(fields, None, cancelled=False) == fields


def test_a_statement_ended_for_a_schema_change_is_a_schema_conflict() -> None:
    fields = {"C": "57014", "M": "canceling statement due to user request"}
    assert shown(fields, None, cancelled=True)["M"].endswith("(OC001)")
    assert shown(fields, None, cancelled=False)["C"] == "57014"


def test_a_position_is_the_clients_or_none() -> None:
    assert shown({"M": "no", "P": "30"}, lambda at: at - 20, cancelled=False)["P"] == "10"
    assert "P" not in shown({"M": "no", "P": "30"}, lambda _: 0, cancelled=False)
    assert "P" not in shown({"M": "no", "P": "30"}, None, cancelled=False)


def test_empty_fields_are_left_out() -> None:
    assert shown({"M": "no", "D": "", "H": ""}, None, cancelled=False) == {"M": "no"}


@pytest.mark.parametrize(
    "fields",
    [
        {
            "C": "23505",
            "s": "pg_catalog",
            "M": 'duplicate key value violates unique constraint "pg_type_typname_nsp_index"',
        },
        {"C": "42846", "M": "cannot cast type record to t", "W": 'SQL function "16412 row" during inlining'},
        {"C": "XX000", "M": "could not open relation with OID 17870"},
    ],
)
def test_what_a_schema_change_elsewhere_does_to_postgresql_is_a_schema_conflict(fields: dict[str, str]) -> None:
    told = shown(fields, None, cancelled=False)
    assert (told["C"], told["M"]) == ("40001", "schema has been updated by another transaction (OC001)")


@pytest.mark.parametrize(("verb", "told"), [("INSERT", "40001"), ("", "42846")])
def test_an_upsert_of_other_columns_meets_a_schema_change_and_a_users_own_cast_does_not(verb: str, told: str) -> None:
    fields = {"C": "42846", "M": "cannot cast type record to t", "D": "Input has too few columns."}
    assert shown(fields, None, verb, cancelled=False)["C"] == told


def test_a_users_duplicate_stays_what_it_is() -> None:
    assert shown({"C": "23505", "s": "public", "M": "duplicate"}, None, cancelled=False)["C"] == "23505"


def test_the_routine_of_a_stale_plan_is_kept() -> None:
    stale = {"C": "0A000", "M": "cached plan must not change result type", "R": "RevalidateCachedQuery"}
    assert shown(stale, None, cancelled=False)["R"] == "RevalidateCachedQuery"
    assert "R" not in shown({**stale, "R": "exec_stmt_raise"}, None, cancelled=False)

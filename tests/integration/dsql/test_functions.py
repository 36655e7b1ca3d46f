"""Functions that the service does not have."""

import pytest

from tests.fix_sessions import Session, Stage

REFUSED = {
    "pg_advisory_lock": "SELECT pg_advisory_lock(1)",
    "pg_try_advisory_lock": "SELECT pg_try_advisory_lock(1)",
    "pg_advisory_xact_lock_shared": "SELECT pg_advisory_xact_lock_shared(1, 2)",
    "pg_advisory_unlock_all": "SELECT pg_advisory_unlock_all()",
    "pg_backend_pid": "SELECT pg_catalog.pg_backend_pid()",
    "pg_notify": "SELECT pg_notify('news', 'x')",
    "pg_cancel_backend": "SELECT pg_cancel_backend(1)",
    "pg_terminate_backend": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "pg_table_size": "SELECT pg_table_size('pg_class')",
    "pg_total_relation_size": "SELECT pg_total_relation_size('pg_class')",
    "set_config": "SELECT set_config('search_path', 'x', false)",
    "lastval": "SELECT lastval()",
    "lo_creat": "SELECT lo_creat(-1)",
    "lo_from_bytea": "SELECT lo_from_bytea(0, 'x')",
    "to_tsvector": "SELECT to_tsvector('x')",
    "plainto_tsquery": "SELECT plainto_tsquery('x')",
    "ts_rank": "SELECT ts_rank('a', 'b')",
}


@pytest.fixture
def session(module_stage: Stage) -> Session:
    return module_stage.open()


@pytest.mark.parametrize("name", REFUSED)
def test_a_function_is_refused_by_its_name(session: Session, name: str) -> None:
    error = session.fails(REFUSED[name])
    assert (error.sqlstate, error.diag.message_primary) == ("0A000", f"function {name} not supported")
    assert session("SELECT 1") == [1]


def test_a_refused_function_fails_the_transaction(session: Session) -> None:
    session("BEGIN")
    session.fails("SELECT pg_backend_pid()")
    assert session.refused("SELECT 1") == "25P02"
    session("ROLLBACK")


def test_pg_sleep_runs(session: Session) -> None:
    assert session("SELECT 1 FROM pg_sleep(0)") == [1]

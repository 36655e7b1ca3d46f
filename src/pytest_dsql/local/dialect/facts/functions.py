"""Functions and PL/pgSQL."""

from .fact import unsupported

FUNCTION_LANGUAGE = unsupported("CREATE FUNCTION with language {} not supported", "rec for others than sql")
LANGUAGES = frozenset({"sql", "plpgsql"})
DO_LANGUAGE = unsupported('language "{}" does not support inline code execution', "PostgreSQL")
REFUSED_FUNCTION = unsupported(
    "function {} not supported",
    "live 2026-10: pg_try_advisory_lock; wild 2025-05: pg_backend_pid; wild 2025-06: pg_advisory_lock;"
    " others of these families, and those that skill lists as unavailable, by analogy",
    "2026-10",
)
REFUSED_OPERATOR = unsupported("operator {} not supported", "skill: unavailable; text by analogy", "2026-10")

# Refused functions by why it is known. Of txid_current, pg_database_size and pg_sleep there is no such sign.
REFUSED_FUNCTIONS = {
    "live, wild": "pg_advisory_lock pg_try_advisory_lock pg_backend_pid",
    "skill": (
        "pg_advisory_unlock pg_notify pg_cancel_backend pg_terminate_backend pg_table_size pg_total_relation_size"
        " set_config lastval lo_create lo_import lo_export to_tsvector to_tsquery plainto_tsquery ts_rank"
    ),
    "wild: without a text": "inet_server_addr inet_server_port",
    "analogy": (
        "pg_advisory_lock_shared pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock"
        " pg_advisory_xact_lock_shared pg_try_advisory_lock_shared pg_try_advisory_xact_lock"
        " pg_try_advisory_xact_lock_shared"
        " pg_relation_size pg_indexes_size pg_listening_channels pg_notification_queue_usage"
        " pg_reload_conf pg_rotate_logfile pg_log_backend_memory_contexts"
        " lo_creat lo_open lo_close loread lowrite lo_lseek lo_lseek64 lo_tell lo_tell64 lo_truncate lo_truncate64"
        " lo_unlink lo_from_bytea lo_get lo_put"
        " phraseto_tsquery websearch_to_tsquery json_to_tsvector jsonb_to_tsvector array_to_tsvector"
        " ts_rank_cd ts_headline ts_debug ts_delete ts_filter ts_lexize ts_parse ts_rewrite ts_stat ts_token_type"
        " tsquery_phrase tsvector_to_array get_current_ts_config"
    ),
}
REFUSED_NAMES = frozenset(name for names in REFUSED_FUNCTIONS.values() for name in names.split())
# `@@` and `@@@` of text search; that of jsonb runs.
TEXT_SEARCH_OPERATORS = frozenset({"@@", "@@@"})
TEXT_SEARCH_TYPES = frozenset({"tsvector", "tsquery"})

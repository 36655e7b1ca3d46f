"""Settings."""

from .fact import Fact, unsupported

SETTING = unsupported('setting configuration parameter "{}" not supported', "rec, live")
NO_SUCH_SETTING = Fact(
    "42704",
    'unrecognized configuration parameter "{}"',
    "rec for names PostgreSQL does not know; own for jit, which asyncpg asks for and bears to miss",
    "2026-11",
)

# docs, live: settings a session may set; every planner switch enable_* belongs to them.
SETTABLE = frozenset(
    [
        "application_name",
        "client_encoding",
        "datestyle",
        "extra_float_digits",
        "intervalstyle",
        "timezone",
        "search_path",
        "dsql.enable_batched_nestloop",
        "disable_sync_create_index",
    ]
)
SETTABLE_PREFIX = "enable_"
# live 2026-10: what SET SESSION CHARACTERISTICS AS TRANSACTION takes.
CHARACTERISTICS = frozenset({"transaction_read_only", "transaction_isolation"})
# own: settings of PostgreSQL that a session is told are not there.
ABSENT_SETTINGS = frozenset({"jit"})
# rec 2026-09: what the server says of itself.
# exp: max_connections, which says nothing of the quota.
FIXED_SETTINGS = {
    "server_version": "16.15",
    "server_version_num": "160015",
    "max_connections": "20",
    "transaction_isolation": "repeatable read",
}
# PostgreSQL takes an unknown setting only with a dot in its name.
RENAMED_SETTINGS = {"disable_sync_create_index": "dsql.disable_sync_create_index"}

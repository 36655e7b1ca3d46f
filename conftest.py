"""Which plugins the tests are made of, one per subject; nothing else lives here."""

pytest_plugins = (
    "pytester",
    "tests.fix_layers",
    "tests.fix_options",
    "tests.fix_workers",
    "tests.fix_postgres",
    "tests.fix_bank",
    "tests.fix_engine",
    "tests.fix_front",
    "tests.fix_function",
    "tests.fix_functions",
    "tests.fix_target",
    "tests.fix_stack",
    "tests.fix_aws",
    "tests.fix_storm",
    "tests.fix_cluster",
    "tests.fix_probes",
    "tests.fix_sessions",
    "tests.fix_clients",
    "tests.fix_alone",
    "tests.fix_principals",
)

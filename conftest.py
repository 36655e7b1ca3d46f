"""Which plugins all tests are made of, one per subject; those of a layer are in ``fix_layers``. Nothing else here."""

pytest_plugins = (
    "pytester",
    "tests.fix_layers",
    "tests.fix_options",
    "tests.fix_run",
    "tests.fix_log",
    "tests.fix_workers",
    "tests.fix_postgres",
    "tests.fix_golden",
    "tests.fix_target",
    "tests.fix_stack",
    "tests.fix_storm",
)

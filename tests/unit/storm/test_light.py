"""What a storm's workers load before they make a call: there are dozens of them, and two cores."""

import os
import subprocess
import sys
from typing import Final

from tests.fix_target import ROOT

HEAVY: Final = ("boto3", "botocore", "psycopg", "matplotlib", "infra.stack")
LIMIT_S: Final = 50
COLLECTS: Final = f"""
import sys, pytest
options = "-q --collect-only -p xdist -p pytest_timeout -p no:cacheprovider -m stress tests"
assert pytest.main(options.split()) == 0
import infra.stand_in, pytest_dsql.storm.run.worker
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""


def test_a_worker_loads_no_more_than_it_needs() -> None:
    path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    done = subprocess.run(
        [sys.executable, "-c", COLLECTS],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, collected, heavy = done.stdout.split("\n")[:-1]
    assert "tests collected" in collected
    assert heavy == ""

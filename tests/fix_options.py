"""Options whose values are paths: pytest must know them before it looks for its configuration.

Else it takes the path for one of tests, and looks beside it. Under tox this plugin is loaded first of all; where it is
not, write ``--probes=FILE`` and ``--report=DIR`` in one word.
"""

import pytest

from pytest_dsql.storm.run.options import REPORT


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("probes", "recorded answers").addoption(
        "--probes", metavar="FILE", action="append", default=[], help="JSON file of probes to run against the target"
    )
    parser.getgroup("storm").addoption(REPORT.flag, **REPORT.for_argparse())

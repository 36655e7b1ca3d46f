"""Whether the engine's generated code is compared with what is kept of it, or kept anew."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("engine", "the engine's generated code").addoption(
        "--golden",
        choices=["compare", "write"],
        default="compare",
        help="compare it with what is kept, or keep it anew",
    )

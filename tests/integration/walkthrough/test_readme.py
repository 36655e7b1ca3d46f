"""The README's walk-through, command by command, each with the output that the README shows."""

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent.parent
BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ANYTHING: Final = "…"
LIMIT_S: Final = 55
END: Final = uuid.uuid4().hex


def steps() -> list[tuple[str, list[str]]]:
    """Return the README's commands and the lines that each prints."""
    found: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall((ROOT / "README.md").read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
    return found


class Shell:
    """A newcomer's shell: what one command exports, the next one has."""

    def __init__(self, folder: Path) -> None:
        tools = Path(sys.executable).parent
        environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(folder),
            "DSQL_STATE_DIR": str(folder / "state"),
            "PAGER": "cat",
        }
        self._process = subprocess.Popen(
            ["bash"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> list[str]:
        """Run a command; return the lines that it prints."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{command}\nprintf '\\n%s\\n' {END}\n")
        self._process.stdin.flush()
        lines = [line.rstrip() for line in iter(self._process.stdout.readline, f"{END}\n")]
        return tidied(lines)

    def close(self) -> None:
        """End the stand-in, whatever became of it, and the shell."""
        self._process.communicate("python -m infra down >/dev/null 2>&1\n", timeout=LIMIT_S)


def tidied(lines: list[str]) -> list[str]:
    """Return the lines without blank ones, and without the spaces at their ends."""
    return [line.rstrip() for line in lines if line.strip()]


@pytest.fixture
def shell(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shell]:
    if request.config.option.target != "local":
        pytest.skip("the README's output is the stand-in's")
    missing = [name for name in ("psql", "aws", "bash") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    shell = Shell(tmp_path)
    yield shell
    shell.close()


@pytest.mark.long
@pytest.mark.timeout(240)
def test_the_walkthrough(shell: Shell) -> None:
    walkthrough = steps()
    assert len(walkthrough) > 20
    for command, expected in walkthrough:
        printed = shell.run(command)
        pattern = "\n".join(tidied(expected))
        wanted = ".*".join(re.escape(part) for part in pattern.split(ANYTHING))
        assert re.fullmatch(wanted, "\n".join(printed), re.DOTALL), f"$ {command}\n" + "\n".join(printed)

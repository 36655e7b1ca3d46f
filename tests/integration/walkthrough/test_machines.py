"""A storm whose workers are on three machines: this one, and two that ssh reaches. One of them is lost on the way."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.cloud import Cloud
from infra.stack import Stack
from pytest_dsql.link.state import State
from tests.fix_target import ROOT
from tests.processes import descendants

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.long,
    pytest.mark.skipif(SSHD is None or shutil.which("ssh-keygen") is None, reason="OpenSSH's server is not here"),
]

LIMIT_S = 300
SIZE = ("--rate=30", "--duration=10", "--parallel=30", "--accounts=50", "--warmup=8")
SERVER = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/../key.pub
PidFile {folder}/pid
SetEnv HOME={folder}
StrictModes no
UsePAM no
PasswordAuthentication no
"""
CLIENT = """
Host {name}
  HostName 127.0.0.1
  Port {port}
  IdentityFile {folder}/../key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  LogLevel ERROR
"""


@dataclass(frozen=True)
class Machine:
    """A machine that ssh reaches: a server of its own, a home of its own."""

    name: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def tx(self) -> str:
        """How pytest-xdist has a worker there."""
        config = self.folder.parent / "config"
        return f"--tx=ssh={self.name}//ssh_config={config}//python={sys.executable}//chdir={self.folder}"

    def kill(self) -> None:
        """Have it gone, with all that runs there."""
        for pid in {self.process.pid, *descendants(self.process.pid)}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_name(f"{path.name}.pub").read_text()


def served(name: str, folder: Path) -> Machine:
    """Start a machine's server; it listens when this returns."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "known").write_text(f"[127.0.0.1]:{port} {key(folder / 'host')}")
    (folder / "server").write_text(SERVER.format(port=port, folder=folder))
    with (folder.parent / "config").open("a") as config:
        config.write(CLIENT.format(name=name, port=port, folder=folder))
    Path("/run/sshd").mkdir(exist_ok=True)
    command = [str(SSHD), "-D", "-e", "-f", str(folder / "server")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert process.stderr
    assert b"listening" in process.stderr.readline()
    return Machine(name, folder, process)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    """Two of them."""
    key(tmp_path / "key")
    machines: list[Machine] = []
    try:
        machines.append(served("driver1", tmp_path / "driver1"))
        machines.append(served("driver2", tmp_path / "driver2"))
        yield machines
    finally:
        for machine in machines:
            machine.kill()
            machine.process.communicate(timeout=LIMIT_S)


@pytest.fixture
def storms(cloud: Cloud, machines: list[Machine], tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run of two storms by a worker here and one on each machine, with a stack of its own."""
    if cloud.target != "local":
        pytest.skip("the stack of the run is another's on AWS")
    name = f"dsql-perspective-{uuid.uuid4().hex[:8]}"
    State(tmp_path / "state" / "state.json").write(cloud.environment, os.getpid())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment |= {"DSQL_STATE_DIR": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    where = [f"--rsyncdir={ROOT}", "--tx=popen", *(machine.tx for machine in machines), "--dist=load"]
    which = [
        *SIZE,
        "-k",
        "without_retry or with_retry",
        f"--report={tmp_path / 'report'}",
        str(ROOT / "tests" / "stress"),
    ]
    stack = [f"--stack-name={name}", "--stand-in=running", "--keep-stack"]
    command = [sys.executable, "-m", "pytest", "-m", "stress", *where, *stack, *which]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        yield running
        running.kill()
    Stack(cloud, name).delete()


def test_a_storm_is_made_by_three_machines_and_goes_on_when_one_is_lost(
    storms: "subprocess.Popen[str]", machines: list[Machine]
) -> None:
    assert storms.stdout
    whole = next(line for line in storms.stdout if line.startswith("storm: with retry"))
    whole += next(line for line in storms.stdout if re.match(r"[1-9]\d*/300 ", line))
    machines[1].kill()
    told, _ = storms.communicate(timeout=LIMIT_S)
    first, second = told.split("storm: with retry: every call is committed =")
    assert "\nPASS  300 calls on the local stand-in" in first
    assert re.search(r"clocks:\s+worker0\d on \S+ [\d.]+ ms (ahead|behind) \(± [\d.]+ ms\),", first)
    assert re.search(r"\nFAIL  \d+ calls", second)
    findings = set(re.findall(r"^  (\w+): ", second.partition("\n\n")[0], re.MULTILINE))
    assert findings == {"lost_worker", "missing_calls"}
    assert "1 workers did not come to their end" in second

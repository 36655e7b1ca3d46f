"""Execution environments: what is in them, how long they live, what is left of them."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.functions.endpoint import WAIT_S, Functions, coded, zipped

PID = "import os\ndef handler(event, context): return os.getpid()"
PARENT = "import os\ndef handler(event, context): return os.getppid()"
MODULES = """
    import importlib.util, sys
    before = set(sys.modules)
    def handler(event, context):
        return {"loaded": sorted(before & set(event)), "found": [n for n in event if importlib.util.find_spec(n)]}
"""


def installed(name: str, source: str = "") -> dict[str, str]:
    """Return a distribution as pip leaves it."""
    return {
        f"{name}/__init__.py": source,
        f"{name}-1.dist-info/RECORD": f"{name}/__init__.py,,\n{name}-1.dist-info/RECORD,,\n",
    }


def program(name: str, says: str) -> dict[Any, str]:
    """Return a file of a zip that can be run."""
    file = zipfile.ZipInfo(name)
    file.external_attr = 0o755 << 16
    return {file: f"#!/bin/sh\necho {says}\n"}


@contextlib.contextmanager
def open_files(count: int) -> Iterator[None]:
    """Have that many files open, as a stand-in has connections in a storm."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 2 * count), before[1]))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(count)]
    try:
        yield
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def ends(pid: int) -> None:
    """Wait until a process has ended; one that nobody has reaped yet has ended, too."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        if shown.stdout.strip()[:1] in {"", "Z"}:
            return
    pytest.fail(f"process {pid} still runs")


def test_it_is_used_again(functions: Functions) -> None:
    functions.deploy(PID)
    assert functions.invoke().value == functions.invoke().value


def test_it_starts_while_a_storm_has_a_thousand_connections_open(functions: Functions) -> None:
    functions.deploy()
    with open_files(1_100):
        assert functions.invoke(b'"hello"').value == "hello"


def test_its_variables_are_lambdas_and_the_functions(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVELOPERS_OWN", "1")
    functions.deploy(
        "import os\ndef handler(event, context): return dict(os.environ)", variables={"DATABASE_USER": "myapp"}
    )
    variables = functions.invoke().value
    assert "DEVELOPERS_OWN" not in variables
    assert variables["DATABASE_USER"] == "myapp"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "it"
    assert variables["AWS_SESSION_TOKEN"] == "arn:aws:iam::123456789012:role/it/it"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python{}.{}".format(*sys.version_info)
    assert (variables["_HANDLER"], variables["TZ"], variables["AWS_REGION"]) == ("app.handler", ":UTC", "us-east-1")


def test_its_variables_are_there_at_import(functions: Functions) -> None:
    names = ["AWS_ACCESS_KEY_ID", "AWS_LAMBDA_LOG_STREAM_NAME", "COLOUR"]
    functions.deploy(
        f"import os\nseen = [bool(os.getenv(n)) for n in {names}]\ndef handler(e, c): return seen",
        variables={"COLOUR": "red"},
    )
    assert functions.invoke().value == [True, True, True]


def test_its_folder_is_the_unpacked_zip(functions: Functions) -> None:
    source = """
import os, sys
def handler(event, context):
    return [os.getcwd(), sys.path[0], os.environ["LAMBDA_TASK_ROOT"], open("data").read()]
"""
    functions.deploy({"app.py": source, "data": "here"})
    folder, first, root, data = functions.invoke().value
    assert folder == first == root
    assert Path(folder).is_relative_to(functions.endpoint.folder)
    assert data == "here"


def test_a_program_in_the_zip_can_be_run(functions: Functions) -> None:
    functions.deploy(
        {
            "app.py": "import subprocess\ndef handler(e, c): return subprocess.check_output('./program', text=True)",
            **program("program", "here"),
        }
    )
    assert functions.invoke().value == "here\n"


def test_what_is_in_a_layer_can_be_imported_and_run(functions: Functions) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    below = {"python/both.py": "WORD = 'below'", **program("bin/tool", "tool")}
    above = {"python/both.py": "WORD = 'above'", f"python/lib/{version}/site-packages/other.py": "WORD = 'other'"}
    layers = tuple(coded(zipped(files)) for files in (below, above))
    source = """
        import both, other, subprocess
        def handler(event, context):
            return [both.WORD, other.WORD, subprocess.check_output("tool", text=True)]
    """
    functions.deploy(source, layers=layers)
    assert functions.invoke().value == ["above", "other", "tool\n"]


def test_nothing_of_ours_is_left_in_it(functions: Functions) -> None:
    functions.deploy("""
        import os, sys, threading
        seen = [sys.modules["__main__"].__spec__.name, sys.argv[1:], threading.active_count()]
        def opened(descriptor):
            try:
                os.fstat(descriptor)
                return True
            except OSError:
                return False
        def named(descriptor):
            try:
                return os.readlink(f"/proc/self/fd/{descriptor}")
            except OSError:
                return str(descriptor)
        descriptors = [named(each) for each in range(256) if opened(each)]
        def handler(event, context):
            return seen, descriptors
    """)
    seen, descriptors = functions.invoke().value
    assert seen == ["awslambdaric.__main__", ["app.handler"], 1]
    standard, more = descriptors[:3], descriptors[3:]
    assert len(standard) == 3
    # ctypes is loaded before the fork, and newer versions of libffi (3.4) keep their own library open.
    assert [each for each in more if "libffi" not in each] == []


def test_only_the_zip_and_the_runtime_client_can_be_imported(functions: Functions) -> None:
    functions.deploy(
        {
            "sub/app.py": "from .other import handler",
            "sub/__init__.py": "",
            "sub/other.py": MODULES.replace("\n    ", "\n"),
            "mine.py": "",
        },
        handler="sub/app.handler",
    )
    asked = ["mine", "awslambdaric", "simplejson", "boto3", "psycopg", "aiohttp", "pytest", "pip", "infra", "zygote"]
    assert functions.invoke(asked).value["found"] == ["mine", "awslambdaric", "simplejson", "boto3"]


def test_installed_libraries_are_loaded_before_the_handler_and_nothing_else_of_the_zip(functions: Functions) -> None:
    files = {
        **installed("alpha"),
        **installed("beta", "raise RuntimeError"),
        "own/__init__.py": "",
        "own/app.py": MODULES.replace("\n    ", "\n"),
    }
    functions.deploy({**files, "gamma/__init__.py": ""}, handler="own.app.handler")
    assert functions.invoke(["alpha", "beta", "gamma"]).value == {
        "loaded": ["alpha"],
        "found": ["alpha", "beta", "gamma"],
    }


def test_a_library_that_starts_a_thread_is_not_loaded_before_the_fork(functions: Functions) -> None:
    source = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
    functions.deploy({**installed("alpha", source), "app.py": MODULES.replace("\n    ", "\n")})
    assert functions.invoke(["alpha"]).value == {"loaded": [], "found": ["alpha"]}


def test_a_library_that_exits_fails_in_the_environment(functions: Functions) -> None:
    functions.deploy(
        {
            **installed("alpha", "import os; os._exit(5)"),
            "app.py": "def handler(event, context):\n    if event: import alpha",
        }
    )
    assert functions.invoke(0).error is None
    assert functions.invoke(1).value["errorMessage"].endswith("exit status 5")


@pytest.mark.parametrize(
    "change", [{"variables": {"COLOUR": "red"}}, {"timeout_s": 5}, {"role": "arn:aws:iam::123456789012:role/other"}]
)
def test_a_change_of_configuration_replaces_it(functions: Functions, change: dict[str, Any]) -> None:
    functions.deploy(PID)
    before = functions.invoke().value
    functions.configure(**change)
    assert functions.invoke().value != before
    ends(before)


def test_new_code_replaces_it(functions: Functions) -> None:
    functions.deploy("def handler(event, context): return 1")
    assert functions.invoke().value == 1
    functions.deploy("def handler(event, context): return 2")
    assert functions.invoke().value == 2


def test_old_code_is_removed(functions: Functions) -> None:
    for version in range(8):
        functions.deploy(f"def handler(event, context): return {version}")
        functions.invoke()
    assert len(list((functions.endpoint.folder / "code").iterdir())) <= 7


def test_it_is_replaced_before_its_credentials_expire(functions: Functions) -> None:
    functions.deploy(PID)
    functions.account.credentials_s = 299
    assert functions.invoke().value != functions.invoke().value
    functions.account.credentials_s = 400
    assert functions.invoke().value == functions.invoke().value


def test_one_that_dies_idle_is_replaced(functions: Functions) -> None:
    functions.deploy(PID)
    pid = functions.invoke().value
    os.kill(pid, signal.SIGKILL)
    ends(pid)
    assert functions.invoke().value != pid


def test_one_that_dies_idle_gives_its_place_back(start_functions: Callable[..., Functions]) -> None:
    functions = start_functions(environments=1)
    functions.deploy(PID)
    pid = functions.invoke().value
    os.kill(pid, signal.SIGKILL)
    ends(pid)
    assert functions.invoke().value != pid


def test_one_whose_credentials_end_while_it_is_idle_gives_its_place_back(
    start_functions: Callable[..., Functions], monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = start_functions(environments=1)
    functions.deploy(PID)
    pid = functions.invoke().value
    monkeypatch.setattr("pytest_dsql.local.functions.environments.pool.MARGIN", timedelta(hours=2))
    assert functions.invoke().value != pid


def test_one_that_is_busy_when_its_function_changes_ends_with_its_invocation(
    functions: Functions, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    functions.deploy("import os\ndef handler(event, context): return os.getpid(), event and open(event).read()")
    with ThreadPoolExecutor() as executor:
        call = executor.submit(functions.invoke, str(tmp_path / "fifo"))
        with (tmp_path / "fifo").open("w"):  # the function has it open, too
            functions.configure(timeout_s=5)
            functions.invoke()
        pid, _ = call.result(WAIT_S).value
    ends(pid)


def test_so_many_of_a_function_are_killed_in_mid_invocation(functions: Functions, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    functions.deploy("import os\ndef handler(event, context): return os.getpid(), event and open(event).read()")
    pid, _ = functions.invoke().value
    with ThreadPoolExecutor() as executor:
        call = executor.submit(functions.invoke, str(tmp_path / "fifo"))
        with (tmp_path / "fifo").open("w"):  # the function has it open, too
            killed = [functions.kill(*asked) for asked in (("other", 1), ("it", 0), ("it", 2))]
            answer = call.result(WAIT_S)
    assert killed == [0, 0, 1]
    assert answer.error == "Unhandled"
    assert answer.value["errorType"] == "Runtime.ExitError"
    ends(pid)


def test_a_parent_beyond_the_machines_environments_ends(start_functions: Callable[..., Functions]) -> None:
    functions = start_functions(environments=1)
    functions.deploy(PARENT)
    functions.deploy(PARENT, "other")
    parent = functions.invoke().value
    assert functions.invoke(name="other").value != parent
    ends(parent)


def test_one_that_never_comes_up_leaves_no_process(start_functions: Callable[..., Functions]) -> None:
    functions = start_functions(init_limit_s=0.3)
    functions.deploy("import os, time\nprint('process', os.getpid(), flush=True)\ntime.sleep(60)", timeout_s=1)
    functions.invoke()
    pids = [int(line.split()[1]) for line in functions.account.wait_for_line("REPORT ") if line.startswith("process")]
    assert len(pids) == 2
    for pid in pids:
        ends(pid)


def test_it_dies_with_its_parent_which_is_replaced(functions: Functions) -> None:
    functions.deploy("import os\ndef handler(event, context): return os.getpid(), os.getppid()")
    pid, parent = functions.invoke().value
    os.kill(parent, signal.SIGKILL)
    ends(pid)
    assert functions.invoke().value[1] != parent


def test_a_forgotten_function_leaves_no_process(functions: Functions) -> None:
    functions.deploy("import os\ndef handler(event, context): return os.getpid(), os.getppid()")
    pid, parent = functions.invoke().value
    functions.endpoint.loop.call_soon_threadsafe(
        functions.endpoint.service.forget, functions.account.functions["it"].arn
    )
    ends(pid)
    ends(parent)


def test_close_leaves_no_process(functions: Functions) -> None:
    source = """
        import os, subprocess
        def handler(event, context):
            return os.getpid(), os.getppid(), subprocess.Popen(["sleep", "60"]).pid
    """
    functions.deploy(source)
    pids = functions.invoke().value
    functions.endpoint.stop()
    assert not functions.endpoint.folder.exists()
    for pid in pids:
        ends(pid)


def test_nothing_outlives_a_stand_in_that_is_killed(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from tests.unit.functions.endpoint import Endpoint, Functions, Here
endpoint = Endpoint(Here(), Path({str(tmp_path)!r}) / "lambda")
functions = Functions(endpoint, endpoint.run(endpoint.start()))
functions.deploy("import os\\ndef handler(event, context): return os.getpid(), os.getppid()")
print(*functions.invoke().value, flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        environment, parent = map(int, process.stdout.readline().split())
        process.kill()
    ends(environment)
    ends(parent)


def test_it_works_on_asyncios_own_loop(start_functions: Callable[..., Functions]) -> None:
    functions = start_functions(new_loop=asyncio.new_event_loop)
    functions.deploy()
    assert functions.invoke(1).value == functions.invoke(1).value == 1

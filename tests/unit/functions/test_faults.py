"""Functions that raise, exit, hang, or cannot be started."""

import re
import time
from collections.abc import Callable

import pytest

from pytest_dsql.local.functions.invoke.account import Code
from tests.unit.functions.endpoint import Functions

CRASHES = "import os\ndef handler(event, context):\n    if event: os._exit(event)\n    return os.getpid()"
HANGS = "import time\ndef handler(event, context): print('before', flush=True) or time.sleep(event)"


def test_an_exception_is_a_function_error(functions: Functions) -> None:
    functions.deploy("def handler(event, context): raise LookupError('no such thing')")
    answer = functions.invoke()
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert answer.value["errorMessage"] == "no such thing"
    assert answer.value["errorType"] == "LookupError"
    assert answer.value["requestId"] == answer.headers["x-amzn-requestid"]
    assert "app.py" in answer.value["stackTrace"][0]


def test_an_exception_leaves_the_environment_warm(functions: Functions) -> None:
    functions.deploy(
        "import os\ndef handler(event, context):\n    if event: raise ValueError(os.getpid())\n    return os.getpid()"
    )
    assert functions.invoke(1).value["errorMessage"] == str(functions.invoke(0).value)


def test_an_exit_is_a_function_error_and_the_next_call_starts_cold(functions: Functions) -> None:
    functions.deploy(CRASHES)
    first = functions.invoke(0).value
    answer = functions.invoke(3)
    request_id = answer.headers["x-amzn-requestid"]
    assert answer.error == "Unhandled"
    assert answer.value == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: exit status 3",
    }
    assert functions.invoke(0).value != first


def test_a_signal_is_named(functions: Functions) -> None:
    functions.deploy("import os, signal\ndef handler(event, context): os.kill(os.getpid(), signal.SIGKILL)")
    assert functions.invoke().value["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_exit_status_0_gives_no_reason(functions: Functions) -> None:
    functions.deploy("def handler(event, context): exit()")
    assert functions.invoke().value["errorMessage"].endswith("Runtime exited without providing a reason")


def test_a_timeout_ends_the_environment(functions: Functions) -> None:
    functions.deploy(HANGS, timeout_s=1)
    began = time.monotonic()
    answer = functions.invoke(30, LogType="Tail")
    request_id = answer.headers["x-amzn-requestid"]
    assert time.monotonic() - began < 10
    assert answer.value == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    assert re.search(rf"before\n\d{{4}}-.*T.*Z {request_id} Task timed out after 1.00 seconds\n", answer.log)
    assert "\tStatus: timeout\n" in answer.log
    assert functions.invoke(0).error is None


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import psycopg", "app.handler", "Runtime.ImportModuleError"),
        ("import aiohttp", "app.handler", "Runtime.ImportModuleError"),
        ("", "missing.handler", "Runtime.ImportModuleError"),
        ("", "app.handler", "Runtime.HandlerNotFound"),
        ("", "app", "Runtime.MalformedHandlerName"),
        ("def", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("1 / 0", "app.handler", "ZeroDivisionError"),
    ],
)
def test_an_init_error_is_the_clients_own(functions: Functions, source: str, handler: str, kind: str) -> None:
    functions.deploy(source, handler=handler)
    answer = functions.invoke()
    assert (answer.error, answer.value["errorType"]) == ("Unhandled", kind)


def test_a_module_that_exits_is_a_function_error(functions: Functions) -> None:
    functions.deploy("import os; os._exit(7)")
    answer = functions.invoke(LogType="Tail")
    assert answer.value["errorMessage"].endswith("Runtime exited with error: exit status 7")
    assert answer.log.splitlines()[0].startswith("START ")
    assert "Status: error\tError Type: Runtime.ExitError" in answer.log.splitlines()[-1]


def test_an_init_that_takes_too_long_is_tried_again_within_the_invocation(
    start_functions: Callable[..., Functions],
) -> None:
    functions = start_functions(init_limit_s=0.3)
    functions.deploy(
        "import time; time.sleep(0.6)\ndef handler(event, context): return context.get_remaining_time_in_millis()"
    )
    assert 8_000 < functions.invoke().value < 9_500
    assert any(
        "INIT_REPORT" in line and "Status: timeout" in line for line in functions.account.wait_for_line("REPORT ")
    )


def test_an_init_that_never_ends_times_out(start_functions: Callable[..., Functions]) -> None:
    functions = start_functions(init_limit_s=0.3)
    functions.deploy("import time; time.sleep(60)", timeout_s=1)
    assert functions.invoke().value["errorType"] == "Sandbox.Timedout"


def test_a_zip_that_is_none_is_refused(functions: Functions) -> None:
    functions.deploy()
    functions.configure(code=Code(b"no", "no"))
    with pytest.raises(functions.client.exceptions.InvalidZipFileException):
        functions.invoke()


@pytest.mark.parametrize("name", ["../../outside.py", "a/../../outside.py", "/tmp/outside.py"])
def test_a_zip_that_reaches_outside_is_refused(functions: Functions, name: str) -> None:
    functions.deploy({name: ""})
    with pytest.raises(functions.client.exceptions.InvalidZipFileException):
        functions.invoke()
    assert not list(functions.endpoint.folder.parent.rglob("outside.py"))
    assert not list((functions.endpoint.folder / "code").iterdir())


def test_an_answer_to_another_request_is_refused(functions: Functions) -> None:
    functions.deploy("""
        import http.client, os
        def handler(event, context):
            client = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
            client.request("POST", "/2018-06-01/runtime/invocation/another/response", "1")
            return client.getresponse().status
    """)
    assert functions.invoke().value == 400

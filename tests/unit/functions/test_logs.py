"""What goes to the log, and its tail to the caller."""

import re
import time

from tests.unit.functions.endpoint import Functions

PRINTS = "print('at import')\ndef handler(event, context): print('one\\ntwo'); print('no end', end='')"


def figures(log: str) -> dict[str, float]:
    """Return what a REPORT line says, by name."""
    return {name: float(value) for name, value in re.findall(r"\t([A-Z][A-Za-z ]+): ([\d.]+) M?[mB]", log)}


def test_report_is_around_what_the_function_printed(functions: Functions) -> None:
    functions.deploy(PRINTS)
    request_id = functions.invoke().headers["x-amzn-requestid"]
    lines = functions.account.wait_for_line("REPORT")
    assert lines[0].startswith("INIT_START Runtime Version: python:")
    assert lines[1:7] == [
        "at import",
        f"START RequestId: {request_id} Version: $LATEST",
        "one",
        "two",
        "no end",
        f"END RequestId: {request_id}",
    ]
    pattern = (
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB"
        r"\tMax Memory Used: [1-9]\d* MB\tInit Duration: [\d.]+ ms"
    )
    assert re.fullmatch(pattern, lines[7])


def test_only_a_cold_start_has_an_init_duration(functions: Functions) -> None:
    functions.deploy()
    functions.invoke()
    assert "Init Duration" not in functions.invoke(LogType="Tail").log


def test_init_is_billed(functions: Functions) -> None:
    functions.deploy()
    cold, warm = (figures(functions.invoke(LogType="Tail").log) for _ in range(2))
    assert cold["Billed Duration"] >= cold["Duration"] + cold["Init Duration"] - 0.01  # two are rounded
    assert warm["Duration"] <= warm["Billed Duration"] <= warm["Duration"] + 1


def test_memory_is_in_megabytes(functions: Functions) -> None:
    functions.deploy("held = bytes(range(256)) * 4096 * 64\ndef handler(event, context): pass")
    assert 64 <= figures(functions.invoke(LogType="Tail").log)["Max Memory Used"] < 256


def test_times_are_milliseconds_since_the_epoch(functions: Functions) -> None:
    functions.deploy()
    before = time.time()
    functions.invoke()
    functions.account.wait_for_line("REPORT")
    times = [at for events in functions.account.logs.values() for at, _ in events]
    assert int(before * 1000) <= min(times) <= max(times) <= time.time() * 1000


def test_what_comes_after_the_first_batch_is_written_too(functions: Functions) -> None:
    functions.deploy("def handler(event, context): print(event)")
    for text in ("first", "second"):
        functions.invoke(text)
        functions.account.wait_for_line(text)


def test_what_is_no_utf_8_is_shown_as_such(functions: Functions) -> None:
    functions.deploy("import os\ndef handler(event, context): os.write(1, b'gr\\xfc\\xdfe\\n')")
    assert "\ngr\ufffd\ufffde\n" in functions.invoke(LogType="Tail").log


def test_the_stream_is_named_for_day_and_version(functions: Functions) -> None:
    functions.deploy("def handler(event, context): return context.log_stream_name")
    stream = functions.invoke().value
    functions.account.wait_for_line("REPORT")
    assert re.fullmatch(r"\d{4}/\d{2}/\d{2}/\[\$LATEST\][0-9a-f]{32}", stream)
    assert list(functions.account.logs) == [("/aws/lambda/it", stream)]


def test_the_tail_is_of_this_invocation(functions: Functions) -> None:
    functions.deploy(PRINTS)
    functions.invoke()
    lines = functions.invoke(LogType="Tail").log.splitlines()
    assert lines[0].startswith("START")
    assert lines[1:4] == ["one", "two", "no end"]
    assert lines[5].startswith("REPORT")


def test_the_tail_is_4_kb(functions: Functions) -> None:
    functions.deploy("def handler(event, context): print('x' * 200_000)")
    answer = functions.invoke(LogType="Tail")
    assert len(answer.log) == 4096
    assert "REPORT" in answer.log


def test_no_tail_unless_it_is_asked_for(functions: Functions) -> None:
    functions.deploy()
    assert "x-amz-log-result" not in functions.invoke().headers


def test_a_traceback_is_one_event(functions: Functions) -> None:
    functions.deploy("def handler(event, context): raise LookupError('gone')")
    functions.invoke()
    [event] = [line for line in functions.account.wait_for_line("REPORT") if "LookupError" in line]
    assert event.startswith("[ERROR] LookupError: gone\nTraceback (most recent call last):\n")


def test_stderr_is_logged(functions: Functions) -> None:
    functions.deploy("import sys\ndef handler(event, context): sys.stderr.write('oh')")
    assert "\noh\n" in functions.invoke(LogType="Tail").log


def test_secrets_are_not_logged(functions: Functions) -> None:
    functions.deploy(variables={"PASSWORD": "hunter2"})
    functions.invoke()
    text = "\n".join(functions.account.wait_for_line("REPORT"))
    assert "hunter2" not in text
    assert "secret" not in text


def test_close_writes_what_is_left(functions: Functions) -> None:
    functions.deploy()
    functions.invoke()
    functions.endpoint.stop()
    assert any("REPORT" in line for line in functions.account.lines())

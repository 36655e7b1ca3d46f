"""Invoke, as a caller sees it."""

import base64
import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.functions.endpoint import ARN, Functions

CONTEXT = """
    def handler(event, context):
        return {
            "id": context.aws_request_id, "arn": context.invoked_function_arn, "name": context.function_name,
            "version": context.function_version, "memory": context.memory_limit_in_mb,
            "group": context.log_group_name, "stream": context.log_stream_name,
            "left": context.get_remaining_time_in_millis(),
            "custom": context.client_context and context.client_context.custom,
        }
"""


def refused(functions: Functions, *arguments: Any, **options: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        functions.invoke(*arguments, **options)
    return dict(raised.value.response)


def test_answers_with_what_the_handler_returns(functions: Functions) -> None:
    functions.deploy()
    answer = functions.invoke({"greeting": "grüße"})
    assert answer.value == {"greeting": "grüße"}
    assert (answer.status, answer.error, answer.version) == (200, None, "$LATEST")
    assert answer.headers["content-type"] == "application/json"
    assert str(uuid.UUID(answer.headers["x-amzn-requestid"])) == answer.headers["x-amzn-requestid"]


def test_tells_the_handler_its_context(functions: Functions) -> None:
    functions.deploy(CONTEXT)
    answer = functions.invoke()
    assert answer.value["id"] == answer.headers["x-amzn-requestid"]
    assert answer.value["arn"] == f"{ARN}it"
    assert answer.value["group"] == "/aws/lambda/it"
    assert 9_000 < answer.value["left"] <= 10_000


@pytest.mark.parametrize("reference", ["it", "123456789012:function:it", f"{ARN}it", "function:it"])
def test_finds_the_function_by_each_form_of_its_name(functions: Functions, reference: str) -> None:
    functions.deploy()
    assert functions.invoke(1, reference).value == 1


@pytest.mark.parametrize(("reference", "options"), [("it:live", {}), ("it", {"Qualifier": "live"})])
def test_tells_the_handler_the_qualified_arn(functions: Functions, reference: str, options: dict[str, str]) -> None:
    functions.deploy(CONTEXT)
    assert functions.invoke(None, reference, **options).value["arn"] == f"{ARN}it:live"


def test_an_empty_payload_is_an_empty_object(functions: Functions) -> None:
    functions.deploy()
    assert functions.invoke(b"").value == {}


def test_passes_the_client_context(functions: Functions) -> None:
    functions.deploy(CONTEXT)
    context = base64.b64encode(json.dumps({"custom": {"who": "grüße\n"}}).encode()).decode()
    assert functions.invoke(ClientContext=context).value["custom"] == {"who": "grüße\n"}


def test_a_client_context_that_is_not_json_is_refused(functions: Functions) -> None:
    functions.deploy()
    assert refused(functions, ClientContext="bm8=")["Error"]["Code"] == "InvalidRequestContentException"


def test_a_client_context_that_is_too_long_is_refused(functions: Functions) -> None:
    functions.deploy()
    context = base64.b64encode(json.dumps({"custom": "x" * 2_700}).encode()).decode()
    assert "no more than 3583 bytes" in refused(functions, ClientContext=context)["Error"]["Message"]


def test_passes_the_trace(functions: Functions) -> None:
    functions.deploy("import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']")
    answer = functions.invoke()
    assert answer.value == answer.headers["x-amzn-trace-id"]
    assert answer.value.startswith("Root=1-")


def test_passes_the_callers_own_trace(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "caller")  # with it botocore sends the trace
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    functions.deploy("import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']")
    answer = functions.invoke()
    assert answer.value == answer.headers["x-amzn-trace-id"] == trace


def test_a_dry_run_runs_nothing(functions: Functions) -> None:
    functions.deploy("raise SystemExit")
    answer = functions.invoke(InvocationType="DryRun")
    assert (answer.status, answer.payload) == (204, b"")


def test_a_missing_function_is_not_found(functions: Functions) -> None:
    response = refused(functions, name="other")
    assert response["Error"] == {"Code": "ResourceNotFoundException", "Message": f"Function not found: {ARN}other"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == "ResourceNotFoundException"


@pytest.mark.parametrize("payload", [b"{", b"NaN", b"{} {}", b"\xff\xfe1\x00"])
def test_a_payload_that_is_not_json_is_refused(functions: Functions, payload: bytes) -> None:
    functions.deploy()
    error = refused(functions, payload)["Error"]
    assert error["Code"] == "InvalidRequestContentException"
    assert error["Message"].startswith("Could not parse request body into json: ")


def test_a_type_that_does_not_exist_is_refused(functions: Functions) -> None:
    functions.deploy()
    error = refused(functions, InvocationType="Perhaps")["Error"]
    assert error["Code"] == "InvalidParameterValueException"
    assert error["Message"].startswith("Value 'Perhaps' at 'invocationType' is not one of DryRun, Event, Request")


def test_a_name_that_no_function_can_have_is_refused(functions: Functions) -> None:
    functions.deploy()
    assert refused(functions, name="it!")["Error"]["Code"] == "InvalidParameterValueException"


def test_two_different_qualifiers_are_refused(functions: Functions) -> None:
    functions.deploy()
    assert refused(functions, name="it:live", Qualifier="1")["Error"]["Code"] == "InvalidParameterValueException"


def test_a_payload_over_6_mb_is_refused(functions: Functions) -> None:
    functions.deploy()
    response = refused(functions, "x" * 6_291_455)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert response["Error"]["Message"].startswith("Request must be smaller than 6291456 bytes")


def test_a_payload_of_6_mb_is_taken(functions: Functions) -> None:
    functions.deploy("def handler(event, context): return len(event)")
    assert functions.invoke("x" * 6_291_454).value == 6_291_454


def test_an_event_over_1_mb_is_refused(functions: Functions) -> None:
    functions.deploy()
    error = refused(functions, "x" * 1_048_576, InvocationType="Event")["Error"]
    assert error["Message"] == "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"


def test_a_response_over_6_mb_is_a_function_error(functions: Functions) -> None:
    functions.deploy("def handler(event, context): return 'x' * event")
    answer = functions.invoke(6_291_555)
    assert (answer.error, answer.value["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert functions.invoke(6_291_554).error is None

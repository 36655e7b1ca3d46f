"""What AWS Lambda is known to do: limits, texts and codes, each with its source and date."""

from typing import Final

SYNCHRONOUS_PAYLOAD: Final = 6_291_456
"""Bytes of a request's payload; "6 MB" in Lambda quotas (developer guide, 2026-11)."""
ASYNCHRONOUS_PAYLOAD: Final = 1_048_576
"""Bytes of an event's payload; API reference of Invoke, 2026-11 ("1 MB"; it was 256 KB until 2025)."""
RESPONSE_PAYLOAD: Final = 6_291_556
"""Bytes of a response; the number in Lambda's own message, github.com/umihico/pythonista-chromeless/issues/11."""
CLIENT_CONTEXT: Final = 3_583
"""Bytes of the client context in base64; API reference of Invoke, 2026-11."""
LOG_TAIL: Final = 4_096
"""Bytes of the log that ``LogType=Tail`` gives; API reference of Invoke, 2026-11."""

CONCURRENCY: Final = 1_000
"""Executions at a time that an account has at first; Lambda quotas (developer guide, 2026-10)."""

INIT_LIMIT_S: Final = 10.0
"""Init ends after this time and is tried once more within the invocation; developer guide, "Execution environment
lifecycle", 2026-11."""
EVENT_RETRIES: Final = 2
"""How often an event that failed is tried again; developer guide, "Asynchronous invocation", 2026-11."""
EVENT_RETRY_DELAYS_S: Final = (60.0, 120.0)
"""The wait before the first and the second of them; as above."""
EVENT_AGE_S: Final = 6 * 3600.0
"""How long an event may wait; as above."""
THROTTLED_EVENT_DELAYS_S: Final = (1.0, 300.0)
"""An event that is throttled waits between these, twice as long each time; as above."""
RETRY_AFTER_S: Final = 1
"""What a throttled caller is told to wait. Lambda sends the header (botocore's model, 2026-11); its value is ours."""

PAYLOAD_TOO_LARGE_CODE: Final = "RequestEntityTooLargeException"
"""On the wire, as recorded from 2024 to 2026 (ASFHyP3/hyp3#2241 among others). botocore's model (2026-11) has
``RequestTooLargeException``, which therefore matches neither there nor here."""
PAYLOAD_TOO_LARGE: Final = f"Request must be smaller than {SYNCHRONOUS_PAYLOAD} bytes for the InvokeFunction operation"
EVENT_TOO_LARGE: Final = (
    "{size} byte payload is too large for the Event invocation type (limit " + f"{ASYNCHRONOUS_PAYLOAD} bytes)"
)
NOT_JSON: Final = "Could not parse request body into json: Could not parse payload into json: {cause}"
"""Lambda's cause is in the words of its Java parser (awsdocs/aws-lambda-developer-guide#351); ours is in Python's."""
THROTTLED: Final = "Rate Exceeded."
"""alexcasalboni/aws-lambda-power-tuning#133, 2021."""
RESERVED_REASON: Final = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT_REASON: Final = "ConcurrentInvocationLimitExceeded"
"""botocore's model, ThrottleReason, 2026-11."""

TASK_ROOT: Final = "/var/task"
"""Where a function's code is on Lambda, as its errors and its log say; developer guide, 2026-11."""
PENDING: Final = (
    "The operation cannot be performed at this time. The function is currently in the following state: {state}"
)
"""What a caller is told who is too early; developer guide, "Function states", 2026-11."""
TIMED_OUT: Final = "Sandbox.Timedout"
TIMED_OUT_TEXT: Final = "Task timed out after {seconds:.2f} seconds"
"""The answer has it after ``RequestId: … Error: `` since 2024 (seek-oss/aws-codedeploy-hooks 2.1.3); the log has it
after time and request id, as ever."""
EXITED: Final = "Runtime.ExitError"
EXITED_TEXT: Final = "Runtime exited with error: {how}"
EXITED_SILENTLY_TEXT: Final = "Runtime exited without providing a reason"
"""For exit status 0; developer guide, "Troubleshoot invocation", 2026-11."""
OUT_OF_MEMORY: Final = "Runtime.OutOfMemory"
"""The type in the REPORT line: nasa-gcn/gcn.nasa.gov#3628, 2026-06; the text is a killed process's, by analogy."""
INTERNAL: Final = "The AWS Lambda service encountered an internal error."
"""ServiceException, HTTP 500; API reference of Invoke, 2026-11, which tells of it in these words."""
RESPONSE_TOO_LARGE: Final = "Function.ResponseSizeTooLarge"
RESPONSE_TOO_LARGE_TEXT: Final = (
    f"Response payload size exceeded maximum allowed payload size ({RESPONSE_PAYLOAD} bytes)."
)

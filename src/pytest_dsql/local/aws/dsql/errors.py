"""Errors of the service ``dsql``, as its model has them.

ServiceException
├── Invalid         400 ValidationException, with a reason
├── NotFound        404 ResourceNotFoundException
├── Conflict        409 ConflictException
└── QuotaExceeded   402 ServiceQuotaExceededException
"""

from collections.abc import Sequence

from moto.core.exceptions import ServiceException

from pytest_dsql.local.aws.dsql import facts

Field = dict[str, str]
"""A field that does not validate: its ``name``, and a ``message`` why."""


class Invalid(ServiceException):
    """The request is not one that the service can do."""

    code = "ValidationException"

    def __init__(self, message: str, reason: str = "other", fields: Sequence[Field] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.field_list = list(fields)


class NotFound(ServiceException):
    """There is no such cluster, stream or policy."""

    code = "ResourceNotFoundException"

    def __init__(self, message: str, identifier: str, kind: str) -> None:
        super().__init__(message)
        self.resource_id, self.resource_type = identifier, kind


class Conflict(ServiceException):
    """The request does not fit what is there."""

    code = "ConflictException"

    def __init__(self, message: str, identifier: str, kind: str) -> None:
        super().__init__(message)
        self.resource_id, self.resource_type = identifier, kind


class QuotaExceeded(ServiceException):
    """There are as many as the account may have."""

    code = "ServiceQuotaExceededException"

    def __init__(self, message: str, identifier: str, kind: str) -> None:
        super().__init__(message)
        self.resource_id, self.resource_type = identifier, kind
        self.service_code, self.quota_code = "dsql", facts.QUOTA_CODE

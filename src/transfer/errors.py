"""What can go wrong in a transfer, beyond what the database itself says.

TransferError
 ├── ConfigurationError     the environment lacks what a connection needs
 ├── InvalidRequest         a field of the request is missing or wrong; the database was not asked
 ├── PayerNotFound
 ├── PayeeNotFound
 ├── InsufficientBalance    the payer would go below zero
 ├── TransferIdReused       a transfer with this id was made, with other data
 ├── NotCommitted           COMMIT was answered with a rollback
 └── OutcomeUnknown         the connection was lost during COMMIT: committed or not, nobody here can tell
"""

from typing import ClassVar


class TransferError(Exception):
    """A transfer that was not made, or not known to be made; ``code`` names the kind for reports."""

    code: ClassVar[str] = "transfer_error"


class ConfigurationError(TransferError):
    """The environment lacks a variable that a connection needs."""

    code = "configuration_error"


class InvalidRequest(TransferError):
    """A field of the request is missing or has a value that cannot be right."""

    code = "invalid_request"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class PayerNotFound(TransferError):
    """There is no account with the payer's id."""

    code = "payer_not_found"


class PayeeNotFound(TransferError):
    """There is no account with the payee's id."""

    code = "payee_not_found"


class InsufficientBalance(TransferError):
    """The payer has less than the amount."""

    code = "insufficient_balance"


class TransferIdReused(TransferError):
    """The id is that of another transfer, which was made: ``field`` is the first in which they differ."""

    code = "transfer_id_reused"

    def __init__(self, field: str, made: int, asked: int) -> None:
        super().__init__(f"{field}: the transfer with this id was made with {made}, not {asked}")
        self.field = field


class NotCommitted(TransferError):
    """The database answered COMMIT with ROLLBACK: the transaction had already failed."""

    code = "not_committed"


class OutcomeUnknown(TransferError):
    """The connection failed while COMMIT was on its way; repeating the transfer could make it twice."""

    code = "outcome_unknown"

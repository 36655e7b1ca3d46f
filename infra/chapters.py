"""The walk-through as data: what each chapter changes in the stack."""

from dataclasses import dataclass
from typing import Final

STACK_NAME: Final = "ReinventDat401Stack"
FUNCTION_NAME: Final = "reinvent-dat401"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter: its title, and the parameters of the template that it sets."""

    number: int
    title: str
    handler: str
    database_user: str = "admin"
    database_action: str = "none"
    with_cluster: bool = True

    @property
    def parameters(self) -> dict[str, str]:
        """Return the template's parameters by name."""
        return {
            "Handler": self.handler,
            "DatabaseUser": self.database_user,
            "DatabaseAction": self.database_action,
            "WithCluster": "true" if self.with_cluster else "false",
        }


_APP: Final = ("myapp", "dsql:DbConnect")

CHAPTERS: Final = (
    Chapter(0, "a function that greets", "transfer.greeting.handler", with_cluster=False),
    Chapter(1, "a cluster, and a function that signs in as admin", "transfer.handlers.connect",
            database_action="dsql:DbConnectAdmin"),
    Chapter(2, "least privilege: the role myapp", "transfer.handlers.connect", *_APP),
    Chapter(3, "a transfer in one transaction", "transfer.handlers.transfer", *_APP),
    Chapter(4, "the same under load, with retry", "transfer.handlers.transfer_with_retry", *_APP),
    Chapter(5, "a history of the transfers", "transfer.handlers.transfer_with_history", *_APP),
    Chapter(6, "the same for a million accounts", "transfer.handlers.transfer_with_history", *_APP),
)  # fmt: skip

WITHOUT_PERMISSION: Final = Chapter(1, "a cluster that the function may not enter yet", "transfer.handlers.connect")
WITHOUT_RETRY: Final = Chapter(4, "the same under load, without retry", "transfer.handlers.transfer_once", *_APP)
"""The first halves of chapters 1 and 4, which are there to be refused."""


def find(number: int, *, first_half: bool = False) -> Chapter:
    """Return a chapter by its number; the first half of 1 and of 4 is the one that is refused."""
    halves = {WITHOUT_PERMISSION.number: WITHOUT_PERMISSION, WITHOUT_RETRY.number: WITHOUT_RETRY}
    return halves[number] if first_half and number in halves else CHAPTERS[number]

"""Who may sign in to a cluster: principals and their keys, IAM policies, and authentication tokens. No I/O."""

from .policies import Decision, Evaluation, Source, allows
from .principals import Credentials, Document, Principal, Principals, Table, maps_to
from .refusals import AccessDenied
from .tokens import Attempt, Cluster, verify

__all__ = [
    "AccessDenied",
    "Attempt",
    "Cluster",
    "Credentials",
    "Decision",
    "Document",
    "Evaluation",
    "Principal",
    "Principals",
    "Source",
    "Table",
    "allows",
    "maps_to",
    "verify",
]

"""Who may sign in to a cluster: principals and their keys, IAM policies, and authentication tokens. No I/O."""

from .policies import Decision, Evaluation, PolicyKind, allows
from .principals import Credentials, Document, Principal, Principals, PrincipalTable, maps_to
from .refusals import AccessDenied
from .tokens import Attempt, ClusterIdentity, verify

__all__ = [
    "AccessDenied",
    "Attempt",
    "ClusterIdentity",
    "Credentials",
    "Decision",
    "Document",
    "Evaluation",
    "PolicyKind",
    "Principal",
    "PrincipalTable",
    "Principals",
    "allows",
    "maps_to",
    "verify",
]

"""Why a sign-in is refused and how the service says so, as dated data.

Aurora DSQL answers every failed sign-in with one FATAL; the cause stands in its HINT alone. State of knowledge:
2026-10. Sources: `docs` = Aurora DSQL user guide, troubleshooting; `wild` = users' issues, verbatim; `skill` = AWS
agent plugin "dsql"; `suite` = integration tests that AWS runs on live clusters; `not on record` = no text of the
service is known, so the wording is the one that AWS APIs usually give for Signature Version 4 or for IAM policies.
"""

from typing import ClassVar, Final, NamedTuple

from pytest_dsql.local.iam.policies import Decision, Evaluation, PolicyKind

_INVALID_KEY: Final = "The security token included in the request is invalid."
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_NOT_AUTHORIZED: Final = "User: {arn} is not authorized to perform: {action} on resource: {resource}"


REFUSED: Final = "08006"


class AccessDenied(Exception):
    """The sign-in is refused; ``hint`` tells the cause, and nothing tells a token, a signature or a secret."""

    message: ClassVar[str] = "unable to accept connection, access denied"

    def __init__(self, hint: str, sqlstate: str) -> None:
        super().__init__(self.message)
        self.hint, self.sqlstate = hint, sqlstate


class Hint(NamedTuple):
    """The text for one cause, with blanks, where it is known from, and the SQLSTATE that comes with it."""

    text: str
    source: str
    sqlstate: str = REFUSED

    def refusal(self, **blanks: str) -> AccessDenied:
        """Return the refusal for this cause, its blanks filled."""
        return AccessDenied(self.text.format(**blanks), self.sqlstate)


WRONG_ACTION: Final = Hint("Wrong user to action mapping. user: {user}, action: {action}", "docs, wild")
EXPIRED: Final = Hint(
    "Signature expired: {issued} is now earlier than {limit} ({now} - 5 min.)",
    "skill: how it begins; the rest not on record",
)
NO_IDENTITY_POLICY: Final = Hint(
    _NOT_AUTHORIZED + " because no identity-based policy allows the {action} action",
    "wild",
)
OTHER_ACCOUNT: Final = Hint("User: {arn} is not authorized to access this resource", "wild")

NO_POLICY: Final = Hint(_NOT_AUTHORIZED + " because no {policy} allows the {action} action", "not on record")
EXPLICIT_DENY: Final = Hint(_NOT_AUTHORIZED + " with an explicit deny in {article} {policy}", "not on record")
NOT_MAPPED: Final = Hint(
    "User: {arn} is not mapped to the database role {user}",
    "suite, 2026-08: the class of the SQLSTATE; the text not on record",
    "08P01",
)
NOT_A_TOKEN: Final = Hint("Missing Authentication Token", "not on record")
MALFORMED: Final = Hint(
    "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Expires', "
    "'X-Amz-SignedHeaders' and 'X-Amz-Signature', each of them once. Re-examine the query-string parameters.",
    "not on record",
)
TOO_LONG: Final = Hint("X-Amz-Expires must be less than a week (in seconds)", "2026-11: how the service puts it")
WRONG_EXPIRES: Final = Hint("X-Amz-Expires should be a positive number", "not on record")
WRONG_HOST: Final = Hint(_MISMATCH, "not on record")
WRONG_SERVICE: Final = Hint("Credential should be scoped to correct service: 'dsql'.", "not on record")
WRONG_REGION: Final = Hint("Credential should be scoped to a valid region.", "not on record")
WRONG_SCOPE: Final = Hint("Credential should be scoped with a valid terminator: 'aws4_request'.", "not on record")
WRONG_DATE: Final = Hint("Date in Credential scope does not match YYYYMMDD from X-Amz-Date.", "not on record")
UNKNOWN_KEY: Final = Hint(_INVALID_KEY, "not on record")
INACTIVE_KEY: Final = Hint(_INVALID_KEY, "not on record")
WRONG_SIGNATURE: Final = Hint(_MISMATCH, "not on record")
WRONG_SESSION_TOKEN: Final = Hint(_INVALID_KEY, "not on record")
EXPIRED_CREDENTIALS: Final = Hint("The security token included in the request is expired", "not on record")
NOT_YET: Final = Hint(
    "Signature not yet current: {issued} is still later than {limit} ({now} + 5 min.)", "not on record"
)


def unauthorized(decision: Decision, **blanks: str) -> AccessDenied:
    """Return the refusal that policies have decided; the blanks are ``arn``, ``action`` and ``resource``."""
    policy = decision.kind.value if decision.kind else ""
    if decision.evaluation is Evaluation.EXPLICIT_DENY:
        article = "an" if decision.kind is PolicyKind.IDENTITY else "a"
        return EXPLICIT_DENY.refusal(article=article, policy=policy, **blanks)
    if decision.kind is PolicyKind.IDENTITY:
        return NO_IDENTITY_POLICY.refusal(**blanks)
    return NO_POLICY.refusal(policy=policy, **blanks)

"""Whether IAM policies allow an action.

Source: IAM user guide, JSON policy elements and policy evaluation logic, 2026-10. Whatever cannot be known denies:
a malformed statement or document, an element this module does not know (NotPrincipal among them), an operator that
does not exist. Policy variables such as ``${aws:username}`` are not replaced; they count as not known. Organisation
policies (SCPs, RCPs) and VPC endpoint policies have no place here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Final

from pytest_dsql.local.iam import conditions
from pytest_dsql.local.iam.logic import Truth, every, negation, some
from pytest_dsql.local.iam.patterns import action_matches, resource_matches
from pytest_dsql.local.iam.principals import Document, Principal

_IN_STATEMENT: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)  # and Principal, in a resource's policy
_IN_DOCUMENT: Final = frozenset({"Version", "Id", "Statement"})
_VERSIONS: Final = frozenset({"2012-10-17", "2008-10-17"})
_OTHER_PRINCIPALS: Final = frozenset({"Service", "Federated", "CanonicalUser"})


class Evaluation(Enum):
    """What the policies say."""

    ALLOWED = auto()
    EXPLICIT_DENY = auto()
    NO_ALLOW = auto()


class PolicyKind(Enum):
    """The kind of policy that decided, by the name AWS gives it in its messages."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policies say, and for a refusal which kind of them."""

    evaluation: Evaluation
    kind: PolicyKind | None = None

    @property
    def allowed(self) -> bool:
        """Whether the action may go on."""
        return self.evaluation is Evaluation.ALLOWED


class _Grant(IntEnum):
    """How far an Allow reaches; the levels differ in a resource's policy only.

    ACCOUNT leaves it to the account's identity policies; BROAD (a role, everybody) needs none, but stays within
    boundary and session policies; DIRECT (a user, one session) is not limited by them. Source: IAM user guide,
    policy evaluation for requests within a single account, 2026-10.
    """

    NONE = 0
    ACCOUNT = 1
    BROAD = 2
    DIRECT = 3


@dataclass(frozen=True, slots=True)
class _Request:
    principal: Principal
    action: str
    resource: str
    context: conditions.Values


@dataclass(frozen=True, slots=True)
class _Weighed:
    denied: bool
    grant: _Grant


def allows(  # noqa: PLR0913 - who, what, on what, and all that decides
    principal: Principal,
    action: str,
    resource: str,
    context: conditions.RequestContext,
    resource_policy: Document | None = None,
    *,
    trusted: bool = False,
) -> Decision:
    """Decide whether ``principal`` may take ``action`` (``dsql:DbConnect``) on ``resource`` (an ARN).

    A principal of another account than the resource's needs an Allow of both sides; where ``trusted``, so does every
    principal that the resource's policy does not name itself, as for a role's trust policy.
    """
    request = _Request(principal, action, resource, conditions.values(context))
    documents: dict[PolicyKind, Iterable[object]] = {PolicyKind.IDENTITY: principal.policies}
    if resource_policy is not None:
        documents[PolicyKind.RESOURCE] = [resource_policy]
    if principal.boundary is not None:
        documents[PolicyKind.BOUNDARY] = [principal.boundary]
    if principal.session_policies:
        documents[PolicyKind.SESSION] = principal.session_policies
    verdicts = {kind: _judge(each, request, kind) for kind, each in documents.items()}
    for kind, verdict in verdicts.items():
        if verdict.denied:
            return Decision(Evaluation.EXPLICIT_DENY, kind)
    grants = {kind: verdict.grant for kind, verdict in verdicts.items()}
    if trusted and not grants.get(PolicyKind.RESOURCE):
        return Decision(Evaluation.NO_ALLOW, PolicyKind.RESOURCE)
    missing = _missing(request, grants)
    return Decision(Evaluation.ALLOWED) if missing is None else Decision(Evaluation.NO_ALLOW, missing)


def _missing(request: _Request, grants: Mapping[PolicyKind, _Grant]) -> PolicyKind | None:
    """Say which kind of policy should have allowed the request and did not, None where nothing lacks."""
    by_resource = grants.get(PolicyKind.RESOURCE, _Grant.NONE)
    owner = [*request.resource.split(":"), *[""] * 5][4]
    # S3's names, and "*", have no account in them; AWS's own managed policies are everybody's.
    own = owner in {"", "aws", request.principal.account}
    if own and by_resource is _Grant.DIRECT:
        return None
    if not own and by_resource is _Grant.NONE:
        return PolicyKind.RESOURCE
    # The root user has every right in its account; only another kind of policy takes some away.
    by_identity = request.principal.is_root or grants[PolicyKind.IDENTITY] is not _Grant.NONE
    if not by_identity and not (own and by_resource is _Grant.BROAD):
        return PolicyKind.IDENTITY
    limits = (PolicyKind.BOUNDARY, PolicyKind.SESSION)
    return next((kind for kind in limits if grants.get(kind) is _Grant.NONE), None)


def _judge(documents: Iterable[object], request: _Request, kind: PolicyKind) -> _Weighed:
    """Read all policies of one kind: whether a statement denies, and the most that a statement allows."""
    denied, grant = False, _Grant.NONE
    for document in documents:
        for statement in _statements(document):
            if not isinstance(statement, Mapping):
                return _Weighed(denied=True, grant=_Grant.NONE)
            reach, named = (
                _reach(statement, request.principal) if kind is PolicyKind.RESOURCE else (_Grant.DIRECT, True)
            )
            applies = every([named, *_elements(statement, request, kind)])
            if statement.get("Effect") == "Allow":
                grant = max(grant, reach) if applies else grant
            else:
                denied = denied or applies is not False
    return _Weighed(denied, grant)


def _statements(document: object) -> list[object]:
    """Return a document's statements; one that cannot be read stands for all where the document is malformed."""
    if not isinstance(document, Mapping) or not document.keys() <= _IN_DOCUMENT:
        return [None]
    statements = document.get("Statement")
    if str(document.get("Version", "2008-10-17")) not in _VERSIONS:
        return [None]
    return statements if isinstance(statements, list) else [statements]


def _elements(statement: Document, request: _Request, kind: PolicyKind) -> Iterable[Truth]:
    """Say of each element but Principal whether it matches."""
    known = _IN_STATEMENT | {"Principal"} if kind is PolicyKind.RESOURCE else _IN_STATEMENT
    yield statement.keys() <= known or None
    yield statement.get("Effect") in ("Allow", "Deny") or None
    yield _listed(statement, "Action", lambda pattern: action_matches(pattern, request.action))
    yield _listed(statement, "Resource", lambda pattern: resource_matches(pattern, request.resource))
    yield conditions.holds(statement.get("Condition", {}), request.context)


def _listed(statement: Document, element: str, matches: Callable[[str], Truth]) -> Truth:
    """Whether the element, or its Not form, lets the request through; a statement has exactly one of them."""
    negated = f"Not{element}"
    if (element in statement) is (negated in statement):
        return None
    patterns = _texts(statement.get(element, statement.get(negated)))
    found = some(matches(pattern) for pattern in patterns) if patterns else None
    return negation(found) if negated in statement else found


def _reach(statement: Document, principal: Principal) -> tuple[_Grant, Truth]:
    """How far the Principal element reaches this principal, and whether it names it at all."""
    element = statement.get("Principal")
    if element == "*":
        return _Grant.BROAD, True
    if not isinstance(element, Mapping) or not element or not element.keys() <= {"AWS", *_OTHER_PRINCIPALS}:
        return _Grant.NONE, None
    if "AWS" not in element:
        return _Grant.NONE, False
    names = _texts(element["AWS"])
    reach = max((_named(name, principal) for name in names), default=_Grant.NONE)
    malformed = not names or any("*" in name and name != "*" for name in names)
    return reach, None if malformed else reach is not _Grant.NONE


def _named(name: str, principal: Principal) -> _Grant:
    """How far one name of a Principal element reaches this principal."""
    if name == principal.arn:
        return _Grant.DIRECT
    if name in ("*", principal.iam_arn):
        return _Grant.BROAD
    root = f"arn:{principal.arn.split(':')[1]}:iam::{principal.account}:root"
    return _Grant.ACCOUNT if name in (principal.account, root) else _Grant.NONE


def _texts(value: object) -> tuple[str, ...]:
    """Return a text or a list of texts as a tuple, an empty one for anything else."""
    listed = value if isinstance(value, list) else [value]
    texts = tuple(each for each in listed if isinstance(each, str))
    return texts if len(texts) == len(listed) else ()

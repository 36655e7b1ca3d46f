"""Which operation of which service a request is, by botocore's models, and what it asks for."""

import contextlib
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from pytest_dsql.local.iam.signatures import SignedParts

_PLACE: Final = re.compile(r"\\\{([A-Za-z]+)(\\\+)?\\\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: ``lambda``, ``Invoke``, and the members of its input as far as they are known by name."""

    service: str
    name: str
    protocol: str
    input: Mapping[str, Any] = field(default_factory=dict)


def operation(service: str, message: SignedParts) -> Operation | None:
    """Return the operation that a request is, None where the service has no such one."""
    model = _model(service)
    if model is None:
        return None
    protocol = str(model.metadata["protocol"])
    path, _, query = message.target.partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    if protocol in {"query", "ec2"}:
        asked |= dict(parse_qsl(message.body.decode(errors="replace"), keep_blank_values=True))
        return Operation(service, asked.get("Action", ""), protocol, asked)
    if protocol.startswith("json"):
        name = message.headers.get("x-amz-target", "").rpartition(".")[2]
        return Operation(service, name, protocol, _body(message))
    for method, pattern, literals, name in _routes(service):
        found = pattern.fullmatch(path) if method == message.method else None
        if found and literals <= asked.items() | {(key, "") for key in asked}:
            places = {key: unquote(value) for key, value in found.groupdict().items()}
            body = _body(message) if protocol == "rest-json" else {}
            return Operation(service, name, protocol, {**asked, **body, **places})
    return None


def protocol(service: str) -> str:
    """Return how a service speaks: ``query``, ``json``, ``rest-json`` or ``rest-xml``."""
    model = _model(service)
    return str(model.metadata["protocol"]) if model else "rest-json"


def _body(message: SignedParts) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        body = json.loads(message.body)
        if isinstance(body, dict):
            return body
    return {}


@functools.cache
def _model(service: str) -> Any:
    from botocore.exceptions import UnknownServiceError
    from moto.core.utils import get_service_model

    try:
        return get_service_model(service)
    except UnknownServiceError:
        return None


@functools.cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], set[tuple[str, str]], str]]:
    """Return the operations of a REST service by method, path and query, the most particular first."""
    routes = []
    model = _model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = re.sub(_PLACE, lambda found: f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})", re.escape(path))
        literals = {(key, value) for key, _, value in (pair.partition("=") for pair in query.split("&") if pair)}
        routes.append((http["method"], re.compile(pattern.rstrip("/") + "/?"), literals, name))
    return sorted(routes, key=lambda route: (-len(route[2]), route[1].pattern.count("(?P<"), -len(route[1].pattern)))

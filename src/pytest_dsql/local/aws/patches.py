"""moto, with ours in the place of its own: all that is changed of it stands here, and is undone with a stack.

The inner names are those of moto 5.2.5 (2026-11). One that another version does not have is an AttributeError.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.dsql import urls as dsql_urls
from moto.dsql.models import dsql_backends
from moto.iam.models import iam_backends

from pytest_dsql.local.aws.dsql.answers import DsqlAnswers
from pytest_dsql.local.aws.dsql.backend import Clusters
from pytest_dsql.local.aws.functions import Functions
from pytest_dsql.local.aws.managed import Iam


def services(region: str) -> ExitStack:
    """Put clusters that can be connected to, functions that can be run, and AWS's policies in the place of moto's."""
    changed = ExitStack()
    _put(changed, dsql_backends, "backend", Clusters)
    _put(changed, lambda_backends, "backend", Functions)
    _put(changed, iam_backends, "backend", Iam)
    # moto names the Regions of Aurora DSQL one by one, for lack of a list.
    regions = dsql_backends._additional_regions or []  # noqa: SLF001
    _put(changed, dsql_backends, "_additional_regions", [*{*regions, region}])
    _answer(changed, dsql_urls.url_paths, DsqlAnswers.dispatch)
    return changed


def formation() -> ExitStack:
    """Put stacks that roll back, and templates that are judged, in the place of moto's.

    CloudFormation knows every service there is: importing it takes most of the stand-in's start.
    """
    from moto.cloudformation import models, parsing
    from moto.cloudformation import urls as formation_urls
    from moto.cloudformation.responses import CloudFormationResponse

    from pytest_dsql.local.aws.formation import answers, backend
    from pytest_dsql.local.aws.formation.stacks import StackRecord
    from pytest_dsql.local.aws.formation.templates import intrinsic

    changed = ExitStack()
    _put(changed, models, "Stack", StackRecord)
    _put(changed, models.ChangeSet, "_parse_template", backend.read_change_set)
    _put(changed, models.cloudformation_backends, "backend", backend.Formations)
    _put(changed, parsing, "clean_json", intrinsic.resolve)
    _answer(changed, formation_urls.url_paths, answers.FormationAnswers.dispatch, CloudFormationResponse.dispatch)
    return changed


def _put(changed: ExitStack, owner: Any, name: str, value: object) -> None:
    changed.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _answer(changed: ExitStack, paths: dict[str, Any], ours: Any, theirs: Callable[..., Any] | None = None) -> None:
    """Have the paths of a service answered by ours: all of them, or those that are answered by ``theirs``."""
    changed.callback(paths.update, dict(paths))
    paths.update({path: ours for path, handler in paths.items() if theirs is None or handler == theirs})

"""moto's web application, told of the resources and the stacks of the stand-in.

CloudFormation alone knows every service there is: importing this takes most of the stand-in's start, so it is imported
in a thread, while the rest listens already.
"""

from moto.cloudformation import models, parsing
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from pytest_dsql.local.aws.formation import answers, backend
from pytest_dsql.local.aws.formation.stacks import Stack
from pytest_dsql.local.aws.formation.templates import intrinsic

models.Stack = Stack  # type: ignore[misc]
models.ChangeSet._parse_template = backend.read_change_set  # type: ignore[assignment, method-assign]  # noqa: SLF001
models.cloudformation_backends.backend = backend.Formations
parsing.clean_json = intrinsic.resolve  # type: ignore[assignment]
answers.install()

application = DomainDispatcherApplication(create_backend_app)

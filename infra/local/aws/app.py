"""moto's web application, told of the walk-through's resources and of stacks that roll back.

CloudFormation alone knows every service there is: importing this takes most of the stand-in's start, so it is imported
in a thread, while the rest listens already.
"""

from moto.cloudformation import models
from moto.cloudformation.parsing import get_model_map
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from infra.local.aws.resources import TYPES
from infra.local.aws.stacks import Stack, delete_stack

get_model_map().update(TYPES)
models.Stack = Stack  # type: ignore[misc]
models.CloudFormationBackend.delete_stack = delete_stack  # type: ignore[assignment, method-assign]

application = DomainDispatcherApplication(create_backend_app)

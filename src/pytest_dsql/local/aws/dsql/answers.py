"""The wire of the service ``dsql``: moto's, with every request judged before anything is done."""

from collections import ChainMap
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.dsql.responses import AuroraDSQLResponse

from pytest_dsql.local.aws.dsql.policies import check_lockout, parsed
from pytest_dsql.local.aws.dsql.validation import check
from pytest_dsql.local.aws.principals import IamPrincipals


class DsqlAnswers(AuroraDSQLResponse):
    """Answers to requests of the service."""

    def call_action(self) -> Any:
        """Answer a request; one that its model forbids is refused with every field that is wrong."""
        given = ChainMap(self.params, self.uri_match)
        shape = get_service_model("dsql").operation_model(self._get_action()).input_shape
        try:
            check(shape, given)
        except ServiceException as error:
            status, headers, body = self.serialized(ActionResult(error))
            return status, {**headers, "status": str(status)}, body
        return super().call_action()

    def delete_cluster(self) -> Any:
        """Begin to delete a cluster; say whether that waits for its peers."""
        cluster: Any = self.dsql_backend.delete_cluster(self._get_param("identifier"))
        names = ("identifier", "arn", "status", "creation_time")
        return ActionResult({name: getattr(cluster, name) for name in names})

    def put_cluster_policy(self) -> Any:
        """Set a policy, unless it would lock its writer out who did not say that he wants that."""
        if not self._get_bool_param("bypassPolicyLockoutSafetyCheck", if_none=False):
            cluster = self.dsql_backend.get_cluster(self._get_param("identifier"))
            caller = IamPrincipals(self.current_account).find(self.access_key)
            if caller:
                check_lockout(parsed(self._get_param("policy")), caller.principal, cluster.arn)
        return super().put_cluster_policy()

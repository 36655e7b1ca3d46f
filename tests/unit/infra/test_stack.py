"""The deployer: created, reused, changed, rolled back, deleted; and what is not ours is left alone."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra.chapters import CHAPTERS, WITHOUT_PERMISSION
from infra.stack import TEMPLATE, NotOurs, Stack, StackFailed, StackMissing
from infra.stand_in import LocalCloud


@pytest.fixture
def new(aws: LocalCloud) -> Iterator[Callable[..., Stack]]:
    """Name a stack that is not there yet; it is deleted at the end."""
    named: list[Stack] = []

    def new(function: str | None = None) -> Stack:
        stack = Stack(aws, f"test-{uuid.uuid4().hex[:8]}")
        stack.function = function or stack.function
        named.append(stack)
        return stack

    yield new
    for stack in named:
        stack.delete()


@pytest.fixture
def stack(new: Callable[..., Stack]) -> Stack:
    return new()


def test_there_is_none_at_first(stack: Stack) -> None:
    assert not stack.exists()
    with pytest.raises(StackMissing, match=r"there is no stack test-\w+; make it with: python -m infra deploy"):
        stack.outputs()


def test_chapter_0_has_no_cluster(stack: Stack, zipped: Path) -> None:
    deployed = stack.deploy(CHAPTERS[0], zipped)
    assert deployed.outcome == "created"
    assert deployed.outputs.function_name == stack.function
    assert deployed.outputs.cluster_endpoint is None


def test_the_same_again_is_reused(stack: Stack, zipped: Path) -> None:
    stack.deploy(CHAPTERS[1], zipped)
    assert stack.deploy(CHAPTERS[1], zipped).outcome == "reused"


def test_every_chapter_changes_the_function(stack: Stack, zipped: Path, aws: LocalCloud) -> None:
    for chapter in CHAPTERS:
        stack.deploy(chapter, zipped)
        found = aws.client("lambda").get_function_configuration(FunctionName=stack.function)
        assert found["Handler"] == chapter.handler
        assert found["Environment"]["Variables"]["DATABASE_USER"] == chapter.database_user


def test_new_code_is_a_new_key(stack: Stack, zipped: Path, aws: LocalCloud) -> None:
    stack.deploy(CHAPTERS[0], zipped)
    before = aws.client("lambda").get_function_configuration(FunctionName=stack.function)["CodeSha256"]
    other = zipped.with_name("code-other.zip")
    other.write_bytes(zipped.read_bytes() + b"more")
    assert stack.deploy(CHAPTERS[0], other).outcome == "updated"
    assert aws.client("lambda").get_function_configuration(FunctionName=stack.function)["CodeSha256"] != before


def test_a_cluster_stays_with_what_is_in_it(stack: Stack, zipped: Path) -> None:
    before = stack.deploy(CHAPTERS[3], zipped).outputs.cluster_arn
    assert stack.deploy(CHAPTERS[0], zipped).outputs.cluster_arn == before


def allowed(aws: LocalCloud, stack: Stack) -> dict[str, list[str]]:
    """What the function's role may do, by resource."""
    iam, role = aws.client("iam"), stack.outputs().role_arn.rpartition("/")[2]
    found: dict[str, list[str]] = {}
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            found[statement["Resource"]] = actions if isinstance(actions, list) else [actions]
    return found


def test_the_role_may_write_its_logs_and_nothing_else(stack: Stack, zipped: Path, aws: LocalCloud) -> None:
    stack.deploy(WITHOUT_PERMISSION, zipped)
    logs = f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{stack.function}:*"
    assert allowed(aws, stack) == {logs: ["logs:CreateLogStream", "logs:PutLogEvents"]}


@pytest.mark.parametrize(("number", "action"), [(1, "dsql:DbConnectAdmin"), (2, "dsql:DbConnect")])
def test_the_role_may_connect_to_one_cluster(
    stack: Stack, zipped: Path, aws: LocalCloud, number: int, action: str
) -> None:
    stack.deploy(CHAPTERS[3], zipped)
    outputs = stack.deploy(CHAPTERS[number], zipped).outputs
    connect = {resource: actions for resource, actions in allowed(aws, stack).items() if ":dsql:" in resource}
    assert connect == {outputs.cluster_arn: [action]}


def test_a_failed_creation_is_rolled_back_and_told(new: Callable[..., Stack], zipped: Path, aws: LocalCloud) -> None:
    taken = new()
    taken.deploy(CHAPTERS[0], zipped)
    aws.client("logs").delete_log_group(logGroupName=taken.log_group)
    rival = new(taken.function)
    with pytest.raises(StackFailed) as caught:
        rival.deploy(CHAPTERS[0], zipped)
    assert str(caught.value).splitlines() == [
        f"stack {rival.name} ended in ROLLBACK_COMPLETE",
        f"  Function (AWS::Lambda::Function): Function already exist: {taken.function}",
    ]
    aws.client("logs").create_log_group(logGroupName=taken.log_group)


def test_what_was_rolled_back_can_be_deployed_again(new: Callable[..., Stack], zipped: Path) -> None:
    taken = new()
    taken.deploy(CHAPTERS[0], zipped)
    rival = new(taken.function)
    with pytest.raises(StackFailed):
        rival.deploy(CHAPTERS[0], zipped)
    taken.delete()
    assert rival.deploy(CHAPTERS[0], zipped).outcome == "created"


def test_a_failed_change_is_rolled_back(stack: Stack, zipped: Path, aws: LocalCloud) -> None:
    stack.deploy(CHAPTERS[1], zipped)
    with pytest.raises(StackFailed, match=r"(?s)UPDATE_ROLLBACK_COMPLETE\n  Function .*\[pattern\]"):
        stack.deploy(replace(CHAPTERS[2], handler="no handler"), zipped)
    found = aws.client("lambda").get_function_configuration(FunctionName=stack.function)
    assert found["Environment"]["Variables"]["DATABASE_USER"] == "admin"
    assert stack.deploy(CHAPTERS[2], zipped).outcome == "updated"


def test_deletion_leaves_nothing(stack: Stack, zipped: Path, aws: LocalCloud) -> None:
    outputs = stack.deploy(CHAPTERS[1], zipped).outputs
    stack.delete()
    stack.remove_code()
    assert not stack.exists()
    role = outputs.role_arn.rpartition("/")[2]
    arns = [each["arn"] for each in aws.client("dsql").list_clusters()["clusters"]]
    names = [each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]]
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=stack.log_group)["logGroups"]
    assert outputs.cluster_arn not in arns
    assert stack.function not in names
    assert role not in [each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]]
    assert (groups, aws.client("s3").list_buckets()["Buckets"]) == ([], [])


def test_deleting_what_is_not_there_does_nothing(stack: Stack) -> None:
    stack.delete()
    stack.remove_code()


def test_somebody_elses_stack_is_not_touched(stack: Stack, zipped: Path, aws: LocalCloud) -> None:
    minimal = '{"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}'
    formation = aws.client("cloudformation")
    formation.create_stack(StackName=stack.name, TemplateBody=minimal)
    for touch in (lambda: stack.deploy(CHAPTERS[0], zipped), stack.delete):
        with pytest.raises(NotOurs, match="was not made by this project"):
            touch()
    assert formation.describe_stacks(StackName=stack.name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    formation.delete_stack(StackName=stack.name)


def test_a_missing_permission_is_raised(stack: Stack, zipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform: cloudformation:CreateStack"}}

    def refused(**_: object) -> None:
        raise ClientError(refusal, "CreateStack")

    monkeypatch.setattr(stack._formation, "create_stack", refused)
    with pytest.raises(ClientError, match="not authorized to perform: cloudformation:CreateStack"):
        stack.deploy(CHAPTERS[0], zipped)
    assert not stack.exists()


def test_progress_is_told(aws: LocalCloud, new: Callable[..., Stack], zipped: Path) -> None:
    quiet, lines = new(), list[str]()
    Stack(aws, quiet.name, lines.append).deploy(CHAPTERS[0], zipped)
    assert f"creating stack {quiet.name}" in lines
    assert "  Function created" in lines
    assert lines.index("  FunctionRole created") < lines.index("  Function created")


def test_a_refused_look_is_no_missing_stack(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform: cloudformation:DescribeStacks"}}

    def refused(**_: object) -> None:
        raise ClientError(refusal, "DescribeStacks")

    with monkeypatch.context() as patched:
        patched.setattr(stack._formation, "describe_stacks", refused)
        with pytest.raises(ClientError, match="not authorized to perform: cloudformation:DescribeStacks"):
            stack.exists()


def test_the_bucket_is_where_the_stack_is(aws: LocalCloud, zipped: Path) -> None:
    there = LocalCloud({**aws.environment, "AWS_REGION": "eu-west-1"})
    stack = Stack(there, f"test-{uuid.uuid4().hex[:8]}")
    stack._upload(zipped, stack._bucket())
    location = there.client("s3").get_bucket_location(Bucket=stack._bucket())["LocationConstraint"]
    stack.remove_code()
    assert location == "eu-west-1"


def test_a_changed_template_is_deployed(
    stack: Stack, zipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.deploy(CHAPTERS[0], zipped)
    changed = tmp_path / "template.yaml"
    changed.write_text(TEMPLATE.read_text().replace("Default: 256", "Default: 512"))
    monkeypatch.setattr("infra.stack.TEMPLATE", changed)
    assert stack.deploy(CHAPTERS[0], zipped).outcome == "updated"


def test_a_failed_change_takes_back_what_it_had_changed(
    stack: Stack, zipped: Path, aws: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.deploy(CHAPTERS[1], zipped)
    before = allowed(aws, stack)
    monkeypatch.setattr(stack, "_upload", lambda *_: None)  # the function is what changes last
    with pytest.raises(StackFailed, match="Function .*: .*The specified key does not exist"):
        stack.deploy(CHAPTERS[2], zipped.with_name("missing.zip"))
    assert allowed(aws, stack) == before


def test_a_second_failure_tells_its_own_reasons(stack: Stack, zipped: Path) -> None:
    stack.deploy(CHAPTERS[1], zipped)
    told: list[list[str]] = []
    for handler in ("no handler", "none of them"):
        with pytest.raises(StackFailed) as caught:
            stack.deploy(replace(CHAPTERS[2], handler=handler), zipped)
        told.append(caught.value.events)
    assert [len(events) for events in told] == [1, 1]


def test_what_another_failure_cancelled_is_not_told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    why = ("Resource creation cancelled", "the name is taken")
    events = [
        {
            "EventId": reason,
            "Timestamp": number,
            "LogicalResourceId": f"It{number}",
            "ResourceType": "AWS::It",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": reason,
        }
        for number, reason in enumerate(why)
    ]
    monkeypatch.setattr(stack, "_events", lambda _: events)
    assert list(stack._tell(stack.name, set())) == ["It1 (AWS::It): the name is taken"]


def test_a_stack_that_never_rests_is_given_up(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.stack.LIMIT_S", -1.0)
    monkeypatch.setattr(stack, "_events", lambda _: [])
    with monkeypatch.context() as patched:
        stuck = {"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}]}
        patched.setattr(stack._formation, "describe_stacks", lambda **_: stuck)
        with pytest.raises(StackFailed, match=f"stack {stack.name} ended in CREATE_IN_PROGRESS after"):
            stack._wait(stack.name, set())


def test_what_a_failed_change_was_rolled_back_to_is_reused(stack: Stack, zipped: Path) -> None:
    stack.deploy(CHAPTERS[1], zipped)
    with pytest.raises(StackFailed):
        stack.deploy(replace(CHAPTERS[2], handler="no handler"), zipped)
    assert stack.deploy(CHAPTERS[1], zipped).outcome == "reused"
    assert stack.deploy(CHAPTERS[2], zipped).outcome == "updated"


def test_what_could_not_be_deleted_is_there_and_can_be_deleted_again(
    stack: Stack, zipped: Path, aws: LocalCloud
) -> None:
    cluster = (stack.deploy(CHAPTERS[1], zipped).outputs.cluster_arn or "").rpartition("/")[2]
    aws.client("dsql").update_cluster(identifier=cluster, deletionProtectionEnabled=True)
    with pytest.raises(StackFailed, match="DELETE_FAILED"):
        stack.delete()
    assert stack.exists()
    aws.client("dsql").update_cluster(identifier=cluster, deletionProtectionEnabled=False)
    assert stack.deploy(CHAPTERS[0], zipped).outcome == "created"

"""Whether all that was deployed is there and active: resources, the mapping, the deployment that is served."""

from collections.abc import Iterator
from typing import Final

from cli.account import CLIENT_CONFIG
from cli.doctor.patient import LiveRule, Patient, Said
from policies.model import ALIAS, DEPLOYMENT, MAPPING, STAGE, TABLE, FunctionRef, Node
from policies.sources import BROADCASTING, LAMBDA_GUIDE, page

_ACTIVE: Final = frozenset({"Active", "Inactive"})


def _missing(patient: Patient) -> Iterator[Said]:
    there = {one.urn for one in patient.stack.nodes}
    for entry in ((patient.target.stack.state() or {}).get("deployment") or {}).get("resources") or ():
        if entry["type"].startswith("aws:") and not _reads_elsewhere(entry["type"]) and entry["urn"] not in there:
            name = str(entry["urn"]).rsplit("::", 1)[-1]
            kind = str(entry["type"]).rsplit(":", 1)[-1]
            yield f"{kind} {name}", "it is gone from AWS", "deploy again after `pulumi refresh`"


def _reads_elsewhere(type_: str) -> bool:
    """Kinds that are read from IAM role by role, where a missing one shows as a missing permission."""
    return type_.startswith("aws:iam/rolePolicy")


def _states(patient: Patient) -> Iterator[Said]:
    functions = patient.target.session.client("lambda", config=CLIENT_CONFIG)
    for alias in patient.stack.all(ALIAS):
        name = FunctionRef.parse(alias.text("functionName")).name
        found = functions.get_function_configuration(FunctionName=name, Qualifier=alias.text("name"))
        if found.get("State", "Active") not in _ACTIVE or found.get("LastUpdateStatus") == "Failed":
            why = found.get("StateReason") or found.get("LastUpdateStatusReason") or "AWS does not say why"
            yield f"Function {name}", f"it is {found.get('State')}: {why}", "deploy again when the reason is mended"
    tables = patient.target.session.client("dynamodb", config=CLIENT_CONFIG)
    for table in patient.stack.all(TABLE):
        described = tables.describe_table(TableName=table.text("name"))["Table"]
        parts: list[tuple[str, str]] = [(table.label, described["TableStatus"])]
        for index in described.get("GlobalSecondaryIndexes", ()):
            parts.append((f"{table.label}/{index['IndexName']}", index["IndexStatus"]))
        for label, state in parts:
            if state not in ("ACTIVE", "UPDATING"):
                yield label, f"it is {state}", "wait until it is ACTIVE; a new index is filled first"


def _mappings(patient: Patient) -> Iterator[Said]:
    client = patient.target.session.client("lambda", config=CLIENT_CONFIG)
    own = {one.text("id") for one in patient.stack.all(MAPPING)}
    streams = {one.text("eventSourceArn") for one in patient.stack.all(MAPPING)} - {""}
    for arn in sorted(streams):
        for mapping in client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]:
            where = f"EventSourceMapping {mapping['UUID']}"
            if mapping["UUID"] not in own:
                target = mapping["FunctionArn"].split(":function:")[-1]
                yield where, f"it follows {arn} to {target}, and is not of this stack", "remove it, if nobody needs it"
            if mapping["State"] not in ("Enabled", "Creating", "Updating", "Enabling"):
                yield where, f"it is {mapping['State']}: {mapping.get('StateTransitionReason', '')}", "enable it"
            if (result := mapping.get("LastProcessingResult", "")).startswith("PROBLEM"):
                yield where, f"AWS says of the last batch: {result}", "look into `trebuche logs stream-processor`"


def _newest(patient: Patient) -> Iterator[Said]:
    client = patient.target.session.client("apigatewayv2", config=CLIENT_CONFIG)
    for stage in patient.stack.all(STAGE):
        api = patient.stack.api(stage)
        # With autoDeploy a stage is moved to each deployment by itself.
        if api is None or stage.get("autoDeploy") is True:
            continue
        deployments = client.get_deployments(ApiId=api.text("id"), MaxResults="500")["Items"]
        made = {one["DeploymentId"]: one["CreatedDate"] for one in deployments}
        live = client.get_stage(ApiId=api.text("id"), StageName=stage.text("name")).get("DeploymentId")
        newest = max(made, key=lambda one: made[one], default=None)
        # AWS tells the second only.
        if newest and (live not in made or made[newest] > made[live]):
            what = f"it serves deployment {live}, and {newest} is newer: changes are not live"
            yield stage.label, what, _serve(patient, api, stage, newest)


def _serve(patient: Patient, api: Node, stage: Node, newest: str) -> str:
    """How to serve a deployment, and how to be rid of one that a hand has made."""
    if any(one.text("id") == newest for one in patient.stack.all(DEPLOYMENT)):
        return f"`pulumi up --refresh` serves {newest}"
    there = f"--api-id {api.text('id')} --deployment-id {newest}"
    serve = f"`aws apigatewayv2 update-stage {there} --stage-name {stage.text('name')}` serves {newest}"
    return f"{serve}; if nobody needs it: `aws apigatewayv2 delete-deployment {there}`"


RULES: Final = (
    LiveRule(
        id="missing-resource",
        title="All that was deployed is there",
        sources=("docs/aws.md: when something is wrong",),
        check=_missing,
    ),
    LiveRule(
        id="active",
        title="Functions, tables and the index are active",
        sources=(page(BROADCASTING, 4), f"{LAMBDA_GUIDE}: function states"),
        check=_states,
    ),
    LiveRule(
        id="mapping-running",
        title="The stream is followed, and by this stack alone",
        sources=(page(BROADCASTING, 2),),
        check=_mappings,
    ),
    LiveRule(
        id="newest-deployment",
        title="The stage serves the newest deployment",
        sources=("terraform-provider-aws#12961, #36078; pulumi#5849",),
        check=_newest,
    ),
)

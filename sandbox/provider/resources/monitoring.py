"""CloudWatch: log groups, metric alarms, dashboards."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    NUMBER,
    REGION,
    STRING,
    STRING_MAP,
    STRING_SET,
    TAGS,
    Props,
    fields,
    list_of,
    one_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import from_api, named, to_api, unnamed

# CloudWatch Logs API reference, PutRetentionPolicy; 0 is the provider's word for "never expires".
RETENTION_DAYS = (
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


class LogGroupHandler(Handler):
    """A log group; id is its name."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateLogGroup."""
        optional = {"kmsKeyId": inputs.get("kmsKeyId"), "logGroupClass": inputs.get("logGroupClass")}
        scope.client("logs").create_log_group(
            logGroupName=inputs["name"],
            **{name: value for name, value in optional.items() if value},
            **({"tags": inputs["tags"]} if inputs.get("tags") else {}),
        )
        return str(inputs["name"])

    def settle(self, scope: Scope, ident: str, inputs: Props) -> None:
        """Set the retention."""
        if inputs.get("retentionInDays"):
            self._retain(scope, ident, inputs["retentionInDays"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """The group with exactly this name; its ARN without the trailing ``:*``."""
        client = scope.client("logs")
        # The API knows prefixes only, and other groups' names may begin like this one.
        pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=ident)
        groups = (group for page in pages for group in page["logGroups"])
        found = next((group for group in groups if group["logGroupName"] == ident), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        return {
            "name": ident,
            "arn": arn,
            "retentionInDays": found.get("retentionInDays", 0),
            "kmsKeyId": found.get("kmsKeyId", ""),
            "logGroupClass": found.get("logGroupClass", "STANDARD"),
            "tags": client.list_tags_for_resource(resourceArn=arn).get("tags", {}),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Retention, key and tags."""
        client = scope.client("logs")
        if edit.touches("retentionInDays"):
            self._retain(scope, ident, edit.new.get("retentionInDays") or 0)
        if edit.touches("kmsKeyId"):
            if edit.new.get("kmsKeyId"):
                client.associate_kms_key(logGroupName=ident, kmsKeyId=edit.new["kmsKeyId"])
            else:
                client.disassociate_kms_key(logGroupName=ident)
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.untag_resource(resourceArn=edit.old["arn"], tagKeys=removed)
            if added:
                client.tag_resource(resourceArn=edit.old["arn"], tags=added)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteLogGroup, unless it is to be kept."""
        if not state.get("skipDestroy"):
            scope.client("logs").delete_log_group(logGroupName=ident)

    def _retain(self, scope: Scope, ident: str, days: int) -> None:
        if days:
            scope.client("logs").put_retention_policy(logGroupName=ident, retentionInDays=days)
        else:
            scope.client("logs").delete_retention_policy(logGroupName=ident)


class AlarmHandler(Handler):
    """A metric alarm; id is its name. PutMetricAlarm always says everything."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """PutMetricAlarm."""
        scope.client("cloudwatch").put_metric_alarm(**_alarm_request(inputs), Tags=named(inputs.get("tags")))
        return str(inputs["name"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """DescribeAlarms."""
        client = scope.client("cloudwatch")
        alarms = client.describe_alarms(AlarmNames=[ident], AlarmTypes=["MetricAlarm"]).get("MetricAlarms", [])
        if not alarms:
            return None
        alarm = alarms[0]
        if alarm.get("ExtendedStatistic"):
            alarm.pop("Statistic", None)  # the emulator fills it in beside a percentile
        return {
            **from_api(_ALARM, alarm),
            "dimensions": unnamed(alarm.get("Dimensions"), "Name"),
            "metricQueries": [_query(query) for query in alarm.get("Metrics", [])],
            "arn": alarm["AlarmArn"],
            "tags": unnamed(client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"]).get("Tags")),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """PutMetricAlarm again; tags on their own."""
        client = scope.client("cloudwatch")
        if edit.changed - {"tags"}:
            # Without tags: those of an alarm that exists are ignored here (CloudWatch API, PutMetricAlarm).
            client.put_metric_alarm(**_alarm_request(edit.new))
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.untag_resource(ResourceARN=edit.old["arn"], TagKeys=removed)
            if added:
                client.tag_resource(ResourceARN=edit.old["arn"], Tags=named(added))

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteAlarms."""
        scope.client("cloudwatch").delete_alarms(AlarmNames=[ident])


def _alarm_request(inputs: Props) -> Props:
    """The whole alarm; the API spells dimensions as pairs, and metric queries with their metric inside."""
    shapes = to_api(_ALARM, inputs, frozenset(_ALARM) - {"dimensions", "metricQueries", "tags"})
    if inputs.get("dimensions"):
        shapes["Dimensions"] = named(inputs["dimensions"], "Name")
    if inputs.get("metricQueries"):
        shapes["Metrics"] = [_query_request(query) for query in inputs["metricQueries"]]
    return shapes


def _query_request(query: Props) -> Props:
    request = to_api(_QUERY, query)
    metric = query.get("metric")
    if metric:
        name = {"Namespace": metric.get("namespace"), "MetricName": metric["metricName"]}
        request["MetricStat"] = {
            "Metric": {**name, "Dimensions": named(metric.get("dimensions"), "Name")},
            "Period": metric["period"],
            "Stat": metric["stat"],
            **({"Unit": metric["unit"]} if metric.get("unit") else {}),
        }
    return request


def _query(answer: Props) -> Props:
    query = from_api(_QUERY, answer)
    statistic = answer.get("MetricStat")
    if statistic:
        metric = statistic["Metric"]
        found = {
            "namespace": metric.get("Namespace"),
            "metricName": metric["MetricName"],
            "dimensions": unnamed(metric.get("Dimensions"), "Name"),
            "period": statistic["Period"],
            "stat": statistic["Stat"],
            "unit": statistic.get("Unit"),
        }
        query["metric"] = {name: value for name, value in found.items() if value}
    return query


class DashboardHandler(Handler):
    """A dashboard; id is its name."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """PutDashboard."""
        name, body = inputs["dashboardName"], inputs["dashboardBody"]
        scope.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
        return str(name)

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetDashboard."""
        answer = existing(lambda: scope.client("cloudwatch").get_dashboard(DashboardName=ident))
        return answer and {
            "dashboardName": ident,
            "dashboardBody": answer["DashboardBody"],
            "dashboardArn": answer["DashboardArn"],
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """PutDashboard again."""
        self.create(scope, edit.new)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteDashboards."""
        scope.client("cloudwatch").delete_dashboards(DashboardNames=[ident])


def _alarm_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    """What PutMetricAlarm refuses across properties."""
    if inputs.get("metricName") and inputs.get("metricQueries"):
        yield Failure("metricQueries", "'metricQueries' and 'metricName' exclude each other")
    if not inputs.get("metricName") and not inputs.get("metricQueries"):
        yield Failure("metricName", "'metricName' (or 'metricQueries') is required")
    if inputs.get("statistic") and inputs.get("extendedStatistic"):
        yield Failure("statistic", "'statistic' and 'extendedStatistic' exclude each other")
    if inputs.get("metricName") and not (inputs.get("statistic") or inputs.get("extendedStatistic")):
        yield Failure("statistic", "'statistic' (or 'extendedStatistic') is required with 'metricName'")
    needed, periods = inputs.get("datapointsToAlarm"), inputs.get("evaluationPeriods")
    if isinstance(needed, int) and isinstance(periods, int) and needed > periods:
        yield Failure(
            "datapointsToAlarm", f"'datapointsToAlarm' is {needed}, more than 'evaluationPeriods' ({periods})"
        )


_QUERY = {
    "id": STRING.but(required=True),
    "expression": STRING,
    "label": STRING,
    "period": INTEGER,
    "returnData": BOOLEAN,
    "accountId": STRING,
    "metric": fields(
        namespace=STRING,
        metricName=STRING.but(required=True),
        dimensions=STRING_MAP,
        period=INTEGER.but(required=True),
        stat=STRING.but(required=True),
        unit=STRING,
    ).but(local=True),
}
_ALARM = {
    "name": STRING.but(replaces=True, api="AlarmName", longest=255),
    "alarmDescription": STRING.but(longest=1024),
    "actionsEnabled": BOOLEAN.but(default=True),
    "alarmActions": STRING_SET.but(api="AlarmActions"),
    "okActions": STRING_SET.but(api="OKActions"),
    "insufficientDataActions": STRING_SET,
    "comparisonOperator": one_of(
        "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
    ).but(required=True),
    "evaluationPeriods": INTEGER.but(required=True, low=1),
    "datapointsToAlarm": INTEGER.but(low=1),
    "threshold": NUMBER,
    "metricName": STRING,
    "namespace": STRING,
    "dimensions": STRING_MAP,
    "period": INTEGER.but(low=1),
    "statistic": one_of("SampleCount", "Average", "Sum", "Minimum", "Maximum"),
    "extendedStatistic": STRING,
    "unit": STRING,
    "treatMissingData": one_of("missing", "ignore", "breaching", "notBreaching").but(default="missing"),
    "metricQueries": list_of(fields(**{**_QUERY, "metric": _QUERY["metric"].but(local=False)})),
    "tags": TAGS,
    "region": REGION,
}

ROWS = (
    ResourceType(
        token="aws:cloudwatch/logGroup:LogGroup",
        fields={
            "name": STRING.but(replaces=True, pattern=r"[.\-_/#A-Za-z0-9]{1,512}"),
            "retentionInDays": INTEGER.but(choices=RETENTION_DAYS, default=0),
            "kmsKeyId": STRING,
            "logGroupClass": one_of("STANDARD", "INFREQUENT_ACCESS", "DELIVERY").but(computed=True, replaces=True),
            "skipDestroy": BOOLEAN.but(local=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "tagsAll"),
        handler=LogGroupHandler(),
        autoname=Autoname(longest=512),
    ),
    ResourceType(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        fields=_ALARM,
        outputs=("arn", "tagsAll"),
        handler=AlarmHandler(),
        autoname=Autoname(longest=255),
        rules=_alarm_rules,
    ),
    ResourceType(
        token="aws:cloudwatch/dashboard:Dashboard",
        fields={
            "dashboardName": STRING.but(required=True, replaces=True, pattern=r"[A-Za-z0-9_-]{1,255}"),
            "dashboardBody": DOCUMENT.but(required=True),
            "region": REGION,
        },
        outputs=("dashboardArn",),
        handler=DashboardHandler(),
    ),
)

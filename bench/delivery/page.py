"""The page's algorithm as a stack of its own: tables, functions and API, beside the program in the same sandbox."""

import uuid
from typing import Final

from tests.support.sandbox import Aws

MADE_ONCE: Final = """
import boto3, json, os, time
known = handle.__dict__
if not known:
    known["dynamodb"] = boto3.client("dynamodb")
"""
WEBSOCKET: Final = (
    MADE_ONCE
    + """
print("called")
context = event["requestContext"]
key = {{"connectionId": {{"S": context["connectionId"]}}}}
if context["routeKey"] == "$connect":
    lasting = {{"connectedAt": {{"N": str(context["connectedAt"])}}, "ttl": {{"N": str(int(time.time()) + 86400)}}}}
    known["dynamodb"].put_item(TableName="{connections}", Item={{**key, **lasting}})
    return {{"statusCode": 200}}
frame = json.loads(event["body"])
if frame["type"] == "observe":
    known["dynamodb"].update_item(
        TableName="{connections}", Key=key,
        UpdateExpression="SET actorId = :a, streamId = :s, lastSequence = :n",
        ExpressionAttributeValues={{
            ":a": {{"S": frame["actor"]}}, ":s": {{"S": context["connectionId"]}}, ":n": {{"N": "0"}}}},
    )
else:
    known["dynamodb"].put_item(TableName="{states}", Item={{
        "actorId": {{"S": frame["actor"]}}, "state": {{"B": json.dumps(frame["state"]).encode()}},
        "sequenceNumber": {{"N": str(frame["number"])}}}})
return {{"statusCode": 200, "body": json.dumps({{"done": frame["type"]}})}}
"""
)
PROCESSOR: Final = (
    MADE_ONCE
    + """
import base64
if "api" not in known:
    known["api"] = boto3.client("apigatewaymanagementapi", endpoint_url="{endpoint}")
print("called")
for record in event["Records"]:
    image = record["dynamodb"]["NewImage"]
    pages = known["dynamodb"].get_paginator("query").paginate(
        TableName="{connections}", IndexName="actorId-index", KeyConditionExpression="actorId = :a",
        ExpressionAttributeValues={{":a": image["actorId"]}})
    for item in (item for page in pages for item in page["Items"]):
        connection = item["connectionId"]["S"]
        try:
            known["api"].get_connection(ConnectionId=connection)
        except known["api"].exceptions.GoneException:
            known["dynamodb"].delete_item(TableName="{connections}", Key={{"connectionId": item["connectionId"]}})
            continue
        frame = {{"type": "streamData", "payload": {{
            "streamID": item["streamId"]["S"], "sequenceNumber": int(image["sequenceNumber"]["N"]),
            "data": image["state"]["B"]}}}}
        known["api"].post_to_connection(ConnectionId=connection, Data=json.dumps(frame).encode())
        known["dynamodb"].update_item(
            TableName="{connections}", Key={{"connectionId": item["connectionId"]}},
            UpdateExpression="SET lastSequence = :n", ExpressionAttributeValues={{":n": image["sequenceNumber"]}})
"""
)


def deploy_page(aws: Aws) -> str:
    """The page's tables, functions and API; the address of its sockets."""
    connections, states = f"connections-{uuid.uuid4().hex[:8]}", f"states-{uuid.uuid4().hex[:8]}"
    texts = ("connectionId", "actorId", "streamId")
    aws.dynamodb.create_table(
        TableName=connections,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in texts],
        KeySchema=[{"AttributeName": "connectionId", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "actorId-index",
                "KeySchema": [
                    {"AttributeName": "actorId", "KeyType": "HASH"},
                    {"AttributeName": "streamId", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    stream = aws.dynamodb.create_table(
        TableName=states,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "actorId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "actorId", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    function = aws.function(WEBSOCKET.format(connections=connections, states=states))
    socket = aws.web_socket({"$connect": function, "$default": function})
    processor = aws.function(
        PROCESSOR.format(connections=connections, endpoint=socket.management_url), timeout=900, permitted=False
    )
    aws.functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=processor.arn, StartingPosition="LATEST", BatchSize=100
    )
    return socket.url

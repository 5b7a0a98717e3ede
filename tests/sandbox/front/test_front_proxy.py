"""Everything else goes to the emulator and back, byte for byte."""

import asyncio
import json
import os
import secrets

import aiohttp
import pytest
from botocore.exceptions import ClientError

from sandbox.emulator.process import reserved_port
from tests.support.front import turnable_front
from tests.support.sandbox import Aws

ODD_KEYS = ["plain", "with space", "a/b//c", "ümläut?&=+%25", "trailing/", "~*'()!"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_objects_keep_name_and_content(aws: Aws, key: str) -> None:
    """Keys that need quoting, and bytes that are no text, survive both ways."""
    s3 = aws.client("s3")
    content = os.urandom(1000)
    s3.create_bucket(Bucket="odd")
    s3.put_object(Bucket="odd", Key=key, Body=content)
    assert s3.get_object(Bucket="odd", Key=key)["Body"].read() == content
    assert s3.head_object(Bucket="odd", Key=key)["ContentLength"] == 1000
    assert key in [entry["Key"] for entry in s3.list_objects_v2(Bucket="odd")["Contents"]]


def test_large_body_passes(aws: Aws) -> None:
    """An archive at Lambda's limit fits."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="k", Body=b"x" * 50 * 1024 * 1024)
    assert s3.head_object(Bucket="large", Key="k")["ContentLength"] == 50 * 1024 * 1024


def test_signature_and_permission_are_judged_through_the_front(aws: Aws) -> None:
    """A user may do what the policy says; a wrong secret is refused: host, path and headers arrive as signed."""
    name = f"user-{secrets.token_hex(4)}"
    aws.iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    aws.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = aws.iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert "TableNames" in aws.client("dynamodb", **keys).list_tables()
    with pytest.raises(ClientError) as denied:
        aws.client("lambda", **keys).list_functions()
    assert denied.value.response["Error"]["Code"].startswith("AccessDenied")
    with pytest.raises(ClientError) as forged:
        aws.client("dynamodb", **(keys | {"aws_secret_access_key": "wrong"})).list_tables()
    assert "Signature" in forged.value.response["Error"]["Code"]


def test_dead_emulator_is_told_plainly() -> None:
    """Nothing behind the front: 503, and a sentence that says so."""

    async def main() -> tuple[int, str]:
        with reserved_port() as port:
            return await ask(port)

    async def ask(port: int) -> tuple[int, str]:
        async with (
            turnable_front(f"http://127.0.0.1:{port}") as front,
            aiohttp.ClientSession() as session,
            session.post(f"{front.endpoint}/", data=b"{}") as response,
        ):
            return response.status, (await response.json())["message"]

    status, message = asyncio.run(main())
    assert status == 503
    assert "emulator does not answer" in message

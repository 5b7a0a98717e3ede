"""What AWS answers to calls that it does not take."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    """Code and text of the refusal of a boto3 call."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]

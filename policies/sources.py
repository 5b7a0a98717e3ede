"""Where the rules are from, as they are printed."""

from typing import Final

_PAGE: Final = "AWS WebSocket Streaming page, Troubleshooting"


def page(chapter: str, bullet: int) -> str:
    """A bullet of the page's troubleshooting chapters."""
    return f"{_PAGE}: {chapter}, {bullet}"


PERSISTING: Final = "Connections Not Persisting"
BROADCASTING: Final = "Messages Not Broadcasting"
LATENCY: Final = "High Latency"

API_GUIDE: Final = "API Gateway developer guide"
LAMBDA_GUIDE: Final = "Lambda developer guide"
DYNAMODB_GUIDE: Final = "DynamoDB developer guide"
IAM_GUIDE: Final = "IAM user guide"

"""The corpus of frames in ``tests/contract/frames``: what is sent, and what has to come back.

Each case is one line of JSON:

    name      What is special about it.
    frame     An object, sent as compact JSON, or the text itself. In texts ``<<x*5>>`` stands for ``xxxxx``,
              ``@fill:32768@`` for as much as makes the frame so long (bytes), ``@todo:9@`` for a title of nine letters.
    before    Frames that are sent first, each with the number of frames that answer it.
    expect    ``result``: a response with ``result`` (``@any``, ``@void``: none, ``@same``: as ``before``).
              ``refused``: a response with ``error`` (how it begins), ``contains`` and ``code``.
              ``answered``: the same for an invocation that does not decode.
              ``stream``: a streamStart with ``filter`` and ``recovered``, then ``values`` as pairs of number and value.
              ``streamError``: a streamStart, a streamError with ``error`` and ``code``; ``resumed``: the latter alone.
              ``ignored``, ``silence``: nothing; the latter is no frame for a server, ``reads`` says as what it decodes.
    only      ``loop`` where it takes deployed routes.
"""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "contract" / "frames"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
CALL = "5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"
STREAM = "C41F7A92-0E5D-4B36-9F8A-6D2E13B7A450"

Frame = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One frame and its answer."""

    name: str
    text: str
    expected: Frame
    before: tuple[tuple[str, int], ...]

    @property
    def answers(self) -> int:
        """How many frames come back."""
        match self.expected["expect"]:
            case "result" | "refused" | "answered":
                return 1
            case "stream":
                return 1 + len(self.expected["values"])
            case "streamError":
                return 1 if self.expected.get("resumed") else 2
            case _:
                return 0


def cases(file: str, *, token: str = "corpus", stream: str = STREAM, loop: bool = False) -> list[Case]:
    """The cases of one file.

    Args:
        file: Its name.
        token: Six characters that keep its actors apart from those of others.
        stream: The stream id of its resumes.
        loop: Whether the routes are deployed ones.
    """
    source = (FOLDER / f"{file}.json").read_text(encoding="utf-8")
    source = source.replace("/corpus", f"/{token}")
    source = source.replace(STREAM, stream).replace(STREAM.lower(), stream.lower())
    found = [json.loads(line.rstrip(",")) for line in source.splitlines()[1:-1]]
    return [_case(one) for one in found if loop or one.get("only") != "loop"]


def check(case: Case, frames: list[Frame], before: list[Frame]) -> None:
    """Hold what came back against what is expected."""
    expected = case.expected
    assert len(frames) == case.answers, (case.name, frames)
    match expected["expect"]:
        case "result":
            _check_result(expected["result"], frames[0], before)
        case "refused" | "answered":
            _check_refusal(expected, frames[0], "response")
        case "streamError":
            _check_refusal(expected, frames[-1], "streamError")
            if len(frames) == 2:
                _check_start({}, frames[0], case.text)
                assert frames[0]["payload"]["streamID"] == frames[1]["payload"]["streamID"]
        case "stream":
            _check_start(expected, frames[0], case.text)
            _check_values(expected["values"], frames)


def _check_result(expected: Any, frame: Frame, before: list[Frame]) -> None:
    assert frame["type"] == "response", frame
    assert frame["payload"]["callID"] == CALL
    assert frame["payload"].keys() == {"callID", "result"}, frame
    data = base64.b64decode(frame["payload"]["result"], validate=True)
    if expected == "@void":
        assert data == b""
    elif expected == "@same":
        assert frame == before[-1]
    elif expected == "@any":
        json.loads(data)
    else:
        assert json.loads(data) == expected


def _check_refusal(expected: Frame, frame: Frame, kind: str) -> None:
    assert frame["type"] == kind, frame
    payload = frame["payload"]
    assert payload["errorMessage"].startswith(expected["error"]), frame
    assert expected.get("contains", "") in payload["errorMessage"], frame
    assert payload["code"] == expected["code"], frame
    assert isinstance(payload["retryable"], bool)
    if kind == "response":
        assert payload["callID"] == CALL
        assert "result" not in payload


def _check_start(expected: Frame, frame: Frame, request: str) -> None:
    asked = json.loads(request)["payload"]
    assert frame["type"] == "streamStart", frame
    payload = frame["payload"]
    assert payload["actorID"] == {key: value for key, value in asked["actorID"].items() if value is not None}
    assert payload["targetIdentifier"] == asked["targetIdentifier"]
    assert payload.get("recovered") == expected.get("recovered"), frame
    if "streamID" in asked:
        assert payload["streamID"] == asked["streamID"].upper()
    else:
        assert payload["callID"] == asked["callID"]
    if "filter" in expected:
        assert payload["filter"] == expected["filter"]


def _check_values(expected: list[list[Any]], frames: list[Frame]) -> None:
    for (number, value), frame in zip(expected, frames[1:], strict=True):
        assert frame["type"] == "streamData", frame
        assert frame["payload"]["streamID"] == frames[0]["payload"]["streamID"]
        assert frame["payload"]["sequenceNumber"] == number, frame
        found = json.loads(base64.b64decode(frame["payload"]["data"], validate=True))
        assert value in ("@any", found), frame


def _case(source: Frame) -> Case:
    before = tuple((_text(frame), answers) for frame, answers in source.get("before", ()))
    return Case(source["name"], _text(source["frame"]), source, before)


def _text(frame: Any) -> str:
    text = frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(r"<<(.+?)\*(\d+)>>", lambda found: found[1] * int(found[2]), text)
    text = re.sub(r"@todo:(\d+)@", lambda found: _title(int(found[1])), text)
    fill = re.search(r"@fill:(\d+)@", text)
    if fill is None:
        return text
    return text.replace(fill[0], "x" * (int(fill[1]) - len(text.replace(fill[0], "").encode())))


def _title(letters: int) -> str:
    return base64.b64encode(json.dumps("x" * letters).encode()).decode()

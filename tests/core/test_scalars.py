"""Every row of the table of scalar encodings, in both directions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from trebuche.documents import Json
from trebuche.envelopes import StreamEndReason
from trebuche.errors import MalformedError
from trebuche.scalars import (
    read_bool,
    read_data,
    read_date,
    read_text,
    read_uint16,
    read_uint32,
    read_uint64,
    read_uuid,
    read_word,
    write_data,
    write_date,
    write_uuid,
)

CALL = "5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"
MORNING = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)

READ: list[tuple[Callable[[Json], object], Json, object]] = [
    (read_uuid, CALL, UUID(CALL)),
    (read_uuid, CALL.lower(), UUID(CALL)),
    (read_data, "", b""),
    (read_data, "AAH/", b"\x00\x01\xff"),
    (read_data, "MjEuNQ==", b"21.5"),
    (read_data, "Nw==", b"7"),
    (read_data, "+/+/", b"\xfb\xff\xbf"),
    (read_date, "2026-03-04T09:15:00Z", MORNING),
    (read_date, "2026-03-04T09:15:00.5Z", MORNING.replace(microsecond=500_000)),
    (read_date, "2026-03-04T09:15:00.123456789Z", MORNING.replace(microsecond=123_456)),
    (read_date, "2026-03-04T09:15:00+00:00", MORNING),
    (read_date, "2026-03-04T11:15:00+0200", MORNING),
    (read_date, "2026-03-04T04:45:00.000-04:30", MORNING),
    (read_uint64, 0, 0),
    (read_uint64, 2**53 + 1, 9007199254740993),
    (read_uint64, 2**64 - 1, 18446744073709551615),
    (read_uint32, 2**32 - 1, 4294967295),
    (read_uint16, 65535, 65535),
    (read_bool, True, True),
    (read_bool, False, False),
    (read_text, "", ""),
    (read_text, "é\0\n🌱", "é\0\n🌱"),
]

REFUSED: list[tuple[Callable[[Json], object], Json]] = [
    (read_uuid, "{5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3}"),
    (read_uuid, "urn:uuid:5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"),
    (read_uuid, "5B0C6E1A93D74F288E412A7C90D1F6B3"),
    (read_uuid, "5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B"),
    (read_uuid, "5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6BG"),
    (read_uuid, "5B0C6E1A9-3D7-4F28-8E41-2A7C90D1F6B3"),
    (read_uuid, CALL + "\n"),
    (read_uuid, " " + CALL),
    (read_uuid, "\u0665B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"),
    (read_uuid, ""),
    (read_uuid, 7),
    (read_uuid, None),
    (read_data, "MjEuNQ"),
    (read_data, "MjEuNQ="),
    (read_data, "MjEuNQ==\n"),
    (read_data, "MjEu NQ=="),
    (read_data, "MjEu\r\nNQ=="),
    (read_data, "-_-_"),
    (read_data, "===="),
    (read_data, "A==="),
    (read_data, "MQ==MQ=="),
    (read_data, "M=Q="),
    (read_data, "ÄÖÜß"),
    (read_data, [1]),
    (read_date, "2026-03-04"),
    (read_date, "2026-03-04T09:15:00"),
    (read_date, "2026-03-04 09:15:00Z"),
    (read_date, "2026-03-04T09:15Z"),
    (read_date, "2026-03-04T09:15:00z"),
    (read_date, "2026-03-04T09:15:00.Z"),
    (read_date, "2026-03-04T09:15:00Z\n"),
    (read_date, "2026-02-30T09:15:00Z"),
    (read_date, "2026-03-04T24:15:00Z"),
    (read_date, "2026-03-04T09:15:00+25:00"),
    (read_date, "2026-03-04T09:15:00+00:60"),
    (read_date, "0001-01-01T00:00:00+01:00"),
    (read_date, "0000-01-01T00:00:00Z"),
    (read_date, 794308500),
    (read_date, 794308500.0),
    (read_uint64, 2**64),
    (read_uint64, -1),
    (read_uint64, 7.5),
    (read_uint64, float("inf")),
    (read_uint64, "7"),
    (read_uint64, True),
    (read_uint64, None),
    (read_uint64, 10**400),
    (read_uint32, 2**32),
    (read_uint16, 65536),
    (read_bool, 1),
    (read_bool, 0),
    (read_bool, "true"),
    (read_text, "\ud800"),
    (read_text, "a\udfffb"),
    (read_text, 7),
    (read_text, ["a"]),
]


@pytest.mark.parametrize(("read", "value", "expected"), READ)
def test_reads(read: Callable[[Json], object], value: Json, expected: object) -> None:
    """What the format allows is read to exactly one value."""
    assert read(value) == expected


@pytest.mark.parametrize(("read", "value"), REFUSED)
def test_refuses(read: Callable[[Json], object], value: Json) -> None:
    """What Foundation would not take, and what Python alone would take, is refused."""
    with pytest.raises(MalformedError, match=r"expected|no such date|lone surrogate"):
        read(value)


def test_uuids_are_written_in_upper_case() -> None:
    """Swift compares ids as text in places, and writes upper case."""
    assert write_uuid(UUID(CALL.lower())) == CALL


def test_dates_are_read_as_utc() -> None:
    """An offset decides the moment, not the zone of the result."""
    assert read_date("2026-03-04T11:15:00+02:00").tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MORNING, "2026-03-04T09:15:00Z"),
        (MORNING.replace(microsecond=999_999), "2026-03-04T09:15:00Z"),
        (MORNING.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-03-04T09:15:00Z"),
        (datetime(5, 1, 1, tzinfo=UTC), "0005-01-01T00:00:00Z"),
    ],
)
def test_dates_are_written_in_whole_seconds_of_utc(moment: datetime, text: str) -> None:
    """Foundation before Swift 6.2 drops a frame with a fraction."""
    assert write_date(moment) == text


@pytest.mark.parametrize("moment", [datetime(2026, 3, 4), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))])
def test_dates_that_have_no_moment_in_utc_are_refused(moment: datetime) -> None:
    """A date without zone could be any of a day's moments."""
    with pytest.raises(MalformedError):
        write_date(moment)


def test_data_is_written_as_padded_standard_base64() -> None:
    """No URL-safe letters, no missing padding."""
    assert [write_data(data) for data in (b"", b"21.5", b"\xfb\xff\xbf")] == ["", "MjEuNQ==", "+/+/"]


def test_words_are_case_sensitive_and_the_message_lists_them() -> None:
    """The text says what would have been allowed."""
    assert read_word(StreamEndReason, "clientUnsubscribed") is StreamEndReason.CLIENT_UNSUBSCRIBED
    with pytest.raises(MalformedError, match=r"one of completed, actorTerminated, .*, got 'Completed'"):
        read_word(StreamEndReason, "Completed")


def test_a_long_text_is_cut_in_the_message() -> None:
    """An error must not carry a whole frame into a log."""
    with pytest.raises(MalformedError) as caught:
        read_uuid("x" * 100_000)
    assert len(str(caught.value)) < 200

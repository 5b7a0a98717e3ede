"""What one operation takes of what is billed, beside its payload.

Sizes are those of the runtime's own items and frames (``tests/core/test_cost_sizes.py`` holds them), numbers of units
are those that the sandbox counts (``tests/loop/test_predicted_steps.py``). Times are neither: they stand for what a
warm function takes with the memory that trebuche.yaml gives it, and nobody has measured them on AWS. Run time is a few
percent of a bill.
"""

from typing import Final

FRAME_BYTES: Final = 160
"""Of a frame around its value."""
BASE64: Final = 4 / 3
"""A value in a frame is base64 text."""
ITEM_BYTES: Final = (73, 92, 171)
"""Of a turn's items around the state or the result: the state, its journal entry, the call's record."""
ROW_BYTES: Final = 257
"""A subscription."""
AUDIENCE_ROWS: Final = 8
"""From so many subscribers on they are kept from change to change, and one read tells whether they are the same."""
AUDIENCE_SECONDS: Final = 30.0
"""For which they are kept."""
SUBSCRIBE_WRITES: Final = 6.0
"""A subscription in a transaction, the audience's mark, its turning live, and a note on the connection, which is in an
index."""
SUBSCRIBE_STATE_READS: Final = 2.0
"""Of the state: before the row is opened, and of what is sent."""
REMINDER_REQUESTS: Final = 3.0
"""Each subscription sends one, which a worker receives and deletes a minute later."""
REMINDER_READS: Final = 1.0
"""Of the row, which is mostly live by then."""
LEAVE_WRITES: Final = 6.0
"""The connection and its entry in an index, and the subscription, which is moved aside in a transaction."""
LEAVE_READS: Final = 1.0
CREDENTIAL_READS: Final = 4.0
"""Whether a principal or its credential was revoked: the authorizer looks, and `$connect` when its row is there."""
LOOK_REQUESTS: Final = 3.0
"""A message that is received, deleted, and sent again for the next look."""
LOOK_READS: Final = 1.0
"""Of the connection."""
CALL_MS: Final = 30.0
CONNECT_MS: Final = 20.0
SUBSCRIBE_MS: Final = 60.0
LEAVE_MS: Final = 60.0
AUTHORIZE_MS: Final = 20.0
LOOK_MS: Final = 20.0
FAN_OUT_MS: Final = 20.0
POST_MS: Final = 0.4
"""Of an invocation's time for each post: 2,500 a second are let through by an execution environment."""
LOG_BYTES_PER_INVOCATION: Final = 550.0
LOG_BYTES_PER_POST: Final = 7.5
"""Its latency, as a value of a metric in the log."""
QUEUE_POLLS_PER_HOUR: Final = 5 * 3600 / 20
"""Lambda asks a queue by five long polls of 20 s at a time, whether there is anything or not."""

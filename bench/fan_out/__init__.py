"""Processor time per post of the whole fan-out, against boto3 with 32 threads and against aiobotocore.

All post the same changes to the same connections of one server, over TLS, in turns. The server checks each signature,
refuses some posts with 429 and lets some connections be gone. Ours is the stream processor from the records of the
table's stream on, with subscribers in memory; the rivals get their frames ready-made, and post them in order: boto3
with 32 threads, a connection each, and aiobotocore, which an asyncio program would take, as many side by side as ours.
"""

"""From a call to its last subscriber, against the page's algorithm on the same sandbox.

Ours is the program as it is deployed. The rival is a stack of its own beside it, of what the page describes:
subscribers by the index of the connections table, and for each of them, one after the other, a look whether the
connection lives, a post and a write of its sequence number, with boto3 and clients that are made once. Both have the
emulator's functions, tables and sockets; they take turns, and a call waits until the one before it has arrived.
"""

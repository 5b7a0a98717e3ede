"""What an hour of W1 and of W2 costs, by units that are counted in the sandbox.

W1: 10,000 connections for an hour, 100 updates a minute, 100 subscribers each, 1 KB: a hundred actors with a hundred
subscribers, each changed once a minute. One of the actors is run for some minutes of the sandbox's clock, and what the
meter counts is multiplied. All of it are counts, which multiply exactly, but for the functions' run time: that is this
machine's, with everything that the sandbox does around an invocation, and higher than AWS's.

W2: one actor with a hundred subscribers, changed 20 times a second for an hour, of which only the latest value of each
250 ms is delivered; beside it the same where every value is. It is run in slow motion, by one caller as fast as the
machine allows, with a window that is as much longer, so that five changes fall into each as they do in W2 (no longer
than a second: functions wait no longer). What calls take is multiplied by the calls of an hour, what deliveries take by
its windows.
"""

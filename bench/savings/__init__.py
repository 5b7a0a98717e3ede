"""The page's five optimisations on W1's hour: what each saves of units that were counted in the sandbox.

``counted.json`` keeps what was counted, so that the tables in docs/costs.md can be made, and held, without a sandbox.
"""

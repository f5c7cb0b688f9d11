"""How the region's systems are heard.

In: connections of the region's systems. Out: each message as bytes to `deliver`, and its answer back.
Invariant: no message is acknowledged before `deliver` has answered for it.
"""

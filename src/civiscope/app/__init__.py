"""Wires the rooms, starts the processes: the one place, with `cli`, that knows everything.

Facts in: none. Facts out: none.
Invariants: no logic of a room stands here; the recorder runs without the server; a role reads its own keys.
This face is empty, and `cli` imports the modules, so that a process loads only what it is.
"""

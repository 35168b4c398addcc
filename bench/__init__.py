"""The measures of this product: what it costs, how late it is, on which machine; `python -m bench`.

Facts in: none. Facts out: `bench/results.json` and `docs/scoreboard.md`.
Invariants: the real product over its real sockets; start-up is never counted; costs are CPU time.
"""

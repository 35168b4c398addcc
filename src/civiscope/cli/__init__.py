"""The command line: `civiscope init | up | camera | sim | setup-code | audit | catalogue | bench`.

Facts in: none. Facts out: none.
Invariants: parses words, calls `app`, prints; every failure is one line in plain words and exit code 1.
"""

from civiscope.cli.main import main

__all__ = ["main"]

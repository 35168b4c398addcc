"""What needs a person: one life, from raised to closed.

Facts in: none (commanded by rules and people).
Facts out: `AlarmRaised`, `AlarmChanged`, `AlarmUnacknowledged`.
Invariants: states change by the one table in `model`; history is only ever added to; repeats fold into an
open alarm; an alarm that nobody claims does not stay quiet.
"""

"""When this, at these places, in this schedule, if that: do these.

Facts in: events, handed over by `app`. Facts out: none (it commands alarms, notify and evidence).
Invariants: a rule fires once per event; every firing is written down; an action that fails does not stop
the others; automatic commands are permitted and audited like a person's.
"""

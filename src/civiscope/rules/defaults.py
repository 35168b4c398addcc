"""The rule that a new site begins with."""

from civiscope.rules.model import ActionOrder, EventPattern, Places, RuleDraft

FIRST_RULE = RuleDraft(
    name="Something enters a zone or crosses a line",
    when=EventPattern(kinds=("zone.entered", "line.crossed")),
    at=Places(everywhere=True),
    actions=(ActionOrder("raise_alarm", {"priority": "normal"}),),
)
"""Its alarms fold while it goes on."""

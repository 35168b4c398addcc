"""Reaching people and foreign systems outside: webhook, mail, MQTT.

Facts in: none (commanded by rules and alarms). Facts out: `DeliveryFailed`.
Invariants: every message is delivered or its failure is on record; nothing is sent to where nobody
configured; no picture leaves here; a secret of a target is sealed.
"""

"""Bookmarks and holds: named moments, and spans that no retention deletes.

Facts in: none (commanded by people and rules). Facts out: none.
Invariants: a held span is deleted by nobody before its end; who held it, why and until when is on record; a
bookmark protects nothing.
"""

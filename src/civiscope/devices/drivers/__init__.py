"""The drivers that ship with the product; loaded by entry point in the process role `driver` only.

Never imported by the room's face: their libraries are heavy.
"""

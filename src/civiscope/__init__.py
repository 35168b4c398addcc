"""Civiscope: the open, privacy-first video and sensor platform for safe cities.

The rooms of this package stand in one order, from the camera to the person; imports point up that order and
facts flow down it (docs/architecture.md). This module imports nothing.
"""

__version__ = "0.1.0"

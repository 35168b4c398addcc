"""What may be seen, for which purpose, by whom and for how long: the register of purposes and permits.

Facts in: none. Facts out: none.
Invariants: without a permit in force nothing may be seen, whoever asks; no switch skips the check;
permits are ended, never deleted; every change is in the audit chain together with the change itself.
"""

from civiscope.privacy.model import Function, Permit, PermitId, Presentation, Purpose, permit_for
from civiscope.privacy.register import PermitDraft, PurposeRegister
from civiscope.privacy.tables import migrate_privacy

__all__ = [
    "Function", "Permit", "PermitDraft", "PermitId", "Presentation", "Purpose", "PurposeRegister",
    "migrate_privacy", "permit_for",
]  # fmt: skip

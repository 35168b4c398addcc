"""Which machine does what: today one machine, whose process roles one supervisor keeps running.

Facts in: none. Facts out: none (the state of the processes is a file, `processes.json`, for health).
Invariants: a role that ends is started again; a supervisor's death ends no role; a stop is in order,
downstream first, and takes 10 s at most; no process but our own is ever signalled.
"""

from civiscope.cluster.model import ProcessState, ProcessStatus, RoleSpec, SupervisorSettings
from civiscope.cluster.ready import tell_ready
from civiscope.cluster.snapshot import ProcessesSnapshot, read_snapshot
from civiscope.cluster.supervisor import Supervisor, stop_on_signals

__all__ = [
    "ProcessState", "ProcessStatus", "ProcessesSnapshot", "RoleSpec", "Supervisor", "SupervisorSettings",
    "read_snapshot", "stop_on_signals", "tell_ready",
]  # fmt: skip

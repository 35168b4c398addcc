"""What a role process gives itself before it works."""

import subprocess
import sys


def limits_of_a_role() -> list[int]:
    """Start a process as a role starts, and let it tell its limits."""
    code = (
        "import resource, civiscope.app.role as role\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "role._leave_no_core(); role._allow_open_files()\n"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    return [int(word) for word in done.stdout.split()]


def test_a_role_may_open_what_the_system_allows_and_leaves_no_core() -> None:
    soft, hard, core_bytes = limits_of_a_role()
    assert soft == hard
    assert core_bytes in {0, 1}

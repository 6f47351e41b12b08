"""Runs pytest with the given arguments; the last line of standard error is what that took.

Wall and CPU seconds of this process and its children, from before pytest is imported, and the peak
of memory in mebibytes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time


def main() -> None:
    """Run and print."""
    started_s = time.monotonic()
    subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], check=False)
    wall_s = time.monotonic() - started_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    sys.stderr.write(f"\n{wall_s:.4f} {cpu_s:.4f} {used.ru_maxrss / 1024:.1f}\n")


if __name__ == "__main__":
    main()

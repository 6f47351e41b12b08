"""Runs Python with the given arguments; the last line of standard error is what that took.

Wall and CPU seconds of that process and its children, its start included, and the peak of memory in
mebibytes. It ends as that process did.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time


def main() -> None:
    """Run and print."""
    started_s = time.monotonic()
    done = subprocess.run([sys.executable, *sys.argv[1:]], check=False)
    wall_s = time.monotonic() - started_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    sys.stderr.write(f"\n{wall_s:.4f} {cpu_s:.4f} {used.ru_maxrss / 1024:.1f}\n")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()

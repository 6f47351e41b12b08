"""A stand-in for `helm rollback` in a rehearsal: it tells the sandbox to go back."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Do what helm does with `rollback RELEASE REVISION`; the first argument is the sandbox."""
    parser = argparse.ArgumentParser(prog="helm")
    parser.add_argument("control")
    parser.add_argument("command", choices=["rollback"])
    parser.add_argument("release")
    parser.add_argument("revision", type=int)
    parser.add_argument("-n", "--namespace")
    parser.add_argument("--kube-context")
    parser.add_argument("--timeout")
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args(arguments)
    try:
        tell(given.control, "rollback", revision=given.revision, dry_run=given.dry_run)
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"Error: {json.loads(error.read())['detail']}\n")
        return 1
    sys.stdout.write("Rollback was a success! Happy Helming!\n")
    return 0


def tell(control: str, what: str, **body: object) -> dict[str, object]:
    """Post to a running sandbox's control, and return what it answers.

    Raises:
        urllib.error.HTTPError: It refuses; the body's `detail` says why.
        urllib.error.URLError: It does not answer.
    """
    request = urllib.request.Request(  # noqa: S310 - our own loopback server
        f"{control}/{what}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as answer:
        told: dict[str, object] = json.load(answer)
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

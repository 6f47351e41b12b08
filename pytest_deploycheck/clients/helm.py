"""Helm as a process: the exact command, tried first, bounded in time, with its own credentials."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import shutil
import signal
import subprocess
import threading
import types
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from pytest_deploycheck.clients.evidence import excerpt
from pytest_deploycheck.clients.kubernetes_api import in_pod
from pytest_deploycheck.clients.revisions import Revision
from pytest_deploycheck.config.environment import Cluster, Rollback
from pytest_deploycheck.domain.errors import InstrumentError

_GRACE_S: Final = 30.0
"""How much longer than its own `--timeout` helm may take to end."""
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_AIMING: Final = "HELM_KUBE"
"""How variables begin that lead helm to a cluster: the environment alone names the one meant."""
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run of helm ended."""

    code: int | None
    """Its exit code; None: it was ended because it took too long, or never begun."""
    output: str
    """The redacted beginning of what it printed."""
    by: str = ""
    """The signal to us for which it was ended, or not begun; empty: there was none."""

    @property
    def succeeded(self) -> bool:
        """Helm says that it did what it was asked."""
        return self.code == 0

    def __str__(self) -> str:
        """Say how it ended."""
        how = "did not end in time" if self.code is None else f"ended with {self.code}"
        if self.by:
            how = (
                f"was not begun after {self.by}" if self.code is None else f"was ended by {self.by}"
            )
        return f"helm {how}: {self.output.strip() or 'it printed nothing'}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Aim:
    """Which cluster a command is to change: never whichever one happens to be the current one."""

    kubeconfig: str | None
    kubeconfig_env: str | None
    """Environment variable with the path of the kubeconfig that is not also the checks'."""
    context: str | None

    @classmethod
    def of(cls, settings: Rollback, cluster: Cluster) -> Aim:
        """Return what `[rollback]` names, else what `[cluster]` does, else the pod's own cluster.

        Raises:
            InstrumentError: Nothing names a cluster.
        """
        # A server of its own is all that the checks know then; helm needs credentials, too.
        ours = settings.kubeconfig_env is None and cluster.server is None
        aim = cls(
            kubeconfig=cluster.kubeconfig if ours else None,
            kubeconfig_env=settings.kubeconfig_env,
            context=settings.context or (cluster.context if ours else None),
        )
        if aim.named or (cluster.server is None and in_pod()):
            return aim
        raise InstrumentError(
            "found nothing that names the cluster to change; expected kubeconfig_env or context in "
            "[rollback], or kubeconfig or context in [cluster]"
        )

    @property
    def named(self) -> bool:
        """Something names it; else it is that of the pod in which we run."""
        return any((self.kubeconfig, self.kubeconfig_env, self.context))

    def options(self, context: str) -> list[str]:
        """Return the options that say so; *context* is the one for a context."""
        path = None if self.kubeconfig is None else str(Path(self.kubeconfig).expanduser())
        return [
            *(["--kubeconfig", path] if path else []),
            *([context, self.context] if self.context else []),
        ]

    def typed(self, words: Sequence[str]) -> str:
        """Return *words* as a person types them into a shell."""
        name = self.kubeconfig_env
        return shlex.join(words) + (f' --kubeconfig "${name}"' if name else "")


def undo(revisions: Collection[Revision], settings: Rollback, cluster: Cluster) -> str:
    """Return the command by which Deployments go back to *revisions*, where Helm knows nothing.

    Raises:
        InstrumentError: Nothing names the cluster.
    """
    aim = Aim.of(settings, cluster)
    return " && ".join(
        aim.typed(
            [
                "kubectl", "rollout", "undo", f"deployment/{one.workload}",
                "-n", cluster.namespace, f"--to-revision={one.number}",
                *aim.options("--context"),
            ]
        )
        for one in revisions
    )  # fmt: skip


class Helm:
    """Brings a revision back.

    Args:
        settings: The environment's `[rollback]`.
        cluster: The environment's `[cluster]`.
    """

    def __init__(self, settings: Rollback, cluster: Cluster) -> None:
        self._settings = settings
        self._cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None
        self._signal: signal.Signals | None = None
        self._ending: signal.Signals | None = None  # what helm is to get for those that reached us

    def command(self, revision: int | str) -> list[str]:
        """Return the command; it names the revision, for "the one before" may not be a good one.

        Raises:
            InstrumentError: The environment does not say what Helm calls the release, or which
                cluster is meant.
        """
        if self._cluster.helm_release is None:
            raise InstrumentError("[cluster] has no helm_release: helm cannot be told what it is")
        return [
            self._settings.helm, "rollback", self._cluster.helm_release, str(revision),
            "-n", self._cluster.namespace,
            "--wait", "--timeout", f"{self._settings.timeout_s:g}s",
            *Aim.of(self._settings, self._cluster).options("--kube-context"),
        ]  # fmt: skip

    def spoken(self, revision: int | str) -> str:
        """Return the command as a person types it, where the program is on the PATH.

        Raises:
            InstrumentError: As `command`.
        """
        words = self.command(revision)
        return Aim.of(self._settings, self._cluster).typed(["helm", *words[1:]])

    @property
    def is_there(self) -> bool:
        """The program is found."""
        return shutil.which(self._settings.helm) is not None

    @property
    def interrupted_by(self) -> str:
        """The signal that asked us to end while `undisturbed`; empty: none did."""
        return "" if self._signal is None else self._signal.name

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Until the block ends, a signal that would end us ends helm, so that the record says so.

        The first one asks helm to end, a further one kills it; what somebody else handles is left
        to them.
        """
        ours = [
            number
            for number in _ENDING
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
        ]
        if threading.current_thread() is not threading.main_thread():
            ours = []  # Python handles signals on the main thread only
        before = {number: signal.signal(number, self._end) for number in ours}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, revision: int, *, dry: bool = False, keep: Collection[int] = ()) -> Ended:
        """Run the command and wait for its end.

        A run that takes too long is ended with all its children; what it has done by then only
        the cluster knows.

        Args:
            revision: To go back to.
            dry: Only try it.
            keep: File descriptors that it keeps open for as long as it lives.

        Raises:
            InstrumentError: The program cannot be started, or its credentials are missing.
        """
        command = [*self.command(revision), *(["--dry-run"] if dry else [])]
        if self._signal is not None:
            return Ended(code=None, output="", by=self._signal.name)
        try:
            process = subprocess.Popen(  # noqa: S603 - the environment names the program
                command,
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=keep,
            )
        except OSError as error:
            raise InstrumentError(f"{command[0]} cannot be started: {error.strerror}") from error
        self._process = process
        self._pass_on()  # some may have come while helm was being started
        try:
            output, _ = process.communicate(timeout=self._settings.timeout_s + _GRACE_S)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            code = None
        finally:
            self._process = None
        text = excerpt(output.decode("utf-8", "replace"))
        return Ended(code=code, output=text, by="" if code is None else self.interrupted_by)

    def _end(self, number: int, frame: types.FrameType | None) -> None:
        del frame
        self._ending = signal.SIGTERM if self._signal is None else signal.SIGKILL
        self._signal = self._signal or signal.Signals(number)
        self._pass_on()

    def _pass_on(self) -> None:
        """Let helm and its children have what they are to end by, if a signal has reached us."""
        if self._ending is not None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, self._ending)

    def _variables(self) -> dict[str, str]:
        """Return helm's environment: its own credentials, and none of the checks'."""
        variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        variables |= {
            name: value
            for name, value in os.environ.items()
            if name.startswith("HELM_") and not name.startswith(_AIMING)
        }
        aim = Aim.of(self._settings, self._cluster)
        name = aim.kubeconfig_env
        if name is not None:
            path = os.environ.get(name)
            if not path:
                raise InstrumentError(f"environment variable {name} is not set; helm needs it")
            variables["KUBECONFIG"] = path
        elif aim.context and "KUBECONFIG" in os.environ:  # where the checks find that context, too
            variables["KUBECONFIG"] = os.environ["KUBECONFIG"]
        return variables

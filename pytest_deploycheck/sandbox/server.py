"""The running sandbox: one state, and a port for each protocol that shows it."""

from __future__ import annotations

import functools
import pathlib
import shlex
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from pytest_deploycheck.sandbox import (
    alertmanager,
    application,
    aws,
    control,
    github,
    grafana,
    healthy,
    kubernetes,
    people,
    postgres,
    prometheus,
    redis,
    services,
    smtp,
)
from pytest_deploycheck.sandbox.certificates import Authority
from pytest_deploycheck.sandbox.faults import find
from pytest_deploycheck.sandbox.platform import (
    DEPLOYED_AGO_S,
    RELEASE,
    Credentials,
    Manner,
    Platform,
)
from pytest_deploycheck.sandbox.web import Request, Response, speaker
from pytest_deploycheck.sandbox.wire import HOST, Listener

_SECURE = ("api", "frontend", "cluster")


class Sandbox:
    """The embedded platform on loopback, until `stop`; a context manager.

    Args:
        faults: Names of what is broken from the start.
        deployed_ago_s: When the rollout started, in seconds before now.

    Raises:
        ConfigError: There is no such fault.
    """

    def __init__(
        self, faults: Sequence[str] = (), *, deployed_ago_s: float = DEPLOYED_AGO_S
    ) -> None:
        self._deployed_ago_s = deployed_ago_s
        self.platform = self._broken(faults)
        self._authority = Authority()
        self._folder = tempfile.TemporaryDirectory(prefix="deploycheck-sandbox-")
        self._ca_file = pathlib.Path(self._folder.name) / "ca.pem"
        self._ca_file.write_bytes(self._authority.pem)
        self._record_file = pathlib.Path(self._folder.name) / "record.jsonl"
        self._artifacts = pathlib.Path(self._folder.name) / "artifacts"
        self._listeners = {
            name: Listener(
                serve,
                tls=functools.partial(self._context, name) if name in _SECURE else None,
            )
            for name, serve in self._speakers().items()
        }
        self.stopped = threading.Event()
        """Somebody has asked it to stop."""
        self._control = Listener(
            speaker(lambda request: control.answer(self, self.stopped.set, request), Manner)
        )
        self._control.open()
        self._helm = self._script("helm", f"http://{HOST}:{self._control.port}")
        self.variables: Mapping[str, str] = self._variables()
        self.apply()

    def _context(self, name: str) -> ssl.SSLContext:
        return self._authority.context(self.platform.certificates[name])

    def _speakers(self) -> dict[str, Callable[[socket.socket], None]]:
        def web(
            name: str, answer: Callable[[Platform, Request], Response]
        ) -> Callable[[socket.socket], None]:
            return speaker(
                lambda request: answer(self.platform, request),
                lambda: self.platform.servers[name],
            )

        return {
            "api": web("api", application.answer_api),
            "frontend": web("frontend", application.answer_frontend),
            "cluster": web("cluster", kubernetes.answer),
            "prometheus": web("prometheus", prometheus.answer),
            "repository": web("repository", lambda state, r: github.answer(state.code_host, r)),
            "aws": web("aws", lambda state, r: aws.answer(state.vault, r)),
            "database": lambda connection: postgres.serve(self.platform, connection),
            "cache": lambda connection: redis.serve(self.platform, connection),
            "crm": web(
                "crm",
                lambda state, r: services.answer_crm(
                    state.business, state.credentials.crm_token, r
                ),
            ),
            "claude": web(
                "claude",
                lambda state, r: services.answer_claude(state.credentials.claude_key, r),
            ),
            "mail": lambda connection: smtp.serve(self.platform, connection),
            "mailbox": web("mailbox", lambda state, r: services.answer_mailbox(state.business, r)),
            "alertmanager": web("alertmanager", alertmanager.answer),
            "alertsink": web("alertsink", alertmanager.answer_sink),
            "grafana": web("grafana", grafana.answer),
        }

    def _variables(self) -> dict[str, str]:
        ours = Credentials()
        at = {name: f"{HOST}:{listener.port}" for name, listener in self._listeners.items()}
        api = f"localhost:{self._listeners['api'].port}"
        named = {
            "API_URL": f"https://{api}",
            "FRONTEND_URL": f"https://{at['frontend']}",
            "CLUSTER_URL": f"https://{at['cluster']}",
            "PROMETHEUS_URL": f"http://{at['prometheus']}",
            "DATABASE_DSN": (
                f"host={HOST} port={self._listeners['database'].port} dbname=jorge_revenue "
                f"user={ours.username} password={ours.database_password}"
            ),
            "CACHE_URL": f"redis://:{ours.cache_password}@{at['cache']}/0",
            "CA_FILE": str(self._ca_file),
            "RELEASE": RELEASE,
            "DEPLOYED_AT": healthy.timestamp(time.time() - self.platform.deployed_at_s),
            "REPOSITORY_URL": f"http://{at['repository']}",
            "REPOSITORY_TOKEN": ours.repository_token,
            "AWS_URL": f"http://{at['aws']}",
            "AWS_ACCESS_KEY": ours.aws_access_key,
            "AWS_SECRET_KEY": ours.aws_secret_key,
            "ARTIFACTS": str(self._artifacts),
            "RECORD_FILE": str(self._record_file),
            "CONTROL_URL": f"http://{HOST}:{self._control.port}",
            "HELM": str(self._helm),
            "USERNAME": ours.username,
            "PASSWORD": ours.password,
            "ADMIN_KEY": ours.admin_key,
            "CLUSTER_TOKEN": ours.cluster_token,
            "EXPIRED_TOKEN": ours.expired_token,
            "CRM_URL": f"http://{at['crm']}",
            "CRM_TOKEN": ours.crm_token,
            "CLAUDE_URL": f"http://{at['claude']}",
            "CLAUDE_KEY": ours.claude_key,
            "MAIL_SERVER": at["mail"],
            "CHANNEL_URL": (
                f"mailto://{ours.username}:{ours.mail_password}@{at['mail']}/?mode=insecure"
                "&from=operations@sandbox.invalid&to=jorge@sandbox.invalid&format=text"
            ),
            "MAIL_PASSWORD": ours.mail_password,
            "MAIL_SINK_URL": f"http://{at['mailbox']}",
            "ALERTMANAGER_URL": f"http://{at['alertmanager']}",
            "ALERT_SINK_URL": f"http://{at['alertsink']}",
            "GRAFANA_URL": f"http://{at['grafana']}",
            "GRAFANA_TOKEN": ours.grafana_token,
        }
        return {f"DEPLOYCHECK_SANDBOX_{name}": value for name, value in named.items()}

    def switch(self, faults: Sequence[str]) -> None:
        """Become a platform just deployed that has these faults and no other, on the same ports.

        Raises:
            ConfigError: There is no such fault; nothing has changed.
        """
        self.platform = self._broken(faults)
        self.apply()

    def roll_back(self) -> None:
        """Become a healthy platform that has just gone back to the release before."""
        self.platform = self._broken([])
        control.went_back(self.platform)
        self.apply()

    def _script(self, name: str, *arguments: str) -> pathlib.Path:
        """Write a program that stands in for *name*."""
        path = pathlib.Path(self._folder.name) / name
        module = f"pytest_deploycheck.sandbox.{name}"
        command = shlex.join([sys.executable, "-m", module, *arguments])
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o755)
        return path

    def _broken(self, faults: Sequence[str]) -> Platform:
        chosen = find(faults)
        platform = healthy.platform(deployed_ago_s=self._deployed_ago_s)
        for fault in chosen:
            fault.break_(platform)
        return platform

    def apply(self) -> None:
        """Show a change of `platform`: write its files anew, open and close ports."""
        self.platform.reports.write(self._artifacts)
        self._record_file.write_text(people.to_lines(self.platform.record))
        for name, listener in self._listeners.items():
            if self.platform.servers[name].refuses:
                listener.close()
            else:
                listener.hang_up()
                listener.open()

    def stop(self) -> None:
        """Close every port and leave no file; a second time does nothing."""
        for listener in (*self._listeners.values(), self._control):
            listener.release()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        """Return the sandbox, which runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


def start(faults: Sequence[str] = ()) -> Sandbox:
    """Start the embedded platform; see `Sandbox`."""
    return Sandbox(faults)

"""A small project on disk, and what is said about it when a file of it is broken."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final

import pytest

from pytest_deploycheck.config import Environment, load_environment, load_project
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.items import PHASES

CHECKLIST: Final = """\
# A Checklist
## Health
<!-- phase: post_5min -->
- [ ] **Pod Status**: all pods are ready
- [ ] **Redis Cache**: it caches
## Rollback
<!-- decision points: post_5min post_24h -->
- **Critical Error Rate**: >5% for >2 minutes
- **Security Issues**: any
"""
PHASE_TABLES: Final = "\n".join(f'[phases.{phase}]\ntitle = "{phase}"' for phase in PHASES)
POLICY: Final = f"""\
interval = "10s"
settle = "30s"
max_waiver_life = "30d"
may_not_apply = ["post_5min/redis-cache"]
{PHASE_TABLES}
[triggers.critical-error-rate]
severity = "rollback"
hold = "2m"
min_bad = 2
max_gap = "60s"
[triggers.security-issues]
severity = "rollback"
hold = "0s"
min_bad = 1
max_gap = "60s"
never_waivable = true
[limits]
error_ratio = {{ value = 0.05, worse = "above" }}
success_ratio = {{ value = 0.95, worse = "below" }}
"""
BASE: Final = """\
user_agent = "deploycheck"
[api]
url = "https://base.example"
login = "login"
[api.endpoints.login]
path = "/login"
method = "POST"
[frontend]
url = "https://app.example"
[frontend.endpoints.root]
path = "/"
[cluster]
namespace = "platform"
workloads = [{ name = "api" }, { name = "db", kind = "StatefulSet" }]
ingress_controller = { name = "nginx" }
[prometheus]
url = "https://metrics.example"
[prometheus.queries.error_ratio]
query = "errors"
unit = "ratio"
worse = "above"
window = "10m"
[database]
dsn_env = "DSN"
[cache]
url_env = "CACHE_URL"
"""
LIVE: Final = """\
extends = "base"
[api]
url = "https://api.example"
"""
VARIABLES: Final = {"DSN": "postgresql://u:s3cret@h/d", "CACHE_URL": "redis://:s3cret@h"}


@dataclasses.dataclass(frozen=True)
class Scratch:
    """A project on disk that is right until a test breaks it."""

    root: Path

    def write(self, file: str, text: str | bytes) -> Path:
        """Write a file of the project."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace *old*, which must be there, in a file."""
        text = (self.root / file).read_text()
        assert old in text
        self.write(file, text.replace(old, new, 1))

    def at_home(self) -> None:
        """Let everything be asked where the embedded platform listens."""
        for name in ("base", "live"):
            file = self.root / f"environments/{name}.toml"
            file.write_text(
                re.sub(r"https://[a-z.]+\.example", "https://localhost", file.read_text())
            )

    def add(self, file: str, text: str) -> None:
        """Append *text* to a file."""
        self.write(file, (self.root / file).read_text() + text)

    def environment(
        self, name: str | Path = "live", variables: dict[str, str] | None = None
    ) -> Environment:
        """Load an environment of the project."""
        project = load_project(self.root)
        return load_environment(name, project, VARIABLES if variables is None else variables)

    def problems(
        self, name: str | Path = "live", variables: dict[str, str] | None = None
    ) -> list[str]:
        """Load everything, which must fail, and return what is said, with paths from the root."""
        with pytest.raises(ConfigError) as raised:
            self.environment(name, variables)
        assert "s3cret" not in str(raised.value)
        assert raised.value.__cause__ is None
        return [problem.replace(f"{self.root}/", "") for problem in raised.value.problems]

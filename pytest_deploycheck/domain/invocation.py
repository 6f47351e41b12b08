"""How a run was asked for, as far as the commands that it advises must repeat it."""

from __future__ import annotations

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, kw_only=True)
class Invocation:
    """What was given; each is empty where it was not."""

    env: str = ""
    """Name of an environment or path of its file; empty: the environment's name does."""
    config: str = ""
    reports: str = ""

    def env_option(self, environment: str) -> str:
        """Return `--env=…`, for pytest and for deploycheck alike."""
        return f"--env={self.env or environment}"

    def folders(self, prefix: str = "--") -> list[str]:
        """Return the options for other folders than the usual; pytest's begin with *prefix*."""
        given = {"config": self.config, "reports": self.reports}
        return [f"{prefix}{name}={folder}" for name, folder in given.items() if folder]


USUAL: Final = Invocation()

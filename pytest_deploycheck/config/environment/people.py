"""Whose word counts, how people are told, and how a release is taken back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_deploycheck.config.environment.tables import HoldSeconds, Seconds, Table
from pytest_deploycheck.domain.words import Verdict


class Word(Table):
    """An item that a person answers."""

    roles: tuple[str, ...] = Field(min_length=1)
    """Any of them may speak."""
    after_deployment: bool = False
    """A word from before the rollout says nothing about it, nor one from before its phase began."""
    needs_evidence: bool = False
    """It must name where what it says can be read."""
    max_age_s: Seconds | None = Field(default=None, alias="max_age")
    """None: it stays valid for its release."""
    distinct: str = ""
    """Items that share this word need different people."""


class Attestations(Table):
    """Who may attest what."""

    items: dict[str, Word] = {}
    """By the id of the item; for an item that is not here nobody may speak."""
    roles: dict[str, tuple[str, ...]] = {}
    """The people of each role, as they sign; a role without any stays silent."""
    approvers: tuple[str, ...] = ()
    """Roles whose people may approve a waiver; none: no waiver counts here."""


class Channel(Table):
    """Where messages go, by apprise."""

    url_env: str
    """Environment variable with apprise's URL, which is a secret: `mailtos://…`, `slack://…`."""
    messages: tuple[Literal["scheduled", "completed", "rolled-back", "update", "verdict"], ...] = (
        "scheduled", "completed", "rolled-back", "update",
    )  # fmt: skip
    pages: bool = False
    """It wakes somebody: nothing that is well is sent there."""


class Notifications(Table):
    """The checklist's messages."""

    channels: dict[str, Channel] = {}
    verdicts: tuple[Verdict, ...] = ()
    """After a run with one of these, a message `verdict` is sent."""
    expected_s: Seconds = Field(default=1800.0, alias="expected")
    """How long a deployment is announced to take."""
    validation_s: Seconds = Field(default=86_400.0, alias="validation")
    """How long it is announced to be validated afterwards."""
    update_s: Seconds = Field(default=7200.0, alias="update")
    """When news are promised after a rollback."""
    time_zone: str = "UTC"
    """Of the times in messages, for example `America/New_York`."""
    timeout_s: Seconds = Field(default=20.0, alias="timeout")
    """For all channels of one message."""


class Rollback(Table):
    """How the previous release is brought back."""

    revision: int | None = Field(default=None, ge=1)
    """The last good one; None: the cluster says."""
    helm: str = "helm"
    """The program, found on PATH."""
    kubeconfig_env: str | None = None
    """Environment variable with the path of a kubeconfig that may change the cluster."""
    context: str | None = None
    timeout_s: Seconds = Field(default=600.0, alias="timeout")
    """How long helm waits for the pods."""
    fresh_s: Seconds = Field(default=900.0, alias="fresh")
    """How old the verdict may be that asks for the rollback."""
    verify_after_s: HoldSeconds = Field(default=120.0, alias="verify_after")
    """How long after the rollback its verification begins: instruments need samples."""
    irreversible: dict[str, str] = {}
    """Release → why there is no way back from it, for example a migration."""
    irreversible_annotation: str = "deploycheck/irreversible"
    """Of the Deployment that carries the release: the same, set by its chart."""

"""What came back from one request over HTTP, and what can be read in it."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import sys
from collections.abc import Mapping

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.clocks import served_at_s, skew_s
from pytest_deploycheck.clients.shapes import told_once
from pytest_deploycheck.domain.errors import DeploycheckError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back from one request."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    text: str
    at_s: float
    """When it was asked."""
    duration_s: float
    """From sending to the last byte, without waiting for our own rate cap."""
    tls_expires_at_s: float | None
    """When the server's certificate ends; None without TLS."""
    blame: type[DeploycheckError]
    """What is raised when the answer is not what it must be."""
    waited_s: float = 0.0
    """How long our own rate cap held the request back before *at_s*."""

    @property
    def tls_life_s(self) -> float:
        """How long the server's certificate lasts from here.

        Raises:
            DeploycheckError: The answer came without TLS: *blame*.
        """
        if self.tls_expires_at_s is None:
            raise self.blame(f"{self.method} {self.url}: found no TLS, expected a certificate")
        return self.tls_expires_at_s - self.at_s

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def served_at_s(self) -> float | None:
        """When it was served, by the server's clock in whole seconds; None: it does not say.

        What a cache has kept shows when it was made, and how long it lay there.
        """
        return served_at_s(self.headers)

    @property
    def skew_s(self) -> float:
        """How far the server's clock was ahead of ours while it answered; 0.0: it does not say."""
        until_s = self.at_s + self.duration_s
        return skew_s(self.served_at_s, from_s=self.at_s, until_s=until_s)

    @functools.cached_property
    def json(self) -> object:
        """The answer as JSON.

        Raises:
            DeploycheckError: It is none, or holds `NaN`, `Infinity` or a key twice: *blame*.
        """
        try:
            found: object = json.loads(
                self.text, parse_constant=_refuse, object_pairs_hook=told_once
            )
        except ValueError as error:
            kind = self.media_type or "no media type"
            raise self.blame(
                f"{self.method} {self.url}: found {evidence.shown(self.text)} ({kind}), "
                f"expected JSON ({error})"
            ) from error
        return found

    def value(self, path: str) -> object:
        """Return what stands at the dotted key *path* of the JSON answer, `services.0.name`.

        Raises:
            DeploycheckError: Nothing stands there: *blame*.
        """
        found = self.json
        for step in path.split("."):
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                keys = ", ".join(map(str, found)) if isinstance(found, dict) else ""
                have = keys or evidence.shown(found)
                raise self.blame(
                    f"{self.method} {self.url}: expected key {path!r}, found no {step!r} in {have}"
                )
        return found

    def number(self, path: str) -> float:
        """Return the finite number at the dotted key *path* of the JSON answer.

        Raises:
            DeploycheckError: Nothing stands there, or no finite number: *blame*.
        """
        found = self.value(path)
        if isinstance(found, bool) or not isinstance(found, int | float) or not _fits(found):
            raise self.blame(
                f"{self.method} {self.url}: expected a finite number at {path!r}, "
                f"found {evidence.shown(found)}"
            )
        return float(found)

    def numbers(self, path: str) -> tuple[float, ...]:
        """Return the numbers of the table at the dotted key *path*, at any depth; texts describe.

        Raises:
            DeploycheckError: Nothing stands there, no table, an empty one, or something in it that
                is neither a text nor a finite number: *blame*.
        """
        part = self.value(path)
        if not isinstance(part, dict) or not part:
            raise self.blame(
                f"{self.method} {self.url}: {path}: found {evidence.shown(part)}, "
                "expected a table of numbers"
            )
        found: list[float] = []
        for key, value in part.items():
            if isinstance(value, dict):
                found += self.numbers(f"{path}.{key}")
            elif not isinstance(value, str):
                found.append(self.number(f"{path}.{key}"))
        return tuple(found)

    def header_number(self, name: str) -> float:
        """Return the finite number in the header *name*.

        Raises:
            DeploycheckError: There is no such header, or no finite number in it: *blame*.
        """
        found = self.headers.get(name.lower(), "")
        if not re.fullmatch(r"-?\d+(\.\d+)?", found) or not _fits(float(found)):
            raise self.blame(
                f"{self.method} {self.url}: expected a finite number in header {name!r}, found "
                f"{evidence.shown(found)}"
            )
        return float(found)


def _fits(number: float) -> bool:
    """Say whether a float can hold *number*: JSON's 1e999 reads as infinity, above every limit."""
    return abs(number) <= sys.float_info.max


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")

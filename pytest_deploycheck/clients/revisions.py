"""Which revision a rollback would go to: Helm's releases, else the ReplicaSets; pure functions."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
import zlib
from collections.abc import Iterable
from typing import Final

from pydantic import Field

from pytest_deploycheck.clients import objects, shapes
from pytest_deploycheck.clients.objects import Json
from pytest_deploycheck.clients.shapes import Shape
from pytest_deploycheck.domain.errors import InstrumentError

GOOD: Final = ("superseded", "deployed")
"""What Helm says of a revision that was rolled out well."""
_MAX_BYTES: Final = 32 * 1024 * 1024
_IMAGE: Final = re.compile(r"""^\s*(?:-\s+)?image:\s*["']?([^\s"'#]+)""", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Revision:
    """A state of the platform that can be gone back to."""

    source: str
    """`Helm` or the ReplicaSet that tells of it."""
    number: int
    release: str
    images: tuple[str, ...]
    """Of the workloads that carry the release."""
    good: bool
    """It was rolled out well: Helm says so, or its pods are ready now."""
    workload: str = ""
    """The Deployment that keeps it; empty: Helm does, for all of them."""

    def __str__(self) -> str:
        """Name the release, and where that is written."""
        return f"release {self.release or '?'} ({self.source}, revision {self.number})"


class _About(Shape):
    app_version: str | None = Field(default=None, alias="appVersion")


class _Chart(Shape):
    metadata: _About | None = None


class _Release(Shape):
    version: int
    manifest: str = ""
    chart: _Chart | None = None


def from_helm(secrets: Iterable[Json], released_images: Iterable[str]) -> list[Revision]:
    """Return the good revisions among Helm's release Secrets.

    Args:
        secrets: All that Helm keeps of one release.
        released_images: Images, without tag, of the workloads that carry the release.

    Raises:
        InstrumentError: A Secret is none of Helm's.
    """
    names = set(released_images)
    found = []
    for secret in secrets:
        if objects.labels_of(secret).get("status") not in GOOD:
            continue
        content = _content(secret)
        used = dict.fromkeys(_IMAGE.findall(content.manifest))
        images = tuple(image for image in used if without_tag(image) in names)
        chart = content.chart.metadata if content.chart else None
        # Few charts change their appVersion with each release; the image's tag does.
        release = objects.tag_of(images[0]) if images else chart and chart.app_version
        found.append(
            Revision(
                source="Helm",
                number=content.version,
                release=str(release or ""),
                images=images,
                good=True,
            )
        )
    return found


def from_sets(
    deployment: Json, sets: Iterable[Json], container: str | None, release_label: str
) -> list[Revision]:
    """Return the revisions that the ReplicaSets of a Deployment keep.

    One that was scaled down may have run for a month or never: nothing in it tells.
    """
    return [
        Revision(
            source=f"ReplicaSet {one['metadata']['name']}",
            number=objects.revision_of(one),
            release=objects.release_of(one, container, release_label),
            images=(objects.image_of(one["spec"]["template"]["spec"], container),),
            workload=deployment["metadata"]["name"],
            good=0
            < one["spec"].get("replicas", 1)
            <= (one.get("status") or {}).get("readyReplicas", 0),
        )
        for one in objects.sets_of(deployment, sets)
    ]


def without_tag(image: str) -> str:
    """Return an image reference without its tag and digest."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def _content(secret: Json) -> _Release:
    """Return a release as Helm keeps it: gzip in base64, in the Secret's own base64."""
    name = secret["metadata"]["name"]
    try:
        packed = base64.b64decode(base64.b64decode((secret.get("data") or {})["release"]))
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(packed, _MAX_BYTES)
        content = json.loads(data)
    except (KeyError, binascii.Error, zlib.error, ValueError) as error:
        raise InstrumentError(
            f"secret {name}: expected a release of Helm's, found {error}"
        ) from error
    return shapes.read(_Release, content, where=f"secret {name}", what="a release of Helm's")

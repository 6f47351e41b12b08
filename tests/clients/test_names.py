"""Where host names lead."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.names import addresses_of, strangers
from pytest_deploycheck.domain.errors import InstrumentError


def test_a_name_leads_to_its_addresses() -> None:
    """An address leads to itself, so both may be what a load balancer was given."""
    with evidence.recording() as recorder:
        assert "127.0.0.1" in addresses_of("localhost")
        assert addresses_of("203.0.113.77") == {"203.0.113.77"}
    assert [note.request for note in recorder.evidence] == [
        "resolve localhost",
        "resolve 203.0.113.77",
    ]


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 300])
def test_a_name_that_is_not_known_is_no_evidence(name: str) -> None:
    """Whose DNS has forgotten it, ours or theirs, nobody can say."""
    with evidence.recording() as recorder, pytest.raises(InstrumentError, match="our DNS"):
        addresses_of(name)
    assert recorder.evidence[0].answer.startswith("no answer")


@pytest.mark.parametrize(
    ("found", "expected", "others"),
    [
        (["203.0.113.7"], ["203.0.113.7"], ()),
        (["203.0.113.7", "203.0.113.9"], ["203.0.113.7"], ("203.0.113.9",)),
        (["203.0.113.7"], ["203.0.113.7", "203.0.113.8"], ()),
        (["203.0.113.7", "203.0.113.9"], ["balancer.example"], ()),
        (["203.0.113.7", "2001:db8::9"], ["203.0.113.7"], ()),
        (["2001:db8::7", "fe80::9%eth0"], ["2001:db8:0::7"], ("fe80::9%eth0",)),
    ],
)
def test_an_address_that_nobody_expects_is_a_strangers(
    found: list[str], expected: list[str], others: tuple[str, ...]
) -> None:
    """A record that was left over sends every second user to the platform before."""
    assert strangers(found, expected) == others

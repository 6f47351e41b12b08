"""Settings of the property tests."""

from __future__ import annotations

from hypothesis import settings

# A slow machine is no failing property.
settings.register_profile("deploycheck", deadline=None)
settings.load_profile("deploycheck")

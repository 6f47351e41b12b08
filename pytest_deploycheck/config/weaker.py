"""What an environment lets pass that its base or the policy does not: allowed, but to be seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import durationpy

from pytest_deploycheck.config.drafts import Draft
from pytest_deploycheck.config.problems import dotted, lookup, standing_at
from pytest_deploycheck.domain.policy import Policy, Trigger
from pytest_deploycheck.domain.words import Severity

_Compare = Callable[[Any, Any], str]
"""From what is found and what the base has to what is weaker, in words; empty: nothing."""


_Listing = list[Any]
_Amount = str | float
"""A duration or a number."""


def _lacks(found: _Listing, base: _Listing) -> str:
    missing = [one for one in base if one not in found]
    return f"lacks {_listed(missing)}" if missing else ""


def _lacks_keys(found: dict[str, Any], base: dict[str, Any]) -> str:
    missing: list[Any] = [key for key, value in base.items() if found.get(key) != value]
    return f"lacks {_listed(missing)}, or has another value" if missing else ""


def _adds(found: _Listing, base: _Listing) -> str:
    more = [one for one in found if one not in base]
    return f"adds {_listed(more)}" if more else ""


def _says_healthy(found: _Listing, base: _Listing) -> str:
    return _adds(found, base) if found or not base else "is empty: nobody looks at it"


def _above(found: _Amount, base: _Amount) -> str:
    # What is no number, as a variable in the base, is told: nobody knows that it is not above.
    return "" if _number(found) <= _number(base) else f"found {found}, above {base}"


def _below(found: _Amount, base: _Amount) -> str:
    return "" if _number(found) >= _number(base) else f"found {found}, below {base}"


def _other(found: object, base: object) -> str:
    return "is another one" if found != base else ""


def _untrue(found: object, base: object) -> str:
    return "found false in the place of true" if base and not found else ""


def _fewer(found: _Listing, base: _Listing) -> str:
    return f"found {len(found)} of {len(base)}" if len(found) < len(base) else ""


def _less_workload(found: _Listing, base: _Listing) -> str:
    have = {one.get("name"): one for one in found}
    less = [one["name"] for one in base if _asks_less(have.get(one["name"]), one)]
    return f"lacks {_listed(less)}, or asks less of it" if less else ""


def _asks_less(found: Mapping[str, Any] | None, base: Mapping[str, Any]) -> bool:
    return (
        found is None
        or found.get("min_ready", 1) < base.get("min_ready", 1)
        or any(base.get(key) and found.get(key) != base[key] for key in _ASKED_OF_WORKLOADS)
    )


#: Besides the number of its pods: what is looked at only where it is said.
_ASKED_OF_WORKLOADS: Final = ("container", "released", "service_account", "autoscaled", "isolated")
_ENDPOINT: Final[tuple[tuple[str, _Compare, Any], ...]] = (
    ("expect_status", _adds, [200]),
    ("expect_type", _other, "application/json"),
    ("expect", _lacks_keys, {}),
    ("healthy", _says_healthy, []),
    ("components", _lacks, []),
    ("contains", _lacks, []),
    ("max_age", _above, None),
    ("auth", _other, "none"),
)
_APIS: Final = ("api", "frontend", "integrations.*", "mail.sink")
#: Where it stands (`*`: any key), how it is compared, and what it is where the base does not say.
#: None: then there is nothing to compare with.
_RULES: Final[tuple[tuple[str, _Compare, Any], ...]] = (
    *(
        (f"{api}.endpoints.*.{key}", compare, default)
        for api in _APIS
        for key, compare, default in _ENDPOINT
    ),
    ("api.loads.*.endpoints", _lacks, None),
    ("api.loads.*.samples", _below, None),
    ("api.conversations.*.turns", _fewer, None),
    ("api.leads.*.lowest", _below, None),
    ("api.leads.*.highest", _above, None),
    ("api.scenarios", _lacks, None),
    ("cluster.workloads", _less_workload, None),
    ("cluster.services", _lacks, None),
    ("cluster.max_restarts", _above, 0),
    ("cluster.permissions", _adds, []),
    ("cluster.default_roles", _adds, []),
    ("cluster.secret_variables", _other, None),
    ("cluster.migration_head_annotation", _other, None),
    ("prometheus.queries.*.query", _other, None),
    ("prometheus.queries.*.traffic", _other, None),
    ("prometheus.queries.*.worse", _other, None),
    ("prometheus.queries.*.window", _below, None),
    ("prometheus.queries.*.step", _above, "15s"),
    ("prometheus.queries.*.min_samples", _below, None),
    ("prometheus.queries.*.min_traffic", _below, None),
    ("prometheus.queries.*.max_age", _above, "2m"),
    ("prometheus.queries.*.triggers", _lacks_keys, None),
    ("prometheus.queries.*.increases", _lacks_keys, None),
    ("prometheus.queries.*.growths", _lacks_keys, None),
    ("monitoring.jobs", _lacks, None),
    ("monitoring.may_be_down", _adds, []),
    ("monitoring.alerts", _lacks, None),
    ("monitoring.max_scrapes_missed", _above, 2.0),
    ("monitoring.max_evaluations_missed", _above, 3.0),
    ("monitoring.series_age", _above, "1h"),
    ("monitoring.application_series", _lacks, None),
    ("monitoring.business_series", _lacks, None),
    ("monitoring.counted", _other, None),
    ("monitoring.counted_within", _above, "45s"),
    ("alertmanager.receivers.*", _lacks, None),
    ("alertmanager.routes", _lacks, None),
    ("alertmanager.test.within", _above, "90s"),
    ("grafana.dashboards.*.panels", _lacks, None),
    ("grafana.max_age", _above, "1m"),
    ("database.statements.*", _other, None),
    ("artifacts.max_age", _above, "24h"),
    ("artifacts.files.*.max_age", _above, "24h"),
    ("artifacts.files.*.expect", _lacks, None),
    ("artifacts.files.*.of_release", _untrue, True),
    ("repository.required_jobs", _lacks, None),
    ("repository.approvers", _adds, None),
    ("backups.kinds", _lacks, None),
    ("attestations.items.*.roles", _adds, None),
    ("attestations.items.*.after_deployment", _untrue, None),
    ("attestations.items.*.needs_evidence", _untrue, None),
    ("attestations.items.*.max_age", _above, None),
    ("attestations.items.*.distinct", _other, None),
    ("baseline", _lacks, None),
)


def weaker(draft: Draft, policy: Policy, variables: Mapping[str, str]) -> list[str]:
    """Return a line for each setting with which something passes that otherwise would not.

    What cannot be compared, as a query, is named where it is another one. Of a rehearsal nothing
    is told: its verdicts count for nothing else.

    Args:
        draft: The environment, as it is written; `load_environment` has found no problem in it.
        policy: Before the environment sets anything otherwise.
        variables: The environment variables.
    """
    if draft.is_rehearsal:
        return []
    raw, _ = draft.filled(variables)
    return [*_than_the_base(raw, draft), *_than_the_policy(raw, policy)]


def _than_the_base(raw: Mapping[str, Any], draft: Draft) -> Iterator[str]:
    for place, compare, default in _RULES:
        for loc, found in standing_at(raw, place.split(".")):
            in_base = lookup(draft.base, loc)
            of_base = lookup(draft.base, loc[:-1]) is not None  # else it is the environment's own
            base = default if in_base is None else in_base
            if of_base and base is not None and (text := compare(found, base)):
                yield f"{dotted(loc)}: {text} (differs from {draft.base_name})"


def _than_the_policy(raw: Mapping[str, Any], policy: Policy) -> Iterator[str]:
    for slug, found in raw.get("triggers", {}).items():
        for key, text in _of_trigger(found, policy.triggers[slug]):
            yield f"triggers.{slug}.{key}: {text} (differs from the policy)"
    for key, compare, known_s in (
        ("interval", _above, policy.interval_s),
        ("settle", _below, policy.settle_s),
    ):
        if key in raw and (text := compare(raw[key], _written(known_s))):
            yield f"{key}: {text} (differs from the policy)"


def _of_trigger(found: Mapping[str, Any], trigger: Trigger) -> Iterator[tuple[str, str]]:
    if found.get("severity") == Severity.OBSERVE and trigger.severity is Severity.ROLLBACK:
        yield "severity", "found observe in the place of rollback"
    for key, known in (
        ("hold", _written(trigger.hold_s)),
        ("min_bad", trigger.min_bad),
        ("max_gap", _written(trigger.max_gap_s)),
    ):
        if key in found and (text := _above(found[key], known)):
            yield key, text


def _number(value: _Amount) -> float:
    """Return a number, or the seconds of a duration; NaN: it is neither."""
    if not isinstance(value, str):
        return float(value)
    try:
        return float(durationpy.from_str(value).total_seconds())
    except durationpy.DurationError:
        return math.nan


def _written(seconds: float) -> str:
    """Write a duration as the environment does."""
    return f"{seconds:.10g}s"


def _listed(values: _Listing) -> str:
    names = [value.get("name", value) if isinstance(value, Mapping) else value for value in values]
    return ", ".join(map(str, names))

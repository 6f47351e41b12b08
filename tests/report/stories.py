"""Deployments made up for the tests of the report: a checklist, a policy, events, a decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import (
    BaselineRecorded,
    BaselineValue,
    CheckEnded,
    CheckSample,
    Event,
    Evidence,
    Measurement,
    PlannedCheck,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.items import Checklist, Item
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.policy import Limit, Phase, Policy, Trigger
from pytest_deploycheck.domain.words import Outcome, Severity

DEPLOYED_S = 1_767_261_600.0  # 2026-01-01 10:00:00Z
STARTED_S = DEPLOYED_S + 60
ENDED_S = DEPLOYED_S + 300
RUN = "run-1"

POLICY = Policy(
    approvers=frozenset({"bob"}),
    triggers={
        "health-check-failure": Trigger(
            id="health-check-failure",
            title="Health Check Failure",
            sentence="Any service failing health checks >5 minutes",
            severity=Severity.ROLLBACK,
            hold_s=120.0,
            min_bad=2,
            max_gap_s=60.0,
        ),
        "error-rate": Trigger(
            id="error-rate",
            title="Error Rate",
            sentence="Elevated but <5% error rate",
            severity=Severity.OBSERVE,
            hold_s=120.0,
            min_bad=2,
            max_gap_s=60.0,
        ),
    },
    phases={
        "post_5min": Phase(
            name="post_5min",
            title="Immediate Health Checks",
            earliest_s=0.0,
            due_s=300.0,
            late_s=600.0,
        )
    },
    limits={"error_ratio_critical": Limit(0.05, worse="above")},
    interval_s=10.0,
    settle_s=30.0,
    owners={"post_5min": "On-call SRE"},
    runbooks={"health-check-failure": "https://runbooks.example/health"},
    sha256="b" * 64,
)


def item(slug: str, *, title: str = "", phase: str = "post_5min", section: str = "") -> Item:
    """Return a box of the checklist."""
    return Item(
        id=f"{phase}/{slug}",
        title=title or slug.replace("-", " ").title(),
        expectation="it is as it should be",
        phases=(phase,),
        section=section or "Service Health",
    )


def passed(slug: str, *, run: str = RUN, phase: str = "post_5min", **more: object) -> CheckEnded:
    """Return a check that found everything well."""
    ended = CheckEnded(
        run=run,
        at_s=STARTED_S + 1.2,
        started_at_s=STARTED_S,
        nodeid=f"suites/{phase}/test_health.py::test_{slug.replace('-', '_')}",
        item=f"{phase}/{slug}",
        outcome=Outcome.PASSED,
        samples=(CheckSample(at_s=STARTED_S + 1, outcome=Outcome.PASSED),),
        evidence=(
            Evidence(
                at_s=STARTED_S + 1,
                source="api",
                request=f"GET https://api.example/{slug}",
                answer='{"status": "healthy"}',
                duration_s=0.183,
            ),
        ),
        answered=("api.example:443",),
    )
    return dataclasses.replace(ended, **more)  # type: ignore[arg-type]  # any field, by name


def failing(slug: str, *, for_s: float, trigger: str | None, **more: object) -> CheckEnded:
    """Return a check that has been failing for *for_s* seconds, sampled every ten."""
    times = [ENDED_S - 10 - for_s + 10 * i for i in range(int(for_s // 10) + 1)]
    values = [0.061] * len(times)
    fields: dict[str, object] = {
        "at_s": times[-1] + 0.5,
        "started_at_s": times[0],
        "outcome": Outcome.FAILED,
        "message": "the error ratio is above its limit",
        "trigger": trigger,
        "samples": tuple(CheckSample(at_s=at_s, outcome=Outcome.FAILED) for at_s in times),
        "measurements": (
            Measurement(
                name="error_ratio",
                value=0.061,
                unit="ratio",
                limit=0.05,
                history=History(at_s=(DEPLOYED_S + 1, *times), value=(0.01, *values)),
                query="sum(rate(errors[1m])) / sum(rate(requests[1m]))",
            ),
        ),
        **more,
    }
    return passed(slug, **fields)  # type: ignore[arg-type]  # any field, by name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Story:
    """Everything that the report is made from."""

    checklist: Checklist
    events: tuple[Event, ...]
    decision: Decision
    policy: Policy = POLICY


def story(
    *results: CheckEnded,
    more_items: Sequence[Item] = (),
    more_events: Sequence[Event] = (),
    release: str = "2.4.1",
    environment: str = "production",
    ended: bool = True,
    weakened: Sequence[str] = (),
    later: Sequence[Item] = (),
) -> Story:
    """Judge one run of `post_5min` in which *results* ended.

    Of *more_items* no check ran; *later* ones are of phases that follow.
    """
    slugs = dict.fromkeys(result.item for result in results)
    items = (*(item(name.partition("/")[2]) for name in slugs), *more_items)
    checklist = Checklist(items=(*items, *later), sha256="a" * 64, title="Checklist", version="1.0")
    planned = [PlannedCheck(nodeid=r.nodeid, item=r.item, trigger=r.trigger) for r in results]
    planned += [
        PlannedCheck(nodeid=f"suites/post_5min/test_health.py::test_{i.slug}", item=i.id)
        for i in more_items
    ]
    events: list[Event] = [
        RunStarted(
            run=RUN,
            at_s=STARTED_S,
            environment=environment,
            release=release,
            deployed_at_s=DEPLOYED_S,
            phases=("post_5min",),
            planned=tuple(planned),
            checklist_sha256="a" * 64,
            policy_sha256="b" * 64,
            operator="release-bot",
            version="0.1.0",
            triggers=tuple(POLICY.triggers.values()),
            approvers=tuple(POLICY.approvers),
            weakened=tuple(weakened),
        ),
        *results,
        *more_events,
    ]
    if ended:
        events.append(RunEnded(run=RUN, at_s=ENDED_S))
    decision = judge(checklist, POLICY, events, ENDED_S, run=RUN)
    return Story(checklist=checklist, events=tuple(events), decision=decision)


BASELINE = BaselineRecorded(
    at_s=DEPLOYED_S - 600,
    environment="production",
    release="2.4.0",
    from_s=DEPLOYED_S - 2400,
    until_s=DEPLOYED_S - 600,
    values=(BaselineValue(name="error_ratio", value=0.01, unit="ratio", samples=120),),
)


def proceed() -> Story:
    """Everything is well."""
    return story(
        passed("pod-status"),
        passed("redis-cache"),
        more_events=[BASELINE],
        later=[item("response-time", phase="post_15min")],
    )


def observe() -> Story:
    """A rollback trigger is PENDING."""
    bad = failing("pod-status", for_s=60, trigger="health-check-failure")
    return story(passed("redis-cache"), bad, more_events=[BASELINE])


def hold() -> Story:
    """An item was not run, and an instrument gave no answer."""
    silent = passed(
        "service-endpoints", outcome=Outcome.INCONCLUSIVE, message="Prometheus: refused", samples=()
    )
    return story(passed("pod-status"), silent, more_items=[item("load-balancer")])


def silence() -> Story:
    """One instrument is silent, which several items and a trigger depend on."""

    def unanswered(slug: str, **more: object) -> CheckEnded:
        return passed(
            slug,
            outcome=Outcome.INCONCLUSIVE,
            message="Prometheus: no answer, connection refused: sum(rate(errors[1m]))",
            silent=("prometheus.example:9090",),
            samples=(),
            **more,  # type: ignore[arg-type]  # any field, by name
        )

    return story(
        passed("pod-status"),
        unanswered("error-rate", trigger="health-check-failure"),
        unanswered("bots"),
        unanswered("database"),
        unanswered("database", nodeid="second"),
    )


def rollback() -> Story:
    """A rollback trigger is FIRING, and something else could not be checked."""
    bad = failing("pod-status", for_s=130, trigger="health-check-failure")
    return story(
        bad, passed("redis-cache"), more_items=[item("load-balancer")], more_events=[BASELINE]
    )

"""Texts as an enemy would answer them, for every field that a target or a file can fill."""

from __future__ import annotations

import dataclasses

from pytest_deploycheck.domain.events import (
    Attested,
    BaselineRecorded,
    BaselineValue,
    CheckSample,
    Evidence,
    Measurement,
    ProblemFound,
    Waived,
)
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.words import Outcome
from tests.report import stories

HOSTILE = (
    "<script>alert('deploycheck-xss')</script>",
    '"><img src=x onerror="alert(\'deploycheck-xss\')">',
    "</title></style></script><svg onload=alert('deploycheck-xss')>",
    "--><!-- ]]> <![CDATA[",
    "javascript:alert('deploycheck-xss')",
    "[link](javascript:alert(1)) ![image](http://evil.example/x.png) <b>|</b> `code` $x$",
    "::error file=x::owned",
    "x\n::stop-commands::token\n##[error]y\n##vso[task.complete result=Succeeded]",
    "\x1b[2J\x1b[31mROLLBACK\x1b]0;title\x07\r",
    "abc\u202egnp.exe \u2066\u200b\ufeff",
    "\ud800 lone \udfff",
    "\x00\x01\x0b\x1f\x7f\x85\u2028\u2029\ufffe\uffff",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "caf\udce9 &amp; &lt;i&gt; ' \"",
    "x" * 5000 + "<i>",
    "| a | b |\n| --- |",
    "",
)


def hostile_story(text: str) -> stories.Story:
    """Return a ROLLBACK in which every free text is *text*."""
    evidence = Evidence(at_s=stories.STARTED_S, source=text, request=text, answer=text)
    measurement = Measurement(
        name=text or "m",
        value=2.0,
        unit=text or "1",
        limit=1.0,
        query=text,
        history=History(at_s=(stories.STARTED_S, stories.STARTED_S + 9), value=(1.0, 2.0)),
    )
    shared = {"evidence": (evidence,), "measurements": (measurement,), "message": text}
    bad = stories.failing("pod-status", for_s=130, trigger="health-check-failure")
    (lasting,) = bad.measurements
    lasting = dataclasses.replace(lasting, name=text or "m", unit=text or "1", query=text)
    bad = dataclasses.replace(
        bad, nodeid=f"a::{text}", evidence=(evidence,), measurements=(lasting,), message=text
    )
    good = dataclasses.replace(stories.passed("redis"), nodeid=text, **shared)  # type: ignore[arg-type]
    unclear = dataclasses.replace(
        stories.passed("cache"),
        outcome=Outcome.INCONCLUSIVE,
        nodeid=f"b::{text}",
        samples=(CheckSample(at_s=stories.STARTED_S, outcome=Outcome.INCONCLUSIVE, message=text),),
        **shared,  # type: ignore[arg-type]
    )
    told = stories.story(
        bad,
        good,
        unclear,
        more_items=[dataclasses.replace(stories.item("load-balancer"), title=text, section=text)],
        more_events=[
            ProblemFound(run=stories.RUN, at_s=stories.STARTED_S, text=text),
            Waived(
                at_s=stories.STARTED_S,
                id=text,
                item="post_5min/redis",
                environment=text,
                release=text,
                until_s=stories.ENDED_S + 60,
                reason=text,
                author=text,
                approver=f"{text}2",
                ticket=text,
            ),
            Attested(
                at_s=stories.STARTED_S,
                id=text,
                item="post_5min/redis",
                environment=text,
                release=text,
                by=text,
                role=text,
                statement=text,
                evidence=text,
            ),
            BaselineRecorded(
                at_s=stories.DEPLOYED_S - 60,
                environment=text,
                release=f"{text}0",
                from_s=stories.DEPLOYED_S - 600,
                until_s=stories.DEPLOYED_S - 60,
                values=(BaselineValue(name=text or "m", value=1.0, unit=text or "1", samples=9),),
            ),
        ],
        release=text,
        environment=text,
    )
    policy: Policy = dataclasses.replace(
        stories.POLICY,
        owners={"post_5min": text},
        runbooks={"post_5min": text},
        triggers={
            name: dataclasses.replace(trigger, title=text, sentence=text)
            for name, trigger in stories.POLICY.triggers.items()
        },
    )
    return dataclasses.replace(told, policy=policy)

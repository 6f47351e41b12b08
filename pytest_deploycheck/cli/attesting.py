"""`deploycheck attest`: a person's word on an item, given, taken back, listed."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import secrets
import time

from pytest_deploycheck.cli.command import Command, add_json
from pytest_deploycheck.cli.deployments import (
    Deployment,
    add_deployment,
    deployment_of,
    required,
)
from pytest_deploycheck.cli.words import add_words, by_words, duration_option, item_of, revoke
from pytest_deploycheck.clients.evidence import redact
from pytest_deploycheck.config import is_sandbox, load_table, phases_for, words_of
from pytest_deploycheck.config.environment import Attestations, Phases
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import Attested, Revoked
from pytest_deploycheck.domain.people import People
from pytest_deploycheck.domain.policy import Policy, WordRule
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.report.neighbours import in_flight
from pytest_deploycheck.report.text import for_log, log_line


def _attest(given: argparse.Namespace) -> int:
    return by_words(given, list_all=_list, take_back=_revoke, add=_give)


def _give(given: argparse.Namespace, slug: str) -> int:
    deployment = deployment_of(given)
    table, policy = _rules(deployment)
    item = item_of(slug, deployment.project.checklist)
    rule = policy.words.get(item.id)
    if rule is None:
        raise ConfigError(
            [f"{item.id}: found no rule whose word counts; expected it in [attestations.items]"]
        )
    now_s = time.time()
    life_s = duration_option("--valid-for", given.valid_for)
    word = Attested(
        at_s=now_s,
        id=f"A-{secrets.token_hex(4)}",
        item=item.id,
        environment=deployment.environment,
        release=deployment.release,
        by=required(given.by, "--by", f"who speaks: {' or '.join(rule.people) or 'nobody may'}"),
        role=_role(table, rule, given.by),
        statement=redact(required(given.statement, "--statement", "what is said, in a sentence")),
        evidence=redact(given.evidence or ""),
        valid_until_s=None if life_s is None else now_s + life_s,
        not_applicable=given.not_applicable,
    )
    objection = _spoken(deployment).objection_to(word, policy=policy, at_s=now_s)
    if objection is not None:
        raise ConfigError([f"{item.id}: refused: {objection.text}"])
    path = deployment.write(word, name=f"attest-{item.id.replace('/', '-')}")
    print(f"attested: {item.id} NOT APPLICABLE" if word.not_applicable else f"attested: {item.id}")
    print(for_log(f"by: {word.by} ({word.role}) at {spoken_time(now_s)}, id {word.id}"))
    print(f"record: {path}")
    for release in in_flight(deployment.folder):
        print(log_line(f"note: release {release} is in flight in {deployment.environment} too"))
    return 0


def _revoke(given: argparse.Namespace, event_id: str) -> int:
    deployment = deployment_of(given)
    _, policy = _rules(deployment)
    known = deployment.people()
    found = [e for e in known if isinstance(e, Attested) and e.id == event_id]
    if not found:
        raise ConfigError([f"found no attestation {event_id!r}; deploycheck attest list has them"])
    rule = policy.words.get(found[0].item)
    return revoke(
        given,
        event_id,
        known=known,
        write=lambda event, name: deployment.write(event, name=name),
        may={found[0].by, *(rule.people if rule else ())},
    )


def _list(given: argparse.Namespace) -> int:
    deployment = deployment_of(given)
    _, policy = _rules(deployment)
    people = _spoken(deployment)
    taken_back = {e.id: e for e in deployment.people() if isinstance(e, Revoked)}
    said = sorted(
        (e for e in deployment.people() if isinstance(e, Attested)), key=lambda e: (e.item, e.at_s)
    )
    rows = []
    for word in said:
        objection = people.objection_to(word, policy=policy, at_s=time.time())
        trouble = objection.text if objection else ""
        if word.id in taken_back:
            trouble = f"taken back: {taken_back[word.id].reason}"
        rows.append({**dataclasses.asdict(word), "counts": not trouble, "trouble": trouble})
    if given.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        state = "counts" if row["counts"] else f"does not count: {row['trouble']}"
        print(log_line(f"{row['id']} {row['item']} by {row['by']}: {row['statement']} ({state})"))
    spoken = {word.item for word in said}
    for item in policy.words:
        if item not in spoken:
            who = " or ".join(policy.words[item].people) or "nobody has the role"
            print(log_line(f"- {item}: no word yet; {who} may speak"))
    return 0


def _rules(deployment: Deployment) -> tuple[Attestations, Policy]:
    """Return who has which role, and the policy that knows whose word counts."""
    draft = deployment.project.draft(deployment.env_option)
    _, table = load_table(draft, deployment.project, os.environ, "attestations", Attestations)
    _, times = load_table(draft, deployment.project, os.environ, "phases", Phases)
    policy = deployment.project.policy
    return table, dataclasses.replace(
        policy,
        words=words_of(table),
        phases=phases_for(policy, times.root),
        accepts_demonstrations=is_sandbox(draft, deployment.project),
    )


def _role(table: Attestations, rule: WordRule, by: str | None) -> str:
    """Return the role in which *by* speaks; the first of the item's when it has none of them."""
    return next((role for role in rule.roles if by in table.roles.get(role, ())), rule.roles[0])


def _spoken(deployment: Deployment) -> People:
    return People.of(
        deployment.people(),
        environment=deployment.environment,
        release=deployment.release,
        deployed_at_s=deployment.deployed_at_s,
    )


def _define(parser: argparse.ArgumentParser) -> None:
    add_words(parser, example="sign_off/operations-lead")
    add_deployment(parser)
    parser.add_argument("--by", metavar="PERSON", help="who speaks, as the environment names them")
    parser.add_argument("--statement", metavar="TEXT", help="what is said")
    parser.add_argument("--evidence", metavar="URL", help="where it can be read")
    parser.add_argument(
        "--valid-for", metavar="DURATION", help="for example 24h (default: for ever)"
    )
    parser.add_argument(
        "--not-applicable", action="store_true", help="the item does not apply to this release"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why it is taken back")
    add_json(parser)


COMMANDS = (
    Command(
        name="attest",
        help="put a person's word on an item into the record, take it back, or list all",
        define=_define,
        run=_attest,
    ),
)

"""The checklist document: what becomes an item, and what is said about a document that is wrong."""

from __future__ import annotations

import codecs

import pytest

from pytest_deploycheck.config import load_project
from pytest_deploycheck.config.checklist import slug_of
from pytest_deploycheck.domain.items import Item, Kind
from tests.config.scratch import Scratch

TRIGGERS = """\
## Rollback
<!-- decision points: post_24h, post_5min -->
- **Critical Error Rate**: >5% for >2 minutes
- **Security Issues**: any
"""


def items_of(scratch: Scratch, text: str) -> dict[str, Item]:
    """The items of a document with this text before the decision points."""
    scratch.write("checklist.md", text + TRIGGERS)
    scratch.replace("deploycheck.toml", 'may_not_apply = ["post_5min/redis-cache"]', "")
    return dict(load_project(scratch.root).checklist.by_id)


def problems_of(scratch: Scratch, text: str) -> list[str]:
    """What is said about a document with this text before the decision points."""
    scratch.write("checklist.md", text + TRIGGERS)
    scratch.replace("deploycheck.toml", 'may_not_apply = ["post_5min/redis-cache"]', "")
    return scratch.problems()


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Pod Status", "pod-status"),
        ("CI/CD Pipeline", "ci-cd-pipeline"),
        ("Memory/CPU Usage", "memory-cpu-usage"),
        ("Jorge (Client)", "jorge-client"),
        ("3-7-30 Days", "3-7-30-days"),
    ],
)
def test_a_slug_is_made_of_letters_digits_and_hyphens(title: str, slug: str) -> None:
    """Ids are predictable from titles."""
    assert slug_of(title) == slug


def test_boxes_and_decision_points_become_items(scratch: Scratch) -> None:
    """Both sorts of lines are read, decision points with their phases in the order of the clock."""
    items = items_of(
        scratch, "# T\n## 🔍 One (x)\n<!-- phase: staging -->\n- [ ] **A b**: is `so`\n"
    )
    assert items["staging/a-b"] == Item(
        id="staging/a-b",
        title="A b",
        expectation="is so",
        phases=("staging",),
        section="One (x)",
        kind=Kind.BOX,
    )
    assert items["rollback/security-issues"].phases == ("post_5min", "post_24h")
    assert items["rollback/security-issues"].kind is Kind.DECISION_POINT


def test_a_phase_reaches_to_the_next_heading_of_its_level(scratch: Scratch) -> None:
    """Headings below keep the phase and name the section; a heading beside ends it."""
    text = (
        "## One\n<!-- phase: deploy -->\n"
        "### Sub\n- [ ] **A**: x\n### Other\n<!-- phase: staging -->\n"
        "- [ ] **A**: x\n### Back\n- [ ] **B**: x\n## Free\n- a plain line\n"
    )
    items = items_of(scratch, text)
    assert [(item.id, item.section) for item in items.values()][:3] == [
        ("deploy/a", "Sub"),
        ("staging/a", "Other"),
        ("deploy/b", "Back"),
    ]


def test_an_explicit_id_survives_a_new_title(scratch: Scratch) -> None:
    """A retitled box keeps its waivers and its checks."""
    items = items_of(
        scratch,
        "## One\n<!-- phase: deploy -->\n- [ ] **New Name**: text <!-- id: deploy/old-name -->\n",
    )
    assert items["deploy/old-name"].title == "New Name"
    assert items["deploy/old-name"].expectation == "text"


def test_what_stands_below_a_box_is_free(scratch: Scratch) -> None:
    """Commands, notes and numbered lists are for the reader, and are no items."""
    text = (
        "## One\n<!-- phase: deploy -->\n"
        "<!-- a note: any -->\n- [ ] **A**: first\n  second\\\n  third\n"
        "  ```\n  - [ ] no box\n  ```\n  - a note\n\n1. numbered\n"
        "-\n\n```\nx\n```\n"
    )
    items = items_of(scratch, text)
    assert [id_ for id_ in items if not id_.startswith("rollback/")] == ["deploy/a"]
    assert items["deploy/a"].expectation == "first second third"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**: x\n- [ ] **A**: y\n",
            'checklist.md:4: found the title "A" twice in deploy; expected another than in line 3',
        ),
        (
            (
                "## One\n<!-- phase: deploy -->\n- [ ] **A**: x\n"
                "- [ ] **A**: y <!-- id: deploy/other -->\n"
            ),
            'checklist.md:4: found the title "A" twice in deploy; expected another than in line 3',
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A b**: x\n- [ ] **A-B**: y\n",
            (
                'checklist.md:4: found the id "deploy/a-b" twice in deploy; '
                "expected another than in line 3"
            ),
        ),
        (
            (
                "## One\n<!-- phase: deploy -->\n"
                "- [ ] **A**: x\n- [ ] **B**: y <!-- id: deploy/a -->\n"
            ),
            (
                'checklist.md:4: found the id "deploy/a" twice in deploy; expected another than '
                "in line 3"
            ),
        ),
        (
            "## One\n- [ ] **A**: x\n",
            (
                "checklist.md:2: found a box outside any phase; expected a comment "
                '"phase: NAME" below a heading above it'
            ),
        ),
        (
            "## One\n<!-- phase: deploi -->\n- [ ] **A**: x\n",
            (
                'checklist.md:2: found "deploi"; expected a phase, one of deploy, monitoring, '
                "observe_30min, post_15min, post_24h, post_30min, post_5min, pre_deploy, sign_off, "
                "staging; did you mean deploy or pre_deploy?"
            ),
        ),
        (
            "## One\n<!-- phase: deploy staging -->\n- [ ] **A**: x\n",
            "checklist.md:2: found 2 phases; expected one: a box belongs to one phase",
        ),
        (
            "<!-- phase: deploy -->\n## One\n",
            'checklist.md:1: found a comment "phase" above all headings; expected it below one',
        ),
        (
            "## One\n<!-- Phases: deploy -->\n",
            (
                'checklist.md:2: found a comment "Phases"; expected "phase" or "decision points"; '
                "did you mean phase?"
            ),
        ),
        (
            "## One\n<!-- phase: deploy -->\n- **A**: x\n",
            "checklist.md:3: found a line without a box; expected - [ ] **Title**: text",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [x] **A**: x\n",
            "checklist.md:3: found [x]; expected [ ]: the source checklist is not filled in",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [] **A**: x\n",
            "checklist.md:3: found []; expected [ ]: the source checklist is not filled in",
        ),
        (
            "## One\n<!-- decision points: deploy -->\n- [ ] **A**: x\n",
            "checklist.md:3: found a box; expected a decision point: - **Title**: sentence",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] A: x\n",
            "checklist.md:3: found no title and text; expected **Title**: what must be so",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**:\n",
            "checklist.md:3: found no title and text; expected **Title**: what must be so",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] really **A**: x\n",
            "checklist.md:3: found no title and text; expected **Title**: what must be so",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**: x <!-- id: staging/a -->\n",
            "checklist.md:3: found <!-- id: staging/a -->; expected <!-- id: deploy/SLUG -->",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**: x <!-- ID deploy/a -->\n",
            "checklist.md:3: found <!-- ID deploy/a -->; expected <!-- id: deploy/SLUG -->",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**: x\n\n<div>\n- [ ] **B**: y\n</div>\n\n",
            "checklist.md:5: found a box in a block of code or HTML; expected it in a list",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**: x\n-[ ] **B**: y\n",
            "checklist.md:4: found a box in a text; expected - [ ] **Title**: text",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**: x\n\n[ ] **B**: y\n",
            "checklist.md:5: found a box in a text; expected - [ ] **Title**: text",
        ),
        (
            "## One\n<!-- phase: deploy -->\n- [ ] **A**: x\n\n| [ ] B | y |\n|-|-|\n",
            "checklist.md:5: found a box in a text; expected - [ ] **Title**: text",
        ),
        (
            "## One\n<!-- phase: deploy -->\n\n    - [ ] **B**: y\n\n",
            "checklist.md:4: found a box in a block of code or HTML; expected it in a list",
        ),
    ],
)
def test_a_wrong_document_is_refused(scratch: Scratch, text: str, problem: str) -> None:
    """Whatever would lose an item or confuse two is said, with its line."""
    assert problem in problems_of(scratch, text)


def test_a_document_without_items_is_refused(scratch: Scratch) -> None:
    """An empty checklist would pass everything."""
    scratch.write("checklist.md", "nothing here\n")
    assert (
        "checklist.md: found no item; expected lines such as - [ ] **Title**: text"
        in scratch.problems()
    )


def test_a_document_that_cannot_be_read_is_refused(scratch: Scratch) -> None:
    """A missing document and one in another encoding are named, once and alone."""
    scratch.write("checklist.md", b"# A\n\xff\n")
    assert scratch.problems()[0] == (
        "checklist.md:2: found bytes that are no UTF-8; expected UTF-8"
    )
    scratch.write("checklist.md", codecs.BOM_UTF8 + b"# A\n")
    assert scratch.problems() == [
        "checklist.md:1: found a byte order mark; expected UTF-8 without one"
    ]
    (scratch.root / "checklist.md").unlink()
    assert scratch.problems() == [
        "checklist.md: found nothing to read: No such file or directory; expected a file"
    ]


def test_all_problems_come_at_once(scratch: Scratch) -> None:
    """Whoever mends a document does not want to be told one thing a run."""
    scratch.replace("deploycheck.toml", 'interval = "10s"', "interval = 10")
    found = problems_of(scratch, "## One\n- [ ] **A**: x\n- [ ] **B**: x\n")
    assert [problem.partition(": ")[0] for problem in found] == [
        "checklist.md:2",
        "checklist.md:3",
        "deploycheck.toml",
    ]

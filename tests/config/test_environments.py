"""Environment files: how they are found, extended and filled in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_deploycheck.config import is_sandbox, load_project, load_table
from pytest_deploycheck.config.environment import Cluster
from pytest_deploycheck.domain.errors import ConfigError, InstrumentError
from tests.config.scratch import VARIABLES, Scratch

LIVE = "environments/live.toml"
API = '[api.endpoints.login]\npath = "/login"\n'


def test_an_environment_is_merged_with_what_it_extends(scratch: Scratch) -> None:
    """Tables are merged deeply; lists and values replace what was there."""
    scratch.add(LIVE, '[api.endpoints.root]\npath = "/"\n[cluster]\nworkloads = [{ name = "x" }]\n')
    environment = scratch.environment()
    assert environment.name == "live"
    assert environment.api.url == "https://api.example"
    assert set(environment.api.endpoints) == {"login", "root"}
    assert [workload.name for workload in environment.cluster.workloads] == ["x"]
    assert environment.cluster.namespace == "platform"


def test_a_value_may_become_a_table(scratch: Scratch) -> None:
    """An environment may spell out what its base only names."""
    scratch.replace(
        "environments/base.toml",
        "[api.endpoints.login]",
        "[api.endpoints]\nroot = 1\n[api.endpoints.login]",
    )
    scratch.add(LIVE, '[api.endpoints.root]\npath = "/"\n')
    assert scratch.environment().api.endpoints["root"].path == "/"


def test_variables_are_put_in_and_secrets_are_not(scratch: Scratch) -> None:
    """`${NAME}` is replaced, also within a text and a list; a secret's name stays a name."""
    scratch.add(LIVE, '[frontend]\nurl = "https://${HOST}:${PORT}"\n')
    scratch.replace("environments/base.toml", '{ name = "api" }', '{ name = "${HOST}" }')
    environment = scratch.environment(variables={**VARIABLES, "HOST": "there", "PORT": "1"})
    assert environment.frontend.url == "https://there:1"
    assert environment.cluster.workloads[0].name == "there"
    assert environment.database.dsn_env == "DSN"
    assert "s3cret" not in repr(environment)


@pytest.mark.parametrize("extends", ["base", "base.toml", "../environments/base"])
def test_an_environment_may_be_a_file_anywhere(
    scratch: Scratch, tmp_path: Path, extends: str
) -> None:
    """A file elsewhere extends the project's environments by name, or another file by path."""
    scratch.write("elsewhere/mine.toml", f'extends = "{extends}"\n')
    file = tmp_path / "elsewhere" / "mine.toml"
    for spelling in (file, str(file), os.path.relpath(file)):
        assert scratch.environment(spelling).name == "mine"


def test_a_file_elsewhere_is_not_taken_for_an_environment(scratch: Scratch) -> None:
    """Its rehearsal would sign what was never verified: the record goes by the file's name."""
    scratch.at_home()
    scratch.write("elsewhere/live.toml", 'extends = "base"\nsandbox = true\n')
    scratch.write("elsewhere/base.toml", (scratch.root / "environments/base.toml").read_text())
    elsewhere = scratch.root / "elsewhere/live.toml"
    expected = "expected another name: live has a record of its own"
    assert scratch.problems(elsewhere) == [
        f"--env: found elsewhere/live.toml, which is not environments/live.toml; {expected}"
    ]
    assert scratch.environment(scratch.root / LIVE).name == "live"
    scratch.write(LIVE, "sandbox = true\n" + (scratch.root / LIVE).read_text())
    assert scratch.environment(elsewhere).sandbox


def test_a_rehearsal_asks_nobody_else(scratch: Scratch) -> None:
    """Half of its answers would be the sandbox's own, which is always well."""
    scratch.at_home()
    scratch.write(LIVE, "sandbox = true\n" + (scratch.root / LIVE).read_text())
    assert scratch.environment().sandbox
    scratch.replace(LIVE, "https://localhost", "https://api.example:8443")
    (found,) = scratch.problems()
    expected = "found https://api.example:8443 beside sandbox = true; expected an address of the"
    assert found.startswith(f"{LIVE}: api.url: {expected} sandbox")


def test_a_file_beside_it_is_extended_first(scratch: Scratch) -> None:
    """A folder of environments of its own does not read the project's."""
    base = (scratch.root / "environments/base.toml").read_text()
    scratch.write("elsewhere/base.toml", base.replace("base.example", "beside.example"))
    file = scratch.write("elsewhere/mine.toml", 'extends = "base"\n')
    assert scratch.environment(file).api.url == "https://beside.example"


@pytest.mark.parametrize("table", ["frontend", "cluster", "prometheus", "database", "cache"])
def test_what_is_not_there_is_said_when_it_is_asked(scratch: Scratch, table: str) -> None:
    """A service without a database needs no table of one; a check that asks it knows nothing."""
    scratch.write("environments/base.toml", f"user_agent = 'x'\n{API}")
    environment = scratch.environment(variables={})
    with pytest.raises(InstrumentError, match=rf"\[{table}\] is not in the environment"):
        getattr(environment, table)
    assert environment.queries == {}
    assert environment.no_way_back == (
        "no way back is configured: [rollback] in live.toml, and helm_release in its [cluster]"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[rollback]\n", "rollback: found a table without [cluster]; expected where the release "),
        (
            "[rollback]\nrevision = 3\n[cluster]\nnamespace = 'x'\nworkloads = [{ name = 'x' }]\n",
            "rollback.revision: found Helm's number without helm_release in [cluster]; ",
        ),
    ],
)
def test_half_a_way_back_is_refused(scratch: Scratch, text: str, problem: str) -> None:
    """It would be missed when there is no time to look for it."""
    scratch.write("environments/base.toml", f"user_agent = 'x'\n{API}{text}")
    (found,) = scratch.problems()
    assert problem in found


def test_a_command_that_needs_a_table_says_so(scratch: Scratch) -> None:
    """Not which of its keys are missing."""
    scratch.write("environments/base.toml", f"user_agent = 'x'\n{API}")
    with pytest.raises(
        ConfigError, match=r"live.toml: found no \[cluster\]; expected what is asked"
    ):
        load_table("live", load_project(scratch.root), {}, "cluster", Cluster)


def test_environments_are_listed_without_their_base(scratch: Scratch) -> None:
    """What `--env` takes by name."""
    scratch.write("environments/test.toml", "")
    assert load_project(scratch.root).environments == ("live", "test")


@pytest.mark.parametrize(("line", "expected"), [("", False), ("sandbox = true\n", True)])
def test_a_sandbox_is_known_before_its_variables(
    scratch: Scratch, line: str, expected: bool
) -> None:
    """The embedded platform is started first, and sets the variables that the file needs."""
    scratch.write(LIVE, line + (scratch.root / LIVE).read_text().replace("api.example", "${URL}"))
    assert is_sandbox("live", load_project(scratch.root)) is expected


def test_an_unknown_environment_lists_the_known(scratch: Scratch) -> None:
    """A typing error in `--env` is mended at once."""
    scratch.write("environments/staging.toml", "")
    assert scratch.problems("stagin") == [
        '--env: found no environment "stagin"; expected one of live, staging in '
        f"{scratch.root}/environments".replace(f"{scratch.root}/", "")
        + ", or the path of a TOML file; did you mean staging?"
    ]
    assert '--env: found no environment "no/where"' in scratch.problems("no/where")[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'extends = "bas"\n',
            (
                'extends: found "bas"; expected a file to extend, one of base, live; did you '
                "mean base?"
            ),
        ),
        ("extends = 7\n", "extends: found a number; expected the name or path of a file"),
        (
            'extends = "live"\n',
            "extends: found a loop: live -> live; expected an end",
        ),
    ],
)
def test_extending_nothing_or_itself_is_refused(scratch: Scratch, text: str, problem: str) -> None:
    """The chain of files ends somewhere, and every file of it exists."""
    scratch.write(LIVE, text)
    assert scratch.problems() == [f"{LIVE}: {problem}"]


def test_a_loop_of_two_is_refused(scratch: Scratch) -> None:
    """A loop over several files names the way."""
    scratch.write("environments/base.toml", 'extends = "live"\n')
    assert scratch.problems() == [
        "environments/base.toml: extends: found a loop: live -> base -> live; expected an end"
    ]


def test_a_broken_file_of_the_chain_is_named(scratch: Scratch) -> None:
    """The file and line are those of the base, when it is the base that is broken."""
    scratch.write("environments/base.toml", "a = 1\nb\n")
    assert scratch.problems() == [
        (
            "environments/base.toml:2: found broken TOML: Expected '=' after a key in a "
            "key/value pair "
            "(at line 2, column 2); expected valid TOML"
        )
    ]


def test_what_is_deleted_may_be_gone(scratch: Scratch) -> None:
    """Who cleans up does not mind that somebody else has."""
    method = "endpoints.login.method = 'DELETE'\n"
    scratch.add(LIVE, f"{method}endpoints.login.expect_status = [204, 404]\n")
    assert scratch.environment().api.endpoints["login"].expect_status == (204, 404)

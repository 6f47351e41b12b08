"""Environment files: how they are found, extended and filled in, and what is said of wrong ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_deploycheck.config import is_sandbox, load_project, load_table
from pytest_deploycheck.config.environment import Cluster
from pytest_deploycheck.domain.errors import ConfigError, InstrumentError
from tests.config.scratch import VARIABLES, Scratch

LIVE = "environments/live.toml"
API_KEYS = (
    "url, timeout, ca_file, rate_per_s, username_env, password_env, token_env, admin_key_env, "
    "key_header, expired_token_env, login, endpoints, values, loads, conversations, leads, "
    "intents, readings, scenarios"
)
API = '[api.endpoints.login]\npath = "/login"\n'
TRIGGERS = "critical-error-rate, security-issues"


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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'username_env = "API_USER"\n',
            (
                "api.username_env: found API_USER, which is not set; "
                "expected an environment variable with a value; did you mean API_USR?"
            ),
        ),
        (
            'password_env = "EMPTY"\n',
            (
                "api.password_env: found EMPTY, which is not set; "
                "expected an environment variable with a value"
            ),
        ),
        (
            'password_env = "s3cret!"\n',
            "api.password_env: found a text; expected the name of an environment variable",
        ),
        (
            "password_env = 12345678\n",
            "api.password_env: found a number; expected a valid string",
        ),
        (
            'ca_file = "${CA}/ca.pem"\n',
            (
                "api.ca_file: found CA, which is not set; expected an environment variable with "
                "a value"
            ),
        ),
        (
            'ca_file = "${not a name}"\n',
            "api.ca_file: found ${ without a name; expected ${NAME}",
        ),
        (
            'password = "s3cret"\n',
            (
                f"api.password: found an unknown key; expected one of {API_KEYS}; "
                "did you mean password_env?"
            ),
        ),
        (
            'timeout = "5"\n',
            'api.timeout: found "5"; expected a duration, for example "5m" or "1m30s"',
        ),
        ("rate_per_s = 0\n", "api.rate_per_s: found 0; expected greater than 0"),
        (
            "ca_file = 2026-01-01\n",
            "api.ca_file: found a date or time; expected a valid string",
        ),
        ("ca_file = true\n", "api.ca_file: found true or false; expected a valid string"),
        ("ca_file = []\n", "api.ca_file: found a list; expected a valid string"),
        ("ca_file = {}\n", "api.ca_file: found a table; expected a valid string"),
        (
            'login = "logn"\n',
            'api.login: found "logn"; expected an endpoint, one of login; did you mean login?',
        ),
        (
            'endpoints.login.metod = "PUT"\n',
            (
                "api.endpoints.login.metod: found an unknown key; expected one of path, method, "
                "auth, "
                "headers, body, expect_status, expect_type, expect, healthy, components, contains, "
                "keys, max_age; did you mean method?"
            ),
        ),
        (
            'endpoints.login.method = "POTS"\n',
            (
                "api.endpoints.login.method: found \"POTS\"; expected 'GET', 'POST', 'PUT', "
                "'DELETE' or "
                "'HEAD'; did you mean POST?"
            ),
        ),
        (
            "endpoints.login.expect_status = []\n",
            (
                "api.endpoints.login.expect_status: found a list; "
                "expected to have at least 1 item after validation, not 0"
            ),
        ),
        (
            "[cluster]\nworkloads = [{ name = 'a' }, { nam = 'b' }]\n",
            (
                "cluster.workloads[1].nam: found an unknown key; expected one of name, kind, "
                "min_ready, "
                "container, released, service_account, autoscaled, isolated; did you mean name?"
            ),
        ),
        (
            "[cluster.ingress_controller]\nnam = 'a'\n",
            (
                "cluster.ingress_controller.nam: found an unknown key; expected one of name, kind, "
                "min_ready, container, released, service_account, autoscaled, isolated; did you "
                "mean name?"
            ),
        ),
        (
            "[triggers.critical-error]\n",
            (
                'triggers.critical-error: found "critical-error"; expected a trigger, '
                f"one of {TRIGGERS}; did you mean critical-error-rate?"
            ),
        ),
        (
            '[triggers.security-issues]\nseverity = "observe"\n',
            (
                'triggers.security-issues.severity: found "observe"; expected "rollback": '
                "it is never waivable"
            ),
        ),
        (
            "[limits]\nerror_ratios = 0.01\n",
            (
                'limits.error_ratios: found "error_ratios"; expected a limit of the policy, '
                "one of error_ratio, success_ratio; did you mean error_ratio?"
            ),
        ),
        (
            "[limits]\nerror_ratio = 0.06\n",
            "limits.error_ratio: found 0.06; expected at most 0.05: it may only be stricter",
        ),
        (
            "[limits]\nsuccess_ratio = 0.9\n",
            "limits.success_ratio: found 0.9; expected at least 0.95: it may only be stricter",
        ),
        (
            "[limits]\nerror_ratio = nan\n",
            "limits.error_ratio: found nan; expected at most 0.05: it may only be stricter",
        ),
        (
            "endpoints.login.components = ['database']\n",
            (
                "api.endpoints.login: found a table; "
                "expected `healthy` beside `components`, or nobody looks at them"
            ),
        ),
        (
            "[prometheus.queries.error_ratio]\ntraffic = 'sum(increase(x_total[1m]))'\n",
            (
                "prometheus.queries.error_ratio: found a table; "
                "expected both of `traffic` and `min_traffic`, or neither"
            ),
        ),
        (
            "[prometheus.queries.error_ratio.triggers]\ncritical-error-rate = 'success_ratio'\n",
            (
                "prometheus.queries.error_ratio.triggers.critical-error-rate: found success_ratio, "
                "which is bad below its value; expected one that is bad above it, as the query is"
            ),
        ),
        (
            "[prometheus.queries.error_ratio.growths]\nsecurity-issues = 'success_ratio'\n",
            (
                "prometheus.queries.error_ratio.growths.security-issues: found success_ratio, "
                "which is bad below its value; expected one that is bad above it, as the query is"
            ),
        ),
        (
            "[prometheus.queries.other]\nquery = 'x'\nunit = '1'\nwindow = '1m'\n",
            "prometheus.queries.other.worse: found nothing; expected a value",
        ),
        (
            "[api.loads.all]\nendpoints = ['login', 'logn']\nsamples = 20\nrate_per_s = 1\n",
            (
                'api.loads.all.endpoints[1]: found "logn"; expected an endpoint, one of login; '
                "did you mean login?"
            ),
        ),
        (
            "[integrations.crm]\nurl = 'https://crm'\nendpoints = {}\nlogin = 'root'\n",
            'integrations.crm.login: found "root"; expected an endpoint, one of ',
        ),
        (
            (
                "[attestations]\nroles = { 'Op Lead' = ['ann'] }\n"
                "items = { 'post_5min/pod-status' = { roles = ['Ops Lead'] } }\n"
            ),
            (
                'attestations.roles.Op Lead: found "Op Lead"; expected a role that speaks for '
                "an item, one of Ops Lead; did you mean Ops Lead?"
            ),
        ),
        (
            "[repository]\nname = 'repository'\n",
            "repository.name: found a text; expected `owner/repository`",
        ),
        (
            "[limits]\nerror_ratio = 'low'\n",
            'limits.error_ratio: found "low"; expected a valid number',
        ),
    ],
)
def test_a_wrong_environment_is_refused(scratch: Scratch, text: str, problem: str) -> None:
    """Each problem names file, key, what was found and what would be right, but no secret."""
    scratch.add(LIVE, text)
    variables = {**VARIABLES, "API_USR": "x", "EMPTY": ""}
    assert f"{LIVE}: {problem}" in scratch.problems(variables=variables)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "endpoints.login.expect_status = [200, 401, 403, 404, 500]\n",
            (
                "api.endpoints.login.expect_status: found [200, 401, 403, 404, 500]; expected "
                "answers that are all good, or all refusals"
            ),
        ),
        (
            "endpoints.login.expect_status = [401, 200]\nendpoints.login.auth = 'expired'\n",
            (
                'api.endpoints.login.expect_status: found [200, 401] for auth = "expired"; '
                "expected 401, 403, or both: it must be refused"
            ),
        ),
        (
            "endpoints.login.healthy = ['healthy', 'Unhealthy', 'critical']\n",
            (
                "api.endpoints.login.healthy: found critical, unhealthy; expected words that mean "
                "healthy"
            ),
        ),
        (
            "[frontend.endpoints.root]\nexpect_status = [200, 500]\n",
            "frontend.endpoints.root.expect_status: found [200, 500]; expected answers that are ",
        ),
        (
            (
                "[integrations.crm]\nurl = 'https://x'\n[integrations.crm.endpoints.x]\n"
                "path = '/'\nhealthy = ['down']\n"
            ),
            "integrations.crm.endpoints.x.healthy: found down; ",
        ),
        (
            (
                "[mail]\nserver = 'x:25'\nsender = 'a'\nrecipient = 'b'\n[mail.sink]\n"
                "url = 'https://x'\n[mail.sink.endpoints.x]\npath = '/'\nhealthy = ['error']\n"
            ),
            "mail.sink.endpoints.x.healthy: found error; ",
        ),
        (
            "[prometheus.queries.error_ratio]\nquery = 'vector(0.1)'\n",
            (
                "prometheus.queries.error_ratio.query: found an expression that never moves: it "
                "names no metric; expected one that can"
            ),
        ),
        (
            "[prometheus.queries.error_ratio]\ntraffic = 'max(up)/max(up)'\nmin_traffic = 1\n",
            "prometheus.queries.error_ratio.traffic: found an expression that never moves: both ",
        ),
        (
            "[database.statements]\nalive = 'SELECT 1'\nlocks = 'SELECT 0'\n",
            (
                "database.statements.locks: found a number; expected a statement that asks the "
                "database for one"
            ),
        ),
        (
            "[[cluster.permissions]]\nresources = ['*']\nverbs = ['get']\n",
            'cluster.permissions[0]: found "*"; expected what is needed: beyond it nothing would ',
        ),
        (
            (
                "[monitoring]\njobs = ['x']\nmay_be_down = ['x']\nalerts = ['x']\n"
                "alertmanagers = ['x']\napplication_series = ['x']\nbusiness_series = ['x']\n"
                "counted = 'x'\ncounts = 'login'\n"
            ),
            "monitoring.may_be_down: found every one of jobs; expected one that must be up",
        ),
    ],
)
def test_what_could_make_nothing_fail_is_refused(scratch: Scratch, text: str, problem: str) -> None:
    """A check that passes whatever the platform does must not look like one."""
    scratch.add(LIVE, text)
    (found,) = scratch.problems()
    assert found.startswith(f"{LIVE}: {problem}")


def test_what_is_deleted_may_be_gone(scratch: Scratch) -> None:
    """Who cleans up does not mind that somebody else has."""
    method = "endpoints.login.method = 'DELETE'\n"
    scratch.add(LIVE, f"{method}endpoints.login.expect_status = [204, 404]\n")
    assert scratch.environment().api.endpoints["login"].expect_status == (204, 404)


def test_a_url_is_not_printed(scratch: Scratch) -> None:
    """A URL may hold a password."""
    scratch.replace(LIVE, "https://api.example", "htps://user:s3cret@host")
    assert scratch.problems() == [
        f"{LIVE}: api.url: found a text; expected an http:// or https:// URL"
    ]


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        ("api.url = 'https://user:s3cret@host'", {}),
        ("api.url = 'https://s3cret@host/path'", {}),
        ("api.url = '${URL}'", {"URL": "https://user:s3cret@host"}),
        ("cluster.server = 'https://user:s3cret@host'", {}),
        ("cluster.server = 'https://[user:s3cret@host'", {}),
    ],
)
def test_a_password_in_a_url_is_refused(
    scratch: Scratch, place: str, variables: dict[str, str]
) -> None:
    """The file holds no secret: not even one that a variable puts into it; none is printed."""
    scratch.replace(LIVE, '[api]\nurl = "https://api.example"\n', f"{place}\n")
    key = place.partition(" ")[0]
    found = f"{LIVE}: {key}: found a user or password in the URL; expected none: name variables"
    assert scratch.problems(variables=VARIABLES | variables) == [
        f"{found} in username_env and password_env"
    ]


def test_unknown_items_may_not_be_written(scratch: Scratch) -> None:
    """A permission to write names an item that exists, with the near misses."""
    scratch.replace(LIVE, "[api]", 'allow_writes = ["post_5min/redis-cash"]\n[api]')
    assert scratch.problems() == [
        (
            f'{LIVE}: allow_writes[0]: found "post_5min/redis-cash"; expected the id of an '
            f"item, one of "
            "post_5min/pod-status, post_5min/redis-cache, rollback/critical-error-rate, "
            "rollback/security-issues; did you mean post_5min/redis-cache or post_5min/pod-status?"
        )
    ]


def test_a_problem_names_the_file_that_it_is_in(scratch: Scratch) -> None:
    """A bad value is mended in the base, a missing address in the environment."""
    base = "environments/base.toml"
    scratch.replace(base, 'unit = "ratio"', "unit = 7")
    scratch.replace(base, 'window = "10m"', "")
    scratch.replace(base, 'url = "https://app.example"', "")
    assert scratch.problems() == [
        f"{LIVE}: frontend.url: found nothing; expected a value",
        f"{base}: prometheus.queries.error_ratio.unit: found a number; expected a valid string",
        f"{base}: prometheus.queries.error_ratio.window: found nothing; expected a value",
    ]


def test_all_problems_of_an_environment_come_at_once(scratch: Scratch) -> None:
    """Variables, unknown names and wrong values are told in one go."""
    scratch.add(LIVE, 'tiemout = "5s"\n[limits]\nerror_ratio = 1\n[frontend]\nurl = "${URL}"\n')
    scratch.replace("environments/base.toml", 'dsn_env = "DSN"', 'dsn_env = "POSTGRES_URL"')
    assert scratch.problems(variables={"POSTGRE_URL": "x"}) == [
        (
            f"{LIVE}: frontend.url: found URL, which is not set; expected an environment variable "
            "with a value"
        ),
        "environments/base.toml: 2 variables are not set:",
        "  POSTGRES_URL (database.dsn_env); did you mean POSTGRE_URL?",
        "  CACHE_URL (cache.url_env)",
        f"{LIVE}: limits.error_ratio: found 1; expected at most 0.05: it may only be stricter",
        (
            f"{LIVE}: api.tiemout: found an unknown key; expected one of {API_KEYS}; did you mean "
            "timeout?"
        ),
    ]


def test_what_another_key_rightly_names_is_not_proposed(scratch: Scratch) -> None:
    """Names of secrets look alike; the one beside it is set, and is not what was meant."""
    scratch.add(LIVE, 'username_env = "LIVE_API_USER"\npassword_env = "LIVE_API_PASS"\n')
    (problem,) = scratch.problems(variables={**VARIABLES, "LIVE_API_PASS": "x"})
    assert problem.endswith(
        "found LIVE_API_USER, which is not set; expected an environment variable with a value"
    )


def test_a_variable_of_many_keys_is_told_once(scratch: Scratch) -> None:
    """What is to be exported is counted, and each name stands in a line of its own to be copied."""
    scratch.add(LIVE, 'token_env = "TOKEN"\nca_file = "${TOKEN}/${CA}"\n')
    assert scratch.problems() == [
        f"{LIVE}: 2 variables are not set:",
        "  TOKEN (api.token_env, api.ca_file)",
        "  CA (api.ca_file)",
    ]


def test_a_long_list_of_names_is_counted(scratch: Scratch) -> None:
    """Ninety ids are no help; the near ones are."""
    boxes = "".join(f"- [ ] **Box {number}**: x\n" for number in range(20))
    scratch.add("checklist.md", f"## More\n<!-- phase: deploy -->\n{boxes}")
    scratch.replace(LIVE, "[api]", 'allow_writes = ["deploy/bx-7"]\n[api]')
    assert (
        "expected the id of an item, one of 24 known ones; did you mean deploy/box-7"
        in (scratch.problems()[0])
    )

"""What is said of a wrong environment: every problem, where it is, and what would be right."""

from __future__ import annotations

import pytest

from tests.config.scratch import VARIABLES, Scratch

LIVE = "environments/live.toml"
API_KEYS = (
    "url, timeout, ca_file, rate_per_s, username_env, password_env, token_env, admin_key_env, "
    "key_header, expired_token_env, login, endpoints, values, loads, conversations, leads, "
    "intents, readings, scenarios"
)
TRIGGERS = "critical-error-rate, security-issues"


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
            'password_env = "${SECRET}"\n',
            "api.password_env: found a text; expected the name of an environment variable",
        ),
        (
            '[notifications.channels.chat]\nurl_env = "${SECRET}"\n',
            (
                "notifications.channels.chat.url_env: found a text; "
                "expected the name of an environment variable"
            ),
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
            '[triggers.security-issues]\nseverity = "${SEVERITY}"\n',
            (
                'triggers.security-issues.severity: found "${SEVERITY}"; expected "rollback": '
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
            "limits.error_ratio: found nan; expected a finite number",
        ),
        (
            "[limits]\nerror_ratio = '0.06'\n",
            'limits.error_ratio: found "0.06"; expected a valid number',
        ),
        (
            "[limits]\nerror_ratio = 'nan'\n",
            'limits.error_ratio: found "nan"; expected a valid number',
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
            'prometheus.queries.other.worse: found nothing; expected "above" or "below"',
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
    others = {"API_USR": "x", "EMPTY": "", "SEVERITY": "observe", "SECRET": "s3cret"}
    assert f"{LIVE}: {problem}" in scratch.problems(variables=VARIABLES | others)


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
            "[frontend.endpoints.root]\ncontains = ['x', ' ']\n",
            "frontend.endpoints.root.contains: found an empty text, which occurs in every answer",
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


def test_whether_it_is_a_rehearsal_is_no_text(scratch: Scratch) -> None:
    """No sandbox is started for it, so nothing else may take it for one."""
    scratch.at_home()
    scratch.replace(LIVE, "[api]", 'sandbox = "true"\n[api]')
    assert scratch.problems() == [f'{LIVE}: sandbox: found "true"; expected a valid boolean']


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
        (
            f"{base}: prometheus.queries.error_ratio.window: found nothing; expected a duration, "
            'for example "5m" or "1m30s"'
        ),
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

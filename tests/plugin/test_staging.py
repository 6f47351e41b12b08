"""What the staging phase asks: never the platform that is deployed to, unless that is staging."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.config import Environment, Project, load_environment, load_project
from pytest_deploycheck.domain.errors import ConfigError, InstrumentError
from pytest_deploycheck.plugin.staging import Staging
from pytest_deploycheck.sandbox.platform import DEPLOYED_AGO_S

SUITES = Path(__file__).parents[2] / "suites"


@pytest.fixture(scope="module")
def project() -> Project:
    """The shipped checklist, policy and environments."""
    return load_project(SUITES)


def variables_of(name: str) -> dict[str, str]:
    """A value for each variable that the environment names."""
    text = (SUITES / "environments" / f"{name}.toml").read_text()
    return dict.fromkeys(re.findall(r"DEPLOYCHECK_\w+", text), "https://localhost:1")


@pytest.fixture
def production(project: Project) -> Environment:
    """The shipped environment of production."""
    return load_environment("production", project, variables_of("production"))


def test_from_production_staging_is_asked(project: Project, production: Environment) -> None:
    """Its own hosts and its own credentials: a load test must not hit production."""
    staging = Staging(production, project, deployed_at_s=1.0, variables=variables_of("staging"))
    with contextlib.closing(staging):
        assert staging.environment.name == "staging"
        assert staging.api.settings.url != production.api.url
        assert staging.api.settings.username_env == "DEPLOYCHECK_STAGING_API_USERNAME"
        assert staging.crm.settings.token_env == "DEPLOYCHECK_STAGING_GHL_TOKEN"


def test_what_staging_lacks_is_said(project: Project, production: Environment) -> None:
    """Its variables are only needed where it is asked."""
    with pytest.raises(ConfigError, match="DEPLOYCHECK_STAGING_API_PASSWORD"):
        Staging(production, project, deployed_at_s=1.0, variables={})


def test_an_environment_that_names_no_staging_is_not_its_own(
    project: Project, production: Environment
) -> None:
    """Asking production instead would prove nothing."""
    alone = production.model_copy(update={"staging": None})
    with pytest.raises(InstrumentError, match="environment production says nothing about staging"):
        Staging(alone, project, deployed_at_s=1.0)


def test_an_integration_that_nobody_configured_is_no_evidence(
    project: Project, production: Environment
) -> None:
    """A missing service is the checker's gap."""
    bare = production.model_copy(update={"staging": "itself", "integrations": {}})
    with pytest.raises(InstrumentError, match=r"the environment has no \[integrations\.crm\]"):
        _ = Staging(bare, project, deployed_at_s=1.0).crm


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[embedded.Sandbox]:
    """A sandbox, its variables in the process environment."""
    with embedded.start() as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.mark.parametrize(("named", "ago_s"), [("itself", 900.0), ("sandbox", 390.0)])
def test_windows_begin_with_the_deployment_of_staging(
    sandbox: embedded.Sandbox, project: Project, named: str, ago_s: float
) -> None:
    """The run knows when its own environment was deployed; of another one its cluster tells.

    The first sample speaks for the deployment: it is a step of 15 seconds later.
    """
    now_s = sandbox.platform.deployed_at_s + DEPLOYED_AGO_S
    here = load_environment("sandbox", project, sandbox.variables)
    staging = Staging(
        here.model_copy(update={"staging": named}),
        project,
        deployed_at_s=now_s - 900.0,
        variables=sandbox.variables,
    )
    with contextlib.closing(staging):
        history = staging.metrics.history("memory_ratio").history
    assert history.at_s[0] == pytest.approx(now_s - ago_s + 15, abs=20)


def test_a_misspelt_staging_is_refused_before_anything_runs(
    project: Project, tmp_path: Path
) -> None:
    """A name that no environment has is a mistake of the file, with what would be right."""
    file = tmp_path / "mine.toml"
    file.write_text('extends = "production"\nstaging = "stagin"\n')
    with pytest.raises(ConfigError, match="did you mean staging"):
        load_environment(file, project, variables_of("production"))

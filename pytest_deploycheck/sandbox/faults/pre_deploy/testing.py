"""What must not be deployed for its tests: failed, skipped, gone, or too old to count."""

from __future__ import annotations

from typing import Any, Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import artifacts
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.faults.pre_deploy.items import BOTS, INTEGRATION, ML, SLA, UNIT
from pytest_deploycheck.sandbox.platform import Platform

_BOMB: Final = (
    '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<testsuite tests="1"><testcase classname="t" name="&b;"/></testsuite>'
)


@fault(UNIT, verdict=Verdict.HOLD)
def unit_test_failed(platform: Platform) -> None:
    """One of the unit tests failed."""
    platform.reports.files["junit-unit.xml"] = artifacts.junit("platform.tests", 672, failing=1)


@fault(UNIT, verdict=Verdict.HOLD)
def unit_test_retried(platform: Platform) -> None:
    """One of the unit tests failed, and passed when it was run again."""
    platform.reports.files["junit-unit.xml"] = artifacts.junit("platform.tests", 672, retried=1)


@fault(UNIT, verdict=Verdict.HOLD)
def too_few_unit_tests(platform: Platform) -> None:
    """Only 300 unit tests ran, and all of them passed."""
    platform.reports.files["junit-unit.xml"] = artifacts.junit("platform.tests", 300)


@fault(UNIT, verdict=Verdict.HOLD)
def coverage_too_low(platform: Platform) -> None:
    """The unit tests run 71 % of the lines."""
    platform.reports.files["coverage.xml"] = artifacts.coverage(0.71)


@fault(UNIT, verdict=Verdict.HOLD)
def coverage_made_up(platform: Platform) -> None:
    """The report on the unit tests says that they run 87 % of the lines; its lines say 71 %."""
    report = artifacts.coverage(0.71).replace('lines-covered="710"', 'lines-covered="870"')
    platform.reports.files["coverage.xml"] = report


@fault(UNIT, verdict=Verdict.HOLD)
def test_report_with_entities(platform: Platform) -> None:
    """The report of the unit tests is XML with entities, as no test runner writes it."""
    platform.reports.files["junit-unit.xml"] = _BOMB


@fault(BOTS, verdict=Verdict.HOLD)
def bot_tests_gone(platform: Platform) -> None:
    """No test of the Intent Decoder ran; those of the other bots passed."""
    text = platform.reports.files["junit-bots.xml"]
    platform.reports.files["junit-bots.xml"] = text.replace("intent_decoder", "seller_bot")


@fault(BOTS, verdict=Verdict.HOLD)
def bot_test_failed(platform: Platform) -> None:
    """One test of the Lead Bot failed."""
    failing = {"seller_bot": 0, "lead_bot": 1, "intent_decoder": 0}
    each = (artifacts.junit(f"tests.{bot}", 24, failing=n) for bot, n in failing.items())
    platform.reports.files["junit-bots.xml"] = "".join(("<testsuites>", *each, "</testsuites>"))


@fault(UNIT, verdict=Verdict.HOLD)
def unit_tests_skipped(platform: Platform) -> None:
    """A third of a thousand unit tests were skipped; all others passed."""
    report = artifacts.junit("platform.tests", 1_000, skipping=340)
    platform.reports.files["junit-unit.xml"] = report


@fault(BOTS, verdict=Verdict.HOLD)
def bot_tests_skipped(platform: Platform) -> None:
    """Of the tests of each bot one passed, and all others were skipped."""
    _skip_most(platform, "junit-bots.xml", "seller_bot", "lead_bot", "intent_decoder")


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_tests_skipped(platform: Platform) -> None:
    """Of the tests of each external API one passed, and all others were skipped."""
    _skip_most(platform, "junit-integration.xml", "ghl", "claude")


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_tests_gone(platform: Platform) -> None:
    """No test of the CRM's interface ran; those of the AI service passed."""
    text = platform.reports.files["junit-integration.xml"]
    platform.reports.files["junit-integration.xml"] = text.replace("tests.ghl", "tests.claude")


@fault(BOTS, verdict=Verdict.HOLD)
def seller_bot_late(platform: Platform) -> None:
    """In the benchmark the Seller Bot answers within 6.4 s (p95)."""
    _measured(platform, "bots.json", seller_bot_response_p95_s=6.4)


@fault(BOTS, verdict=Verdict.HOLD)
def lead_sequence_broken(platform: Platform) -> None:
    """In the benchmark a fifth of the leads is lost between two steps of the Lead Bot."""
    _measured(platform, "bots.json", lead_bot_lifecycle_ratio=0.8)


@fault(BOTS, verdict=Verdict.HOLD)
def intent_decoder_wrong(platform: Platform) -> None:
    """The Intent Decoder is right in 84 % of the known conversations."""
    _measured(platform, "bots.json", intent_accuracy_ratio=0.84)


@fault(BOTS, verdict=Verdict.HOLD)
def bot_benchmark_thin(platform: Platform) -> None:
    """The Seller Bot's success was measured on five conversations."""
    _figures(platform, "bots.json")["seller_bot_success_ratio"]["samples"] = 5


@fault(ML, SLA, verdict=Verdict.HOLD)
def inference_benchmark_slow(platform: Platform) -> None:
    """The model of this build takes 73 ms (p95) for a prediction."""
    _measured(platform, "ml.json", inference_p95_s=0.073)


@fault(ML, verdict=Verdict.HOLD)
def benchmark_shows_drift(platform: Platform) -> None:
    """The features have drifted by 0.41."""
    _measured(platform, "ml.json", feature_drift_score=0.41)


@fault(ML, verdict=Verdict.HOLD)
def benchmark_inaccurate(platform: Platform) -> None:
    """The model of this build is right in 86 % of the known cases."""
    _measured(platform, "ml.json", accuracy_ratio=0.86)


@fault(ML, SLA, verdict=Verdict.HOLD)
def ml_benchmark_is_old(platform: Platform) -> None:
    """The benchmark of the model is a week old."""
    platform.reports.files["ml.json"]["made_at"] = artifacts.ago(7 * 86_400)


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_test_failed(platform: Platform) -> None:
    """A test of the CRM's interface failed."""
    suites = artifacts.junit("tests.ghl", 24, failing=1) + artifacts.junit("tests.claude", 24)
    platform.reports.files["junit-integration.xml"] = f"<testsuites>{suites}</testsuites>"


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_report_cut(platform: Platform) -> None:
    """The report of the integration tests tells of failures that it does not hold."""
    text = platform.reports.files["junit-integration.xml"]
    platform.reports.files["junit-integration.xml"] = text.replace('errors="0"', 'errors="3"', 1)


def _skip_most(platform: Platform, name: str, *suites: str) -> None:
    each = (artifacts.junit(f"tests.{suite}", 24, skipping=23) for suite in suites)
    platform.reports.files[name] = "".join(("<testsuites>", *each, "</testsuites>"))


def _figures(platform: Platform, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = platform.reports.files[name]["measurements"]
    return figures


def _measured(platform: Platform, name: str, **values: float) -> None:
    for key, value in values.items():
        _figures(platform, name)[key]["value"] = value

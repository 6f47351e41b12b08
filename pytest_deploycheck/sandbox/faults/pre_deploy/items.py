"""The items that look at what is to be deployed, and what most of them look at."""

from __future__ import annotations

from typing import Final

SCANS: Final = "pre_deploy/security-scan-results"
SECRETS: Final = "pre_deploy/secrets-management"
ACCESS: Final = "pre_deploy/access-controls"
UNIT: Final = "pre_deploy/unit-tests"
BOTS: Final = "pre_deploy/jorge-bot-tests"
ML: Final = "pre_deploy/ml-pipeline-tests"
INTEGRATION: Final = "pre_deploy/integration-tests"
LOAD: Final = "pre_deploy/load-testing"
BASELINE: Final = "pre_deploy/baseline-metrics"
SLA: Final = "pre_deploy/sla-targets"
CAPACITY: Final = "pre_deploy/capacity-planning"
DATABASE: Final = "pre_deploy/database-backup"
CONFIGURATION: Final = "pre_deploy/configuration-backup"
WAY_BACK: Final = "pre_deploy/rollback-plan"
RECOVERY: Final = "pre_deploy/recovery-procedures"
PIPELINE: Final = "deploy/ci-cd-pipeline"
STAGED: Final = "deploy/staging-validation"

OF_RELEASE: Final = (SCANS, SECRETS, UNIT, BOTS, ML, INTEGRATION, LOAD, SLA, PIPELINE, STAGED)
"""Everything that needs the manifest."""
API: Final = "jorge-revenue-api"
"""The workload of most."""

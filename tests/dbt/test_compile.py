"""The models are SQL of the databases that no test can ask, as far as dbt's adapters and a parser of their SQL know."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlglot
from dbt.adapters.databricks.impl import DatabricksAdapter
from dbt.cli.main import dbtRunner

PACKAGE = Path(__file__).resolve().parents[2] / "dbt"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that has the package."""
    copy = shutil.copytree(
        PACKAGE,
        tmp_path_factory.mktemp("project") / "dbt",
        ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"),
    )
    folder = copy / "integration_tests"
    assert dbtRunner().invoke(["--quiet", "deps", *of(folder, "duckdb")]).success
    return folder


def of(folder: Path, target: str) -> list[str]:
    """The options that choose the project and a database."""
    return ["--project-dir", str(folder), "--profiles-dir", str(folder), "--target", target]


@pytest.mark.parametrize("target", ["bigquery", "databricks", "redshift", "snowflake"])
def test_the_models_are_sql_of(target: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It would ask the cluster what it can do.
    monkeypatch.setattr(DatabricksAdapter, "has_dbr_capability", lambda *_: True)
    into = project / "target" / target
    offline = ["--no-introspect", "--no-populate-cache", "--target-path", str(into), "--log-path", str(into)]
    ran = dbtRunner().invoke(["--quiet", "compile", "--select", "package:navan", *offline, *of(project, target)])
    assert ran.success, ran.exception
    models = [*into.glob("compiled/navan/models/*/*.sql")]
    assert len(models) > 50
    for model in models:
        sqlglot.parse_one(model.read_text(encoding="utf-8"), dialect=target)

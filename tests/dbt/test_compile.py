"""The models are SQL of the databases that no test can ask, as far as dbt's adapters and a parser of their SQL know."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlglot
from dbt.adapters.bigquery.impl import BigQueryAdapter
from dbt.adapters.databricks.impl import DatabricksAdapter
from dbt.adapters.redshift.impl import RedshiftAdapter
from dbt.adapters.snowflake.impl import SnowflakeAdapter
from dbt.cli.main import dbtRunner

ADAPTERS = {
    "bigquery": BigQueryAdapter,
    "databricks": DatabricksAdapter,
    "redshift": RedshiftAdapter,
    "snowflake": SnowflakeAdapter,
}
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


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No adapter asks: nothing has been built yet, and a cluster can do all that there is."""
    for adapter in ADAPTERS.values():
        monkeypatch.setattr(adapter, "get_relation", lambda *_, **__: None)
    monkeypatch.setattr(DatabricksAdapter, "has_dbr_capability", lambda *_: True)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("target", ADAPTERS)
def test_the_models_are_sql_of(target: str, project: Path) -> None:
    into = project / "target" / target
    words = ["--select", "package:navan,resource_type:model", "--no-introspect", "--no-populate-cache"]
    words += ["--target-path", str(into), "--log-path", str(into), *of(project, target)]
    ran = dbtRunner().invoke(["--quiet", "compile", *words])
    assert ran.success, ran.exception
    models = [*into.glob("compiled/navan/models/*/*.sql")]
    assert len(models) > 50
    for model in models:
        sqlglot.parse_one(model.read_text(encoding="utf-8"), dialect=target)

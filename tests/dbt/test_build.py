"""`dbt build`, by a user's project, on DuckDB and PostgreSQL: twice, with changes and deletions in between."""

from __future__ import annotations

from collections import Counter

import load
from conftest import Built
from warehouse import DuckDB, Project, Run


def test_everything_is_built_and_every_test_passes(built: Built) -> None:
    assert_good(built.run)


def test_rules_are_proved_on_each_database(all_built: dict[tuple[str, str], Built]) -> None:
    for (_, turn), built in all_built.items():
        kinds = Counter(result.node.partition(".")[0] for result in built.run.results)
        assert kinds["model"] > 17
        assert (kinds["unit_test"] > 0) == (turn == "first")


def test_no_column_is_undocumented(project: Project, all_built: dict[tuple[str, str], Built]) -> None:
    """Of no model and no seed; and what is documented is there."""
    built = all_built["duckdb", "second"]
    run = project.ask("docs", built.warehouse, "generate")
    assert run.is_good, run.why
    manifest, catalog = run.read("manifest.json"), run.read("catalog.json")
    described = 0
    for name, node in manifest["nodes"].items():
        if node["package_name"] != "navan" or node["resource_type"] not in ("model", "seed"):
            continue
        assert node["description"], f"{name} has no description"
        there = {column.lower() for column in catalog["nodes"][name]["columns"]}
        told = {column["name"].lower() for column in node["columns"].values() if column["description"]}
        assert told == there, f"{name}: {sorted(told ^ there)}"
        described += len(told)
    assert described > 700


def test_odd_values_are_built_as_well(project: Project, scratch: DuckDB) -> None:
    with load.company(odd=True) as navan:
        scratch.load(navan)
    # Odd rows lack their accounts.
    words = ("--exclude", "erp_no_unmapped_lines", "--exclude-resource-type", "unit_test")
    assert_good(project.build(scratch, *words))


def assert_good(run: Run) -> None:
    """All of it has succeeded, without a warning."""
    assert run.is_good, run.why
    assert [result for result in run.results if not result.is_good] == []

"""The code in docs/pyairbyte.md and docs/recipes-orchestration.md, word for word, on the sandbox."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pages import blocks
from sandbox import KEYS, TODAY, Sandbox, sandbox
from settings import CONNECTOR, ROOT

ONCE, ANEW, _WHEEL = blocks("docs/pyairbyte.md", "python")
SYNC, AIRFLOW, DAGSTER = blocks("docs/recipes-orchestration.md", "python")
# The same without the reading that comes first.
BEFORE, READ, _ = ONCE.partition("navan.read(cache=cache)\n")
BOTH = 'write_strategy="replace", force_full_refresh=True'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the reader of the pages stands: below are `secrets/` and the installed connector."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "source-navan").symlink_to(CONNECTOR)
    return tmp_path


def run(code: str, folder: Path, **environment: str) -> str:
    """Runs code as a script in that folder, and returns the last line that it printed."""
    own = dict.fromkeys(("AIRBYTE_LOGGING_ROOT", "AIRBYTE_PROJECT_DIR", "AIRBYTE_CACHE_ROOT"), str(folder / "own"))
    own["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | own | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout.strip().rpartition("\n")[2]


def read(navan: Sandbox, folder: Path, code: str = READ) -> None:
    """Runs the page's code, with these lines in place of its last."""
    (folder / "secrets" / "config.json").write_text(json.dumps(navan.config()), encoding="utf-8")
    run(BEFORE + code, folder)


def keys(folder: Path, stream: str) -> list[str]:
    """The keys in a table, each as often as it is there."""
    with duckdb.connect(folder / "secrets" / "navan.duckdb", read_only=True) as database:
        rows = database.execute(f'SELECT {KEYS[stream]} FROM "{stream.lower()}" ORDER BY 1').fetchall()
    return [key for (key,) in rows]


def at_navan(navan: Sandbox, stream: str) -> list[str]:
    return sorted(row[KEYS[stream]] for of, row in navan.all_rows() if of == stream)


def test_bookings_and_users_anew_are_those_that_there_are(folder: Path) -> None:
    with sandbox(bookings=130, transactions=5, users=30, odd=False) as navan:
        read(navan, folder)
        transactions = keys(folder, "TRANSACTION")
        for index in (3, 40):
            navan.delete("BOOKING", index)
        navan.insert("BOOKING", 4)
        navan.insert("USER", 2)
        navan.post("clock", {"advance_s": 3600})
        read(navan, folder, READ + ANEW)
        for stream in ("BOOKING", "USER"):
            assert keys(folder, stream) == at_navan(navan, stream)
        assert keys(folder, "TRANSACTION") == transactions == at_navan(navan, "TRANSACTION")
        # The next ordinary run goes on from there.
        navan.insert("BOOKING", 1)
        navan.post("clock", {"advance_s": 3600})
        read(navan, folder)
        assert keys(folder, "BOOKING") == at_navan(navan, "BOOKING")


def test_replacing_without_a_full_refresh_loses_rows_as_the_page_says(folder: Path) -> None:
    assert BOTH in ANEW
    alone = ANEW.replace(BOTH, 'write_strategy="replace"')
    with sandbox(bookings=130, transactions=5, users=30, odd=False) as navan:
        read(navan, folder)
        navan.insert("BOOKING", 4)
        navan.post("clock", {"advance_s": 3600})
        read(navan, folder, alone)
        assert len(keys(folder, "BOOKING")) < len(at_navan(navan, "BOOKING")) / 2


def test_transactions_anew_lose_what_is_past_the_retention_as_the_page_says(folder: Path) -> None:
    # The connector believes a clock that is behind its own, and hardly one that is ahead.
    began = f"{TODAY - timedelta(days=100)}T09:00:00Z"
    with sandbox(bookings=5, transactions=40, users=5, odd=False, now=began) as navan:
        read(navan, folder)
        navan.post("clock", {"advance_s": 99 * 86400})
        navan.insert("TRANSACTION", 5, "fees")
        navan.post("clock", {"advance_s": 3600})
        read(navan, folder)
        before = keys(folder, "TRANSACTION")
        assert before == at_navan(navan, "TRANSACTION")
        read(navan, folder, ANEW.replace('["BOOKING", "USER"]', '["TRANSACTION"]'))
        assert 0 < len(keys(folder, "TRANSACTION")) < len(before)


def test_the_function_of_the_orchestrators_goes_on_from_where_it_ended(folder: Path) -> None:
    (folder / "navan_sync.py").write_text(SYNC, encoding="utf-8")
    streams = ["BOOKING", "TRANSACTION", "USER"]
    call = f"from navan_sync import sync\nprint(sync({streams}, 'secrets/navan.duckdb'))"
    with sandbox(bookings=130, transactions=30, users=30, odd=False) as navan:
        given = {
            "NAVAN_CLIENT_ID": navan.client_id,
            "NAVAN_CLIENT_SECRET": navan.client_secret,
            "NAVAN_API_URL": navan.url,
        }
        everything = sum(len(at_navan(navan, stream)) for stream in streams)
        assert int(run(call, folder, **given)) == everything
        navan.insert("BOOKING", 4)
        navan.post("clock", {"advance_s": 3600})
        assert int(run(call, folder, **given)) < everything / 2
        for stream in streams:
            assert keys(folder, stream) == at_navan(navan, stream)


def calls(code: str) -> list[tuple[list[Any], dict[str, Any]]]:
    """What `sync` is called with in a recipe."""
    found = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    return [
        (
            [ast.literal_eval(word) for word in call.args],
            {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg},
        )
        for call in found
        if isinstance(call.func, ast.Name) and call.func.id == "sync"
    ]


@pytest.mark.parametrize("recipe", [AIRFLOW, DAGSTER], ids=["airflow", "dagster"])
def test_a_recipe_is_python_and_calls_the_function_as_it_is(recipe: str) -> None:
    compile(recipe, "recipe.py", "exec")
    (function,) = (node for node in ast.parse(SYNC).body if isinstance(node, ast.FunctionDef) and node.name == "sync")
    scope: dict[str, Any] = {}
    exec(compile(ast.Module([function], []), "navan_sync.py", "exec"), scope)
    made = calls(recipe)
    assert len(made) == 2
    for words, named in made:
        given = inspect.signature(scope["sync"]).bind(*words, **named).arguments
        schemas = [ROOT / "schemas" / f"{stream.lower()}.json" for stream in given["streams"]]
        assert all(schema.exists() for schema in schemas), given["streams"]

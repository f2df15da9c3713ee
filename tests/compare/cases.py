"""All cases. A case is a name and what is done with a side; to add one, put it into a list of `cases_*.py`."""

from __future__ import annotations

from cases_files import FILES
from cases_sandbox import SANDBOX
from cases_server import SERVER
from side import Case

CASES: list[Case] = [*FILES, *SANDBOX, *SERVER]

assert len({case.name for case in CASES}) == len(CASES), "two cases have one name"

"""What stands in the docs, as somebody who copies it gets it."""

from __future__ import annotations

import re

from settings import ROOT


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in a language, of a page of the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)

"""What of a run is compared: its lines, sorted by what they are, with that masked which no two runs have in common."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass

from navan import HOUR
from side import How, Run

# The time at which a record was emitted, where it stands in a line and nowhere else.
RECORD = re.compile(
    r'(\{"type":"RECORD","record":\{(?:"namespace":"(?:[^"\\]|\\.)*",)?"stream":"[A-Z]+","emitted_at":)\d{13}(,"data":\{)'
)
TRACE_TIME = re.compile(r'("trace":\{"type":"[A-Z_]+","emitted_at":)\d{13}\.0(,)')
QUOTA_TIME = re.compile(r'("quota_reset":)\d{13}(\})')
STREAM = re.compile(r'"name":"([A-Z]+)"')
LOG = re.compile(r'\{"type":"LOG","log":\{"level":"([A-Z]+)","message":"(?:[^"\\]|\\.)*"\}\}')
STATE = re.compile(r'\{"type":"STATE",')
COUNT = re.compile(r'("recordCount":)(\d+)(?=\.0)')

# In the log line of a request.
REQUEST = '{"correlation_id":"'
ID_AND_MS = re.compile(r'("correlation_id":")[0-9a-f-]{36}(")|("ms":)\d+(,)')
# In the summary.
SUMMARY = '{"command":"'
SECONDS = re.compile(
    r'("seconds":)[\d.]+()|("limit":)[\d.]+()|("backoff":)[\d.]+()|("breaker":)[\d.]+()'
    r'|("p50":)\d+()|("p95":)\d+()|("max":)\d+()|("share_of_limit_used":)[\d.]+()'
)
STATES = re.compile(r'("states":)\d+()')

# Which statuses an endpoint gave is luck where it is luck which requests a fault hits.
STATUSES = re.compile(r'\{"(?:\d{3}|none)":\d+(?:,"(?:\d{3}|none)":\d+)*\}')
# The name of a member, which stays; a text, a number, a word.
VALUE = re.compile(r'("(?:[^"\\]|\\.)*":)|"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false')
NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Where files and servers are for this run.
FOLDER = re.compile(r"/[^\s\"'`]*/source-navan-run-\w+")
ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
# The program, as it was started.
USAGE = re.compile(r"(?<=Usage: )\S+|(?<=error: ')\S+(?=' requires)")
BEGINNING = re.compile(re.escape(HOUR) + r":\d\d:\d\d(?:\.\d+)?Z")
# What is always written in one order.
IN_ORDER = ("STATE", "SPEC", "CATALOG", "CONNECTION_STATUS", "summary", "other lines")


@dataclass(frozen=True)
class Lines:
    """What is compared at once."""

    lines: list[str]
    ordered: bool = True


def view(run: Run) -> dict[str, Lines]:
    """All that is compared of a run, by name."""
    output, how = run.output, run.how
    found: dict[str, list[str]] = defaultdict(list)
    for line in output.lines:
        _sort(line, how, found)
    seen = {
        "exit code": Lines([str(output.exit_code)]),
        "stderr": Lines(_placeless(output.stderr).splitlines()),
    }
    for name, lines in found.items():
        ordered = name.startswith(IN_ORDER) or _is_sequence(name, how)
        if how.distinct and name == "RECORD" or how.timed and not ordered and name != "RECORD":
            lines = list(dict.fromkeys(lines))
        seen[name] = Lines(lines, ordered)
    return seen | _states(found, how)


def _is_sequence(name: str, how: How) -> bool:
    return how.one_at_a_time and not how.timed and name.startswith(("TRACE", "request"))


def _sort(line: str, how: How, found: dict[str, list[str]]) -> None:
    """Puts a line, masked, where it is compared."""
    if line.startswith('{"type":"RECORD",'):
        line = RECORD.sub(_masked, line, count=1)
        # Where rows move, those that come take their times from the rows beside them.
        found["RECORD"].append(NUMBER.sub("0", line) if how.distinct else line)
    elif STATE.match(line):
        found[f"STATE of {_stream(line)}"].append(_placeless(line))
    elif line.startswith('{"type":"TRACE",'):
        found[f"TRACE of {_stream(line)}"].append(_trace(line, how))
    elif (log := LOG.fullmatch(line)) is not None:
        _sort_log(log[1], json.loads(line)["log"]["message"], how, found)
    else:
        kind = re.match(r'\{"type":"(SPEC|CATALOG|CONNECTION_STATUS)",', line)
        found[kind[1] if kind else "other lines"].append(_placeless(line))


def _sort_log(level: str, text: str, how: How, found: dict[str, list[str]]) -> None:
    if level == "DEBUG" and text.startswith(REQUEST):
        masked = ID_AND_MS.sub(_masked, text)
        endpoint = json.loads(text).get("endpoint")
        found[f"requests to {endpoint}"].append(_names(masked) if how.timed else masked)
    elif level == "INFO" and text.startswith(SUMMARY):
        masked = SECONDS.sub(_masked, text)
        if how.timed:
            masked = _names(STATUSES.sub("{}", masked))
        elif not how.one_at_a_time:
            masked = STATES.sub(_masked, masked)
        found["summary"].append(masked)
    else:
        text = _placeless(text)
        exact = how.one_at_a_time and not how.timed
        found["log"].append(f"{level} {text if exact else NUMBER.sub('0', text)}")


def _trace(line: str, how: How) -> str:
    line = QUOTA_TIME.sub(_masked, TRACE_TIME.sub(_masked, _placeless(line)))
    loose = how.timed or not how.one_at_a_time and '"ESTIMATE"' in line
    return NUMBER.sub("0", line) if loose else line


def _states(found: dict[str, list[str]], how: How) -> dict[str, Lines]:
    """States in their order, where that is determined, else the last; and how many records they count."""
    seen = {}
    for name, lines in found.items():
        if not name.startswith("STATE"):
            continue
        total = sum(int(count[2]) for line in lines for count in COUNT.finditer(line))
        if not how.one_at_a_time:
            lines = [COUNT.sub(r"\1_", lines[-1])]
        if how.timed:
            lines = [BEGINNING.sub("<the beginning>", line) for line in lines]
        seen[name] = Lines(lines)
        if not how.distinct:
            seen[f"{name}, records counted"] = Lines([str(total)])
    return seen


def _stream(line: str) -> str:
    stream = STREAM.search(line)
    return stream[1] if stream else "all"


def _placeless(text: str) -> str:
    return USAGE.sub("<program>", ADDRESS.sub("<address>", FOLDER.sub("<folder>", text)))


def _names(text: str) -> str:
    """JSON with the names of its members and without their values, but for null."""
    return VALUE.sub(lambda match: match[1] or "_", text)


def _masked(match: re.Match[str]) -> str:
    """What stood around the masked part, which is the only group pair that matched."""
    before, after = (group for group in match.groups() if group is not None)
    return f"{before}_{after}"

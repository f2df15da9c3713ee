"""Rows that the sandbox would never send, by what is odd about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from navan import TODAY

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ("BOOKING", "TRANSACTION", "USER")
# What a row needs: its key, and the time by which its stream is read.
NEEDED = {
    "BOOKING": '"uuid":"b%d","created":"2024-11-21T10:00:00Z","lastModified":"2024-11-21T10:00:00Z"',
    "TRANSACTION": '"id":"t%d","modified_timestamp":"2024-11-21T10:00:00Z"',
    "USER": '"id":"u%d"',
}
KEYS = {"BOOKING": "uuid", "TRANSACTION": "id", "USER": "id"}
TIMES = {"BOOKING": "created", "TRANSACTION": "modified_timestamp", "USER": "updated"}

Rows = dict[str, list[bytes]]


def _with(*members: str) -> Rows:
    """Rows of each stream with these members besides the needed ones, before and after them."""
    rows: Rows = {}
    for stream, needed in NEEDED.items():
        number = count()
        one = [f"{{{needed % next(number)},{member}}}" for member in members]
        other = [f"{{{member},{needed % next(number)}}}" for member in members]
        rows[stream] = [row.encode() for row in one + other]
    return rows


def _spaced() -> Rows:
    """White space between tokens, in each of the places where it may stand, beside rows without any."""
    rows: Rows = {stream: [] for stream in STREAMS}
    spaces = ["", " ", "\n", "\r\n", "\t", "\r", " \n\t\r ", "\n" * 40]
    for stream, needed in NEEDED.items():
        for number, space in enumerate(spaces * 2):
            text = (
                f'{{{needed % number},"emails":[1,[ ],{{ }},{{"a b\\n":" x  y "}}],"name":{{"familyName":" \\" {{ "}}}}'
            )
            parts: list[str] = []
            inside = escaped = False
            for character in text:
                if not inside and character in "{}[],:":
                    parts += [space, character, space]
                else:
                    parts.append(character)
                inside ^= character == '"' and not escaped
                escaped = character == "\\" and not escaped
            rows[stream].append("".join(parts).strip().encode())
    return rows


def _keyed() -> Rows:
    """Keys that are missing, null, of another type, empty or strange; and the same ones twice."""
    keys = [
        "null",
        "7",
        "7.0",
        "true",
        '""',
        '" "',
        '"\\u0061"',
        '"a"',
        "[]",
        "{}",
        '["a"]',
        '"\u2028"',
        '"a\\"b"',
        '"a\\\\"',
    ]
    keys += ['"' + "x" * 5000 + '"', '"é"', '"\\u00e9"']
    rows: Rows = {}
    for stream in STREAMS:
        key, at = KEYS[stream], f'"{TIMES[stream]}":"2024-11-21T10:00:00Z"'
        texts = [f'{{"{key}":{value},{at},"n":{number % 3}}}' for number, value in enumerate(keys + keys)]
        texts += [
            f"{{{at}}}",
            f'{{{at},"n":1}}',
            "{}",
            "{ }",
            f'{{"{key}":"x","{key}":"y",{at}}}',
            f'{{"{key}":"z","{key}":null,{at}}}',
        ]
        texts += [f'{{"\\u0069d":"escaped","u\\u0075id":"escaped",{at}}}']
        rows[stream] = [text.encode() for text in texts]
    return rows


def _timed() -> Rows:
    """Times at the edges of what is read, beyond them, in the future, and none that can be read."""
    times = [
        "2024-11-19T23:59:59.999Z",
        "2024-11-20T00:00:00Z",
        "2024-11-20T00:00:00.000",
        "2024-11-20T01:00:00+01:00",
        "2024-11-20T00:59:59+01:00",
        "2024-11-22T09:00:00Z",
        "2024-11-22T09:00:00.000000Z",
        "2024-11-22T09:00:00.001Z",
        "2024-11-22T08:59:59.999999999Z",
        "2024-11-22T10:00:00+01:00",
        "2024-11-22T10:00:01+01:00",
        "2024-11-22T09:00:01",
        "2099-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "+10000-01-01T00:00:00Z",
        "2024-11-21",
        "2024-11-21 10:00:00",
        "2024-11-21t10:00:00z",
        "2024-11-21T10:00Z",
        "2024-11-21T10:00:60Z",
        "2024-11-31T10:00:00Z",
        "2024-11-21T10:00:00 Z",
        "2024-11-21T10:00:00-00:00",
        "2024-11-21T10:00:00+0100",
        "soon",
        "",
    ]
    values = [f'"{time}"' for time in times]
    values += ["null", "1732183200", "1732183200.5", "true", "[]", "{}", '"2024\\u002d11-21T10:00:00Z"']
    rows: Rows = {}
    for stream in STREAMS:
        key, at = KEYS[stream], TIMES[stream]
        texts = [f'{{"{key}":"k{number}","{at}":{value}}}' for number, value in enumerate(values)]
        texts += [
            f'{{"{key}":"none"}}',
            f'{{"{key}":"twice","{at}":"2024-11-21T10:00:00Z","{at}":"2099-01-01T00:00:00Z"}}',
        ]
        texts += [f'{{"{key}":"twice, null last","{at}":"2099-01-01T00:00:00Z","{at}":null}}']
        rows[stream] = [text.encode() for text in texts]
    return rows


def _two_forms() -> Rows:
    """What is known to come in two forms, in each form that might come."""
    lists = [
        '""',
        '" "',
        "[]",
        "[ ]",
        '["a"]',
        '"a"',
        "null",
        "{}",
        "0",
        "true",
        '[""]',
        "[null]",
        '[1,{"a":[]}]',
        '"\\u0020"',
    ]
    words = ["true", "false", '"true"', '"Yes"', '""', "null", "1", "0.0", "[]", "{}", '"\\u0074rue"']
    days = [
        "2024-11-21T10:00:00Z",
        "2024-11-21T10:00:00",
        "2024-11-21 10:00:00",
        "2024-11-21T",
        "2024-11-21",
        "2024-11-21X10:00",
    ]
    days += [
        "2024-13-41T99:99:99Z",
        "2024-1-2T00:00:00",
        "21.11.2024",
        "",
        " 2024-11-21T10:00:00Z",
        "2024-11-21T10:00:00+14:00",
    ]
    days += [
        "2024-11-21\\u0054",
        "\\u0032024-11-21T10:00:00Z",
        "2024-11-21T\u2028",
        "2024-11-21é",
        "２０２４-11-21T10",
        "2024-11-21T\\n",
    ]
    dates = [f'"{day}"' for day in days] + ["null", "true", "20241121", "[]", "{}"]
    forms = {
        "outOfPolicyViolations": lists,
        "outOfPolicyViolationTypes": lists,
        "domestic": words,
        "flight": words,
        "preferredVendor": words,
        "corporateDiscountUsed": words,
        "startDate": dates,
        "endDate": dates,
        "cancelledAt": dates,
    }
    members = [f'"{name}":{value}' for name, values in forms.items() for value in values]
    members += [f'"{name}" : {value} ' for name, values in forms.items() for value in values]
    # Several edits in one row, the same field twice, and the names where they mean nothing.
    members.append(
        '"startDate":"2024-11-21T10:00:00Z","flight":true,"outOfPolicyViolations":"","endDate":"2024-11-22T00:00:00"'
    )
    members.append('"flight":true,"flight":false,"flight":"no","outOfPolicyViolations":"","outOfPolicyViolations":""')
    members.append('"origin":{"flight":true,"startDate":"2024-11-21T10:00:00Z"},"new":{"outOfPolicyViolations":""}')
    members.append('"\\u0066light":true,"start\\u0044ate":"2024-11-21T10:00:00Z","Flight":true,"flight ":true')
    rows = _with(*members)
    return {"BOOKING": rows["BOOKING"], "TRANSACTION": rows["TRANSACTION"][:20], "USER": rows["USER"][:20]}


def _mistyped() -> Rows:
    """Types that no schema has, at each depth."""
    values = [
        "null",
        "true",
        "7",
        "-0.5e3",
        '"x"',
        '""',
        "[]",
        "{}",
        "[null]",
        "[[]]",
        '[{"a":1}]',
        '{"a":[]}',
        '"2024-11-21"',
        '"2024-11-21T10:00:00"',
    ]
    rows: Rows = {}
    for stream in STREAMS:
        number = count()
        texts = [
            f"{{{NEEDED[stream] % next(number)},{place.replace('@', value)}}}"
            for place in _places(schema(stream), [])
            for value in values
        ]
        rows[stream] = [text.encode() for text in texts]
    return rows


def _places(schema: dict[str, Any], above: list[str]) -> Iterator[str]:
    """A member for each place of a schema, with @ for the value; of places much alike below the top, a few."""
    for name, below in list(schema.get("properties", {}).items())[: None if not above else 6]:
        here = [*above, f'{{"{name}":']
        place = "".join(here)[1:] + "@" + "}" * len(above)
        if name not in (*KEYS.values(), *TIMES.values()):
            yield place
            if items := below.get("items"):
                yield place.replace("@", "[@]")
                yield place.replace("@", "[{},@,null]")
                for deeper in _places(items, []) if not above else ():
                    yield place.replace("@", f"[{{{deeper}}}]")
                for other in list(items.get("properties", {}))[:6]:
                    yield place.replace("@", f'[{{"{other}":@}}]')
            yield from _places(below, here)


def schema(stream: str) -> dict[str, Any]:
    """A stream's schema."""
    return json.loads((ROOT / "schemas" / f"{stream.lower()}.json").read_text(encoding="utf-8"))


def _versions() -> Rows:
    """One key several times, with an earlier, the same, a later, no, and an unreadable time."""
    times = ["10:00:00", "09:00:00", "10:00:00", "11:00:00", "10:30:00", "11:00:00.001"]
    values = [f'"{TODAY[:8]}21T{time}Z"' for time in times] + ["null", '"soon"', f'"{TODAY}T08:00:00Z"', "null"]
    rows: Rows = {}
    for stream in STREAMS:
        key, at = KEYS[stream], TIMES[stream]
        texts = [f'{{"{key}":"same","n":{number},"{at}":{value}}}' for number, value in enumerate(values)]
        texts += [f'{{"{key}":"other","n":{number}}}' for number in range(3)]
        rows[stream] = [text.encode() for text in texts]
    return rows


NUMBERS = [
    "0",
    "-0",
    "0.0",
    "-0.0",
    "1e0",
    "1E+0",
    "1e-0",
    "1.10",
    "1.0E-7",
    "0.1e1",
    "123456789012345678901234567890.123456789",
    "1e400",
    "-1e-400",
    "1e999999",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "3.141592653589793238462643383279502884197",
] + ["9" * 40, "-" + "1234567890" * 4, "0." + "0" * 60 + "1"]
TEXTS = [
    '"\u0085"',
    '"\u2028"',
    '"\u2029"',
    '"a\u0085b\u2028\u2029c"',
    '"\\u0085\\u2028"',
    '"\u2028\\"\u2029\\\\"',
    '"\u2027\u202a\u0084\u0086"',
    '"\\n\\r\\t\\b\\f\\/"',
    '"\\u000a"',
    '"\x7f"',
    '"\u00a0\u200b\ufeff"',
    '"\U0001f600"',
    '"\\ud83d\\ude00"',
    '"\\u0000"',
    '"日本語 é"',
    '"\\\\"',
    '"\\\\\\""',
    '"{\\"a\\":[1,2"',
    '"],}"',
    '"//"',
    '"' + "y" * 70_000 + '"',
    '"' + "\u2028" * 300 + '"',
]
NESTED = ["[" * depth + "]" * depth for depth in (1, 64, 127, 128, 129)]
NESTED += ['{"a":' * depth + "1" + "}" * depth for depth in (64, 127, 128, 200)]

ODD: dict[str, Callable[[], Rows]] = {
    "line breaks of Unicode, and other characters": lambda: _with(
        *(f'"note":{text}' for text in TEXTS), *(f'{text}:1,"name":\n{{"a":{text}}}' for text in TEXTS)
    ),
    "white space between tokens": _spaced,
    "escapes in names": lambda: _with(
        '"\\u0066light":1',
        '"a\\"b":1',
        '"a\\\\":{"\\"":[]}',
        '"\\u2028":1',
        '"":1',
        '"\\ud83d\\ude00":null',
        '"{":"}"',
        '"name\\u0000":1',
    ),
    "numbers": lambda: _with(
        *(f'"grandTotal":{number},"billing_amount":{number},"new":[{number}]' for number in NUMBERS)
    ),
    "keys that come twice": lambda: _with(
        '"a":1,"a":2', '"name":{},"name":null,"name":7', '"origin":{"city":1,"city":"x"}', '"seats":[],"seats":""'
    ),
    "nulls": lambda: _with(
        '"a":null',
        '"name":null,"origin":null,"segments":null,"seats":[null],"emails":[null]',
        '"segments":[{"departure":null}],"line_items":[null]',
    ),
    "fields in two forms": _two_forms,
    "types at depth": _mistyped,
    "depth": lambda: _with(
        *(f'"new":{value}' for value in NESTED), *(f'"segments":{value},"name":{value}' for value in NESTED)
    ),
    "primary keys": _keyed,
    "times": _timed,
    "versions of one row": _versions,
}

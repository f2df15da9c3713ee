"""Pages that are wrong, and some that only look so."""

from __future__ import annotations

from collections.abc import Callable

# What is wrong with a page: in the place of one of its rows, or with the whole of it.
BAD_ROWS = {
    "a raw control character": b'{"id":"a\x01b"}',
    "a raw line break in a text": b'{"id":"a\nb"}',
    "bytes that are no UTF-8": b'{"id":"a\xff\xfe"}',
    "a character cut in two": b'{"id":"a\xe2\x80"}',
    "half of a surrogate pair as bytes": b'{"id":"\xed\xa0\xbd"}',
    "half of a surrogate pair as an escape": b'{"id":"\\ud83d"}',
    "NaN": b'{"id":"a","n":NaN}',
    "a number with a zero before it": b'{"id":"a","n":01}',
    "a number without digits after the point": b'{"id":"a","n":1.}',
    "a number with a plus": b'{"id":"a","n":+1}',
    "an unknown escape": b'{"id":"\\x"}',
    "a short escape": b'{"id":"\\u12"}',
    "no colon": b'{"id" "a"}',
    "a comma too many": b'{"id":"a",}',
    "a name without quotes": b'{id:"a"}',
    "single quotes": b"{'id':'a'}",
    "a comment": b'{"id":"a"/* b */}',
    "a row that is a number": b"7",
    "a row that is null": b"null",
    "a row that is a text": b'"{"',
    "a row that is an array": b"[{}]",
    "no row between two commas": b"",
    "a row 2000 deep": b'{"id":"a","n":' + b"[" * 2000 + b"]" * 2000 + b"}",
    "a known field 2000 deep": b'{"id":"a","segments":' + b'[{"segments":' * 1000 + b"1" + b"}]" * 1000 + b"}",
    "a row 2000 deep that does not end": b'{"id":"a","n":' + b"[" * 2000,
    "another space than JSON's": b'{"id":\xc2\xa0"a"}',
    "a form feed between tokens": b'{"id":\x0c"a"}',
}
BAD_PAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda page: b"",
    "white space": lambda page: b" \n",
    "half of it": lambda page: page[: len(page) // 2],
    "all but the last byte": lambda page: page[:-1],
    "something after it": lambda page: page + b"x",
    "white space around it": lambda page: b" \r\n" + page + b"\n\n",
    "itself again": lambda page: page + page,
    "a zero byte after it": lambda page: page + b"\0",
    "a byte order mark": lambda page: b"\xef\xbb\xbf" + page,
    "UTF-16": lambda page: page.decode().encode("utf-16"),
    "HTML": lambda page: b"<html><body>502</body></html>",
    "null": lambda page: b"null",
    "an array": lambda page: b"[" + page + b"]",
    "an empty object": lambda page: b"{}",
    "no rows": lambda page: _renamed(page, b"data", b"content"),
    "rows that are null": lambda page: page.replace(b":[", b':null,"x":[', 1),
    "rows that are an object": lambda page: page.replace(b":[", b':{},"x":[', 1),
    "rows that come twice": lambda page: b"{" + page[1:-1] + b"," + page[1:],
    "rows under an escaped name": lambda page: page.replace(b'"data"', b'"d\\u0061ta"').replace(
        b'"content"', b'"c\\u006fntent"'
    ),
    "no page": lambda page: page.replace(b'"page":', b'"pages":'),
    "a page that is null": lambda page: page.replace(b'"page":{', b'"page":null,"x":{'),
    "a page twice": lambda page: page[:-1] + b',"page":{},"has_next":true}',
    "a total that is a text": lambda page: page.replace(b'"totalElements": ', b'"totalElements": "1","x":').replace(
        b"null,", b"7,"
    ),
    "a total below zero": lambda page: page.replace(b'"totalElements": ', b'"totalElements": -'),
    "a total with a fraction": lambda page: page.replace(b'"totalElements": ', b'"totalElements": 0.'),
    "no total": lambda page: page.replace(b"totalElements", b"elements").replace(b"totalPages", b"pages"),
    "a cursor that is a number": lambda page: page.replace(b'"next_cursor":null', b'"next_cursor":1'),
    "a sign of more that is a text": lambda page: page.replace(b'"has_next":false', b'"has_next":"no"'),
    "a new member 2000 deep": lambda page: page[:-1] + b',"new":' + b"[" * 2000 + b"]" * 2000 + b"}",
    "all kinds of new members": lambda page: page[:-1] + b',"new":{"data":[],"a":"\xe2\x80\xa8","":1e999},"":null}',
}


def _renamed(page: bytes, *names: bytes) -> bytes:
    for name in names:
        page = page.replace(b'"%s"' % name, b'"rows"')
    return page

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environment.downloads import (
    Head,
    Headers,
    KeptAnswer,
    Part,
    Request,
    answer,
    end_to_end,
    is_package,
    lifetime,
    read_request,
    to_evict,
)
from bot.core.operations.isolation import Refusal

HOST = ("host", "registry.example")
WHEEL = "/files/package-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("cache-control", "public, immutable, max-age=31557600")], 31_536_000),
        ([("cache-control", "max-age=365000000, immutable, public")], 31_536_000),
        ([("cache-control", "IMMUTABLE")], 31_536_000),
        ([("cache-control", "max-age=86400")], 86_400),
        ([("cache-control", "max-age=86400"), ("age", "400")], 86_000),
        ([("cache-control", "max-age=86400"), ("age", "86400")], None),
        ([("cache-control", "public"), ("cache-control", 'max-age="172800"')], 172_800),
        ([("cache-control", "max-age=99999999999")], None),
        ([("cache-control", "max-age=86399")], 300),
        ([("cache-control", "max-age=600, public")], 300),
        ([("cache-control", "max-age=600"), ("age", "590")], 10),
        ([("cache-control", "max-age=60")], 60),
        ([("cache-control", "max-age=0")], None),
        ([("cache-control", "max-age=-1")], None),
        ([("cache-control", "max-age=soon")], None),
        ([("cache-control", "s-maxage=0, max-age=86400")], None),
        ([("cache-control", "s-maxage=86400")], 86_400),
        ([("cache-control", "immutable, no-store")], None),
        ([("cache-control", "max-age=86400, private")], None),
        ([("cache-control", "max-age=86400, no-cache")], None),
        ([("cache-control", "public")], None),
        ([("cache-control", "immutable"), ("set-cookie", "session=1")], None),
        ([("cache-control", "immutable"), ("vary", "*")], None),
        ([("cache-control", "immutable"), ("vary", "Accept, Cookie")], 31_536_000),
        ([("cache-control", "immutable"), ("x-long", "a" * 16_384)], None),
        ([], 86_400),
        ([("expires", "Thu, 01 Jan 2099 00:00:00 GMT")], None),
        ([("pragma", "no-cache")], None),
    ],
)
def test_how_long_an_answer_is_kept(headers: list[tuple[str, str]], seconds: float | None) -> None:
    assert lifetime(Head(200, (*headers, ("content-length", "7"))), WHEEL) == seconds


@pytest.mark.parametrize("status", [100, 201, 203, 204, 206, 301, 302, 304, 404, 410, 500, 503])
def test_only_a_whole_answer_is_kept(status: int) -> None:
    assert lifetime(Head(status, (("cache-control", "immutable"), ("content-length", "7"))), WHEEL) is None


@pytest.mark.parametrize(
    ("framing", "kept"),
    [
        ((("content-length", "7"),), True),
        ((("transfer-encoding", "chunked"),), True),
        ((("content-length", "seven"),), False),
        ((("content-length", "7, 8"),), False),
        ((("content-length", "²"),), False),
        ((), False),
    ],
)
def test_an_answer_that_may_be_cut_unseen_is_not_kept(framing: Headers, *, kept: bool) -> None:
    assert (lifetime(Head(200, (*framing, ("cache-control", "immutable"))), WHEEL) is not None) is kept


@pytest.mark.parametrize(
    ("target", "package"),
    [
        (WHEEL, True),
        (f"{WHEEL}.metadata", True),
        ("/chalk/-/chalk-6.0.1.tgz", True),
        ("/@scope%2fname/-/name-1.2.3.tgz?x=y", True),
        ("/crates/serde/serde-1.0.0.crate", True),
        ("/gems/rake-13.0.gem", True),
        ("/org/a/1.0/a-1.0.jar", True),
        ("/a/@v/v1.2.3.mod", True),
        ("/pkg-1.0.TAR.GZ", True),
        ("/simple/requests/", False),
        ("/chalk", False),
        ("/chalk?file=chalk-6.0.1.tgz", False),
        ("/downloads/tool.zip", False),
        ("/v1/tool.zip", False),
        ("/tool-latest-1.zip", False),
        ("/a/1.0-SNAPSHOT/a-1.0-SNAPSHOT.jar", False),
        ("/owner/name/archive/refs/heads/v1.zip", False),
        ("", False),
    ],
)
def test_what_has_the_name_of_a_package(target: str, *, package: bool) -> None:
    assert is_package(target) is package


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", WHEEL, [HOST], 0),
        ("HEAD", WHEEL, [HOST], 0),
        ("GET", "/", [("host", "REGISTRY.example:443")], 0),
        ("GET", "/@scope%2fname?a=b&c=[d]", [HOST], 0),
        ("GET", "/", [HOST, ("content-length", "0")], 0),
        ("POST", "/owner/name.git/git-upload-pack", [HOST, ("content-length", "5")], 0),
        ("GET", WHEEL, [("host", "evil.example")], 421),
        ("GET", WHEEL, [("host", "registry.example:80")], 421),
        ("GET", WHEEL, [("host", "registry.example.")], 421),
        ("GET", WHEEL, [("host", "user@registry.example")], 421),
        ("GET", WHEEL, [HOST, HOST], 421),
        ("GET", WHEEL, [HOST, ("host", "evil.example")], 421),
        ("GET", WHEEL, [], 421),
        ("GET", "https://evil.example/a.whl", [HOST], 400),
        ("GET", "https://registry.example/a.whl", [HOST], 400),
        ("GET", "evil.example:443", [HOST], 400),
        ("GET", "*", [HOST], 400),
        ("GET", "", [HOST], 400),
        ("GET", "/a#b", [HOST], 400),
        ("GET", "/a b", [HOST], 400),
        ("GET", "/a\tb", [HOST], 400),
        ("GET", "/\xe9", [HOST], 400),
        ("GET", "/" + "a" * 8001, [HOST], 400),
        ("GET", WHEEL, [HOST, ("content-length", "5")], 400),
        ("GET", WHEEL, [HOST, ("content-length", "0"), ("content-length", "5")], 400),
        ("GET", WHEEL, [HOST, ("transfer-encoding", "chunked")], 400),
        ("HEAD", WHEEL, [HOST, ("transfer-encoding", "identity")], 400),
        ("POST", "/-/npm/v1/security/audits", [HOST], 405),
        ("POST", "/owner/name.git/git-receive-pack", [HOST], 405),
        ("POST", "/upload?x=/git-upload-pack", [HOST], 405),
        ("PUT", "/package", [HOST], 405),
        ("DELETE", "/package", [HOST], 405),
        ("PURGE", WHEEL, [HOST], 405),
        ("CONNECT", "/evil", [HOST], 405),
        ("get", WHEEL, [HOST], 405),
    ],
)
def test_what_is_passed_on(method: str, target: str, headers: list[tuple[str, str]], status: int) -> None:
    found = read_request(method, target, tuple(headers), "registry.example")
    assert (found.status if isinstance(found, Refusal) else 0) == status


def test_a_port_of_its_own_has_to_be_named() -> None:
    assert isinstance(read_request("GET", "/", (("host", "mirror.example:8443"),), "mirror.example:8443"), Request)
    for named in ("mirror.example", "mirror.example:443", "mirror.example:8443:443"):
        assert isinstance(read_request("GET", "/", (("host", named),), "mirror.example:8443"), Refusal)
    assert isinstance(read_request("GET", "/", (), "mirror.example:8443"), Refusal)


@pytest.mark.parametrize(
    ("method", "header", "shares", "fills"),
    [
        ("GET", None, True, True),
        ("HEAD", None, True, False),
        ("POST", None, False, False),
        ("GET", ("user-agent", "pip"), True, True),
        ("GET", ("cache-control", "max-age=0"), True, True),
        ("GET", ("cache-control", "no-cache"), False, False),
        ("GET", ("cache-control", "max-age=0, no-store"), False, False),
        ("GET", ("pragma", "no-cache"), False, False),
        ("GET", ("authorization", "Basic eDp5"), False, False),
        ("GET", ("cookie", ""), False, False),
        ("GET", ("range", "bytes=0-9"), True, False),
        ("GET", ("if-none-match", '"a"'), True, False),
        ("GET", ("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT"), True, False),
    ],
)
def test_which_requests_may_share(method: str, header: tuple[str, str] | None, *, shares: bool, fills: bool) -> None:
    request = Request(method, "registry.example", WHEEL, (HOST, *([header] if header else [])))
    assert (request.may_share, request.may_fill) == (shares, fills)


def test_what_shapes_an_answer_is_in_its_key() -> None:
    def asked(*headers: tuple[str, str], target: str = "/", authority: str = "a.example") -> Request:
        return Request("GET", authority, target, headers)

    keys = {
        asked().key,
        asked(authority="b.example").key,
        asked(authority="a.example:8443").key,
        asked(target="/?").key,
        asked(("accept", "text/html")).key,
        asked(("accept-encoding", "text/html")).key,
        asked(("accept", "text/html"), ("accept-encoding", "gzip")).key,
    }
    assert len(keys) == 7
    hostile = asked(("accept", "a"), ("x-forwarded-host", "evil.example"), ("user-agent", "x"), ("range", "bytes=0-1"))
    assert hostile.shared_headers == (("accept", "a"), ("user-agent", "Solvebot"))


def test_what_is_meant_for_one_connection_goes_no_further() -> None:
    headers = (
        ("connection", "close, X-Secret"),
        ("x-secret", "1"),
        ("te", "trailers"),
        ("etag", '"a"'),
        ("upgrade", "h2c"),
    )
    assert end_to_end(headers) == (("etag", '"a"'),)
    kept = Head(200, (("set-cookie", "a=b"), ("age", "5"), ("content-length", "7"), ("content-type", "text/plain")))
    assert kept.to_keep == (("content-type", "text/plain"),)


KEPT: Headers = (("etag", '"abc"'), ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"))


@pytest.mark.parametrize(
    ("headers", "status", "start", "stop"),
    [
        ([], 200, 0, 100),
        ([("range", "bytes=0-9")], 206, 0, 10),
        ([("range", "bytes=0-0")], 206, 0, 1),
        ([("range", "bytes=90-")], 206, 90, 100),
        ([("range", "bytes=90-1000")], 206, 90, 100),
        ([("range", "bytes=-10")], 206, 90, 100),
        ([("range", "bytes=-1000")], 206, 0, 100),
        ([("range", "bytes=0-")], 206, 0, 100),
        ([("range", "bytes=100-")], 416, 0, 0),
        ([("range", "bytes=100-200")], 416, 0, 0),
        ([("range", "bytes=-0")], 416, 0, 0),
        ([("range", "bytes=9-5")], 200, 0, 100),
        ([("range", "bytes=0-1,5-6")], 200, 0, 100),
        ([("range", "bytes=-")], 200, 0, 100),
        ([("range", "lines=0-9")], 200, 0, 100),
        ([("range", "bytes=0-" + "9" * 40)], 200, 0, 100),
        ([("range", "bytes=0-9"), ("if-range", '"abc"')], 206, 0, 10),
        ([("range", "bytes=0-9"), ("if-range", '"other"')], 200, 0, 100),
        ([("if-none-match", '"abc"')], 304, 0, 0),
        ([("if-none-match", '"x", W/"abc"')], 304, 0, 0),
        ([("if-none-match", "*")], 304, 0, 0),
        ([("if-none-match", '"x"')], 200, 0, 100),
        ([("if-none-match", '"x"'), ("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT")], 200, 0, 100),
        ([("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT")], 304, 0, 0),
        ([("if-modified-since", "Fri, 02 Jan 2026 00:00:00 GMT")], 200, 0, 100),
    ],
)
def test_a_kept_file_is_answered(headers: list[tuple[str, str]], status: int, start: int, stop: int) -> None:
    part = answer(Request("GET", "registry.example", "/", tuple(headers)), KEPT, 100, 7.5)
    assert (part.head.status, part.start, part.stop) == (status, start, stop)
    said = dict(part.head.headers)
    if status in (200, 206):
        assert said["content-length"] == str(stop - start)
        assert said["age"] == "7"
    assert said.get("content-range") == {206: f"bytes {start}-{stop - 1}/100", 416: "bytes */100"}.get(status)


def test_nothing_is_known_of_what_has_no_tag() -> None:
    for header in (("if-none-match", ""), ("if-none-match", ","), ("if-modified-since", "")):
        assert answer(Request("GET", "a.example", "/", (header,)), (), 10, 0).head.status == 200


text = st.text(max_size=30)
names = st.sampled_from(
    [
        "host",
        "range",
        "if-range",
        "if-none-match",
        "cache-control",
        "age",
        "vary",
        "connection",
        "content-length",
        "etag",
    ]
)
some_headers = st.lists(st.tuples(names, text | st.sampled_from(["bytes=0-5", "bytes=-3", "immutable"]))).map(tuple)


@given(
    text, text, some_headers, text, some_headers, st.integers(0, 1000), st.floats(allow_nan=False, allow_infinity=False)
)
def test_nothing_that_is_said_breaks_it(
    method: str, target: str, asked: Headers, host: str, said: Headers, size: int, age: float
) -> None:
    read_request(method, target, asked, host)
    lifetime(Head(200, said), target)
    part = answer(Request("GET", host, target, asked), said, size, age)
    assert isinstance(part, Part)
    assert 0 <= part.start <= part.stop <= size


@pytest.mark.parametrize(
    ("limit", "gone"),
    [
        (100, []),
        (60, []),
        (59, ["a"]),
        (40, ["a"]),
        (30, ["a"]),
        (29, ["b", "a"]),
        (9, ["d", "c", "b", "a"]),
        (0, ["d", "c", "b", "a"]),
    ],
)
def test_what_was_not_asked_for_the_longest_goes_first(limit: int, gone: list[str]) -> None:
    """c and d have one body, which takes its place once."""
    kept = [
        KeptAnswer("a", 1, "1", 30),
        KeptAnswer("b", 2, "2", 20),
        KeptAnswer("c", 3, "3", 10),
        KeptAnswer("d", 4, "3", 10),
    ]
    assert to_evict(kept, limit) == gone

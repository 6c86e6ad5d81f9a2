"""No set-up can put anything among the downloads that another one gets: over real TLS, by a real proxy."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from tests.contracts.registry_world import CUT, CUT_IN_PIECES, IMMUTABLE, WHEEL, Page, read_reply, set_ups


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET {wheel} HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.0\r\n\r\n", 421),
        ("GET https://evil.example{wheel} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET https://{host}{wheel} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\nHost: {host}\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\nX: y\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nX: y\n\nGET /evil HTTP/1.1\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nX: y\rZ: z\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nX: \0\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nX : y\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nevil!", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nevil!", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nContent-Length: +0\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevil!\r\n0\r\n\r\n", 400),
        ("GET {wheel} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: x, chunked\r\n\r\n", 400),
        ("GET {wheel}#x HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET {wheel} {wheel} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET {wheel}? HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("POST {wheel} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nevil!", 405),
        ("PUT {wheel} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nevil!", 405),
        ("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET {wheel} HTTP/2.0\r\nHost: {host}\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
    ],
)
async def test_a_request_that_could_mean_something_else_is_refused(request_: str, status: int) -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        reply = await world.say(request_.format(wheel=WHEEL, host=world.registry.host).encode("latin-1"))
        assert (reply.status, reply.headers["connection"]) == (status, "close")
        assert (world.registry.heads, world.kept) == ([], [])
        assert (await world.get(WHEEL, sandbox="two")).body == b"package"


async def test_what_follows_a_refused_request_is_not_read() -> None:
    async with set_ups({"/evil": Page(b"evil")}) as world:
        reader, writer = await world.connect()
        body = f"GET /evil HTTP/1.1\r\nHost: {world.registry.host}\r\n\r\n"
        writer.write(
            f"GET / HTTP/1.1\r\nHost: {world.registry.host}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        assert (await read_reply(reader)).status == 400
        assert await reader.read() == b""
        assert world.registry.heads == []
        writer.close()


async def test_headers_of_one_sandbox_do_not_shape_what_another_gets() -> None:
    hostile = (
        "X-Forwarded-Host: evil.example",
        "X-Original-URL: /evil",
        "User-Agent: evil",
        "Origin: evil",
        "X-HTTP-Method-Override: PUT",
    )
    async with set_ups({WHEEL: Page(b"package")}) as world:
        await world.get(WHEEL, *hostile, "Accept: */*")
        assert world.registry.headers(0) == {"host": world.registry.host, "accept": "*/*", "user-agent": "Solvebot"}


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", None])
async def test_a_tunnel_to_one_host_cannot_be_used_for_another_name(name: str | None) -> None:
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    async with set_ups({WHEEL: Page(b"package")}) as world:
        with pytest.raises(OSError):
            await world.shake_hands(careless, name)
        assert world.stand_in.stands_in("one", "localhost")  # no way to a plain tunnel
        _, writer = await world.shake_hands(careless, "localhost")
        writer.close()
        assert world.registry.heads == []


async def test_no_other_host_is_stood_in_for() -> None:
    async with set_ups({}) as world:
        reader, writer = await asyncio.open_unix_connection(world.sockets["one"])
        writer.write(b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 403 Refused\r\n"
        writer.close()
        assert world.registry.heads == []


async def test_what_is_said_before_the_handshake_is_not_taken_for_said_within() -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        reader, writer = await asyncio.open_unix_connection(world.sockets["one"])
        early = f"GET {WHEEL} HTTP/1.1\r\nHost: {world.registry.host}\r\n\r\n"
        writer.write(f"CONNECT {world.registry.host} HTTP/1.1\r\n\r\n{early}".encode())
        await reader.read()
        writer.close()
        assert (world.registry.heads, world.kept) == ([], [])


# --------------------------------------------------------------------------------------------------- what is not kept


@pytest.mark.parametrize("raw", [CUT, CUT_IN_PIECES])
async def test_a_cut_answer_is_told_and_never_kept(raw: bytes) -> None:
    async with set_ups({WHEEL: Page(raw=raw)}) as world:
        with pytest.raises((asyncio.IncompleteReadError, ValueError, OSError)):
            await world.get(WHEEL)
        assert (world.kept, world.bodies, world.arriving) == ([], [], [])
        world.registry.pages[WHEEL] = Page(b"package")
        assert (await world.get(WHEEL)).body == b"package"


async def test_an_answer_without_an_end_is_passed_on_and_not_kept() -> None:
    raw = b"HTTP/1.1 200 OK\r\nCache-Control: immutable\r\nConnection: close\r\n\r\npackage"
    async with set_ups({WHEEL: Page(raw=raw)}) as world:
        assert [(await world.get(WHEEL)).body for _ in range(2)] == [b"package"] * 2
        assert (len(world.registry.heads), world.kept) == (2, [])


async def test_what_upstream_wants_fresh_and_what_failed_is_asked_for_again() -> None:
    pages = {
        "/private": Page(b"x", ("Cache-Control: max-age=86400, private",)),
        "/cookie": Page(b"x", (IMMUTABLE, "Set-Cookie: a=b")),
        "/moved": Page(b"x", (IMMUTABLE, "Location: /elsewhere"), "302 Found"),
        "/gone": Page(b"x", (IMMUTABLE,), "404 Not Found"),
        "/index": Page(b"x", ()),
    }
    async with set_ups(pages) as world:
        for target in (*pages, *pages):
            assert (await world.get(target)).body == b"x"
        assert (len(world.registry.heads), world.kept) == (10, [])


async def test_a_registry_that_cannot_prove_its_name_is_not_believed() -> None:
    async with set_ups({WHEEL: Page(b"package")}, trusted=False) as world:
        reply = await world.get(WHEEL)
        assert (reply.status, reply.body) == (
            502,
            f"the certificate of {world.registry.host} cannot be trusted\n".encode(),
        )
        assert (world.registry.heads, world.kept) == ([], [])


async def test_a_name_does_not_lead_into_our_network() -> None:
    async with set_ups({WHEEL: Page(b"package")}, allow_private=False) as world:
        reply = await world.get(WHEEL)
        assert (reply.status, reply.body) == (403, b"localhost leads into a private network\n")
        assert world.registry.heads == []


# ---------------------------------------------------------------------------------------------- who does not trust us


async def test_a_tool_that_does_not_trust_us_gets_a_tunnel_of_its_own() -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        its = world.registry.authority.certificate
        with pytest.raises(ssl.SSLCertVerificationError):
            await world.connect(trust=its)
        reader, writer = await world.connect(trust=its)
        writer.write(f"GET {WHEEL} HTTP/1.1\r\nHost: {world.registry.host}\r\nX-Its: own\r\n\r\n".encode())
        assert (await read_reply(reader)).body == b"package"
        writer.close()
        assert world.registry.headers(0)["x-its"] == "own"
        assert world.kept == []
        assert (await world.get(WHEEL, sandbox="two")).body == b"package"
        assert len(world.kept) == 1


async def test_a_tool_that_goes_away_in_silence_does_not_trust_us_unless_another_one_did() -> None:
    """As GnuTLS does, which looks at the certificate after the handshake."""
    async with set_ups({WHEEL: Page(b"package")}) as world:
        await world.get(WHEEL, sandbox="two")
        for sandbox in ("two", "one"):
            _, writer = await world.connect(sandbox)
            writer.close()
        async with asyncio.timeout(20):
            while True:
                if not world.stand_in.stands_in("one", "localhost"):
                    break
                await asyncio.sleep(0.01)
        assert world.stand_in.stands_in("two", "localhost")

from __future__ import annotations

import pytest

from bot.core.operations.isolation import Connect, Fetch, Refusal, address_is_public, read_proxy_request, remedy_for

LIST = ["registry.example", "*.files.example", "mirror.example:8080"]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)",
            "user.max_user_namespaces",
        ),
        ("bwrap: Creating new namespace failed: Operation not permitted", "seccomp"),
        ("bwrap: No permissions to create new namespace, likely because the kernel does not allow it", "seccomp"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "AppArmor"),
        ("bwrap: setting up uid map: Permission denied", "AppArmor"),
        ("bwrap: Unknown option --disable-userns", "0.8"),
        ("/usr/bin/bwrap: bwrap is not installed", "apt install bubblewrap"),
        ("setpriv: failed to execute /usr/bin/bwrap: No such file or directory", "apt install bubblewrap"),
        ("nice: '/usr/bin/bwrap': No such file or directory", "apt install bubblewrap"),
        ("nice: 'setpriv': No such file or directory", "util-linux"),
        ("[Errno 2] No such file or directory: 'unshare'", "util-linux"),
        ("unshare: unshare failed: Operation not permitted", "CAP_SYS_ADMIN"),
        ("something that nobody has seen before", "bwrap --unshare-all"),
        ("", "bwrap --unshare-all"),
    ],
)
def test_remedy(message: str, says: str) -> None:
    assert says in remedy_for(message)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("CONNECT registry.example:443 HTTP/1.1", Connect("registry.example", 443)),
        ("CONNECT REGISTRY.example.:443 HTTP/1.0", Connect("registry.example.", 443)),
        ("CONNECT a.files.example:443 HTTP/1.1", Connect("a.files.example", 443)),
        ("CONNECT a.b.files.example:443 HTTP/1.1", Connect("a.b.files.example", 443)),
        ("CONNECT mirror.example:8080 HTTP/1.1", Connect("mirror.example", 8080)),
        ("CONNECT mirror.example:443 HTTP/1.1", 403),
        ("CONNECT files.example:443 HTTP/1.1", 403),
        ("CONNECT xfiles.example:443 HTTP/1.1", 403),
        ("CONNECT .files.example:443 HTTP/1.1", 403),
        ("CONNECT a..files.example:443 HTTP/1.1", 403),
        ("CONNECT *.files.example:443 HTTP/1.1", 403),
        ("CONNECT a_b.files.example:443 HTTP/1.1", Connect("a_b.files.example", 443)),
        ("CONNECT registry.example.evil:443 HTTP/1.1", 403),
        ("CONNECT evil-registry.example:443 HTTP/1.1", 403),
        ("CONNECT registry.example:22 HTTP/1.1", 403),
        ("CONNECT registry.example:80 HTTP/1.1", 403),
        ("CONNECT user@registry.example:443 HTTP/1.1", Connect("registry.example", 443)),
        ("CONNECT registry.example@evil.example:443 HTTP/1.1", 403),
        ("CONNECT 192.0.2.1:443 HTTP/1.1", 403),
        ("CONNECT [2001:db8::1]:443 HTTP/1.1", 403),
        ("CONNECT [:443 HTTP/1.1", 400),
        ("CONNECT registry.example:99999 HTTP/1.1", 400),
        ("CONNECT :443 HTTP/1.1", 400),
        ("GET https://registry.example/ HTTP/1.1", 400),
        ("GET /local HTTP/1.1", 400),
        ("GET file:///etc/passwd HTTP/1.1", 400),
        ("GET http://registry.example:443/ HTTP/1.1", 403),
        ("GET http://127.0.0.1/ HTTP/1.1", 403),
        ("POST http://registry.example/ HTTP/1.1", 405),
        ("GET http://registry.example/", 400),
        ("\x16\x03\x01", 400),
        ("", 400),
    ],
)
def test_proxy_request(line: str, answer: Connect | int) -> None:
    found = read_proxy_request(f"{line}\r\nHost: whatever\r\n\r\n".encode("latin-1"), LIST)
    assert (found.status if isinstance(found, Refusal) else found) == answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://registry.example/ HTTP/1.1\r\nA: b\nHost: evil.example\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\nA: b\rHost: evil.example\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\nA: b\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\nA: b\x0bc\r\n\r\n",
        b"CONNECT registry.example:443 HTTP/1.1\r\nA: b\x7f\r\n\r\n",
        b"GET http://registry.example/a b HTTP/1.1\r\n\r\n",
        b"GET  http://registry.example/ HTTP/1.1\r\n\r\n",
        b"GET http://registry.example/\ta HTTP/1.1\r\n\r\n",
        b"GET http://registry.example/\xa0 HTTP/1.1\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\n\xa0Host: evil.example\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\nno header\r\n\r\n",
        b"GET http://registry.example/ HTTP/1.1\r\n: evil\r\n\r\n",
        b"GET http://registry.example:0/ HTTP/1.1\r\n\r\n",
    ],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused(head: bytes) -> None:
    found = read_proxy_request(head, LIST)
    assert isinstance(found, Refusal)
    assert found.status == 400


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://registry.example/", b"registry.example"),
        ("http://registry.example:80/", b"registry.example"),
        ("http://user:secret@registry.example/", b"registry.example"),
        ("http://user@mirror.example:8080/", b"mirror.example:8080"),
        ("http://REGISTRY.example/", b"registry.example"),
    ],
)
def test_the_server_reads_the_host_that_was_looked_at(url: str, host: bytes) -> None:
    found = read_proxy_request(f"GET {url} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode(), LIST)
    assert isinstance(found, Fetch)
    assert [line for line in found.head.split(b"\r\n") if line.startswith(b"Host")] == [b"Host: " + host]


def test_no_list_reaches_nothing() -> None:
    assert isinstance(read_proxy_request(b"CONNECT registry.example:443 HTTP/1.1\r\n\r\n", []), Refusal)


def test_a_plain_request_is_passed_on_alone() -> None:
    """One per connection, to the host that was looked at, without what was meant for the proxy."""
    head = (
        b"GET http://registry.example/simple/?a=b HTTP/1.1\r\nHost: evil.example\r\nAccept: */*\r\n"
        b"Connection: keep-alive\r\nProxy-Authorization: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert read_proxy_request(head, LIST) == Fetch(
        "registry.example",
        80,
        b"GET /simple/?a=b HTTP/1.1\r\nHost: registry.example\r\nConnection: close\r\nAccept: */*\r\n\r\n",
    )


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b:1::808:808", False),
        ("fec0::1", False),
        ("::127.0.0.1", False),
        ("::8.8.8.8", False),
        ("::ffff:0:127.0.0.1", False),
        ("2001::1", False),
        ("2001:0:7f00:1::", False),
        ("2001:2::1", False),
        ("2001:20::1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("2001:4860:4860::8888", True),
        ("2002:808:808::1", True),
        ("2002:a00:1::1", False),
        ("2606:4700::5efe:7f00:1", False),
        ("2606:4700::200:5efe:a00:1", False),
        ("2606:4700::5efe:808:808", True),
        ("2606:4700::1111%eth0", False),
        ("100::1", False),
        ("4000::1", False),
        ("192.88.99.1", False),
        ("192.0.0.9", False),
        ("192.0.0.170", False),
        ("::ffff:192.0.0.9", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("240.0.0.1", False),
        ("", False),
        ("registry.example", False),
        ("127.1", False),
    ],
)
def test_address_is_public(address: str, *, public: bool) -> None:
    assert address_is_public(address) is public

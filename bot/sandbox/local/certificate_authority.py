"""A certificate authority that lives and ends with this process, and is trusted in sandboxes only while they set up.

Its key is nowhere but in our memory, so nobody can make certificates that a later sandbox would believe. A sandbox sees
its certificate beside those that the system trusts.
"""

from __future__ import annotations

import os
import ssl
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bot.sandbox.local.spawn import memory_file

_LASTS = timedelta(days=3650)
_LEAF_LASTS = timedelta(days=90)
_LEAF_RENEWED = timedelta(days=30)
_LEAVES = 256  # hosts; with a pattern among the allowed ones a sandbox may think of any number
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class Authority:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Solvebot's downloads")])
        self._certificate = self._sign(
            self._name,
            self._key.public_key(),
            _LASTS,
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_usage(signs_certificates=True), True),
            (x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False),
        )
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._leaves: OrderedDict[str, tuple[datetime, ssl.SSLContext]] = OrderedDict()

    @cached_property
    def bundle(self) -> bytes:
        """PEM: what the system trusts, and us."""
        return _system_bundle() + self.certificate

    @property
    def certificate(self) -> bytes:
        """PEM: ours alone."""
        return self._certificate.public_bytes(Encoding.PEM)

    @cached_property
    def java_bundle(self) -> bytes:
        """We alone, as Java reads it: PKCS #12, without a password."""
        return pkcs12.serialize_java_truststore([pkcs12.PKCS12Certificate(self._certificate, None)], NoEncryption())

    def context(self, host: str) -> ssl.SSLContext:
        """For a server that is `host`, to clients that call it so."""
        now = datetime.now(UTC)
        made, context = self._leaves.pop(host, (None, None))
        if made is None or context is None or now - made > _LEAF_RENEWED:
            made, context = now, self._build(host)
        self._leaves[host] = made, context
        if len(self._leaves) > _LEAVES:
            self._leaves.popitem(last=False)
        return context

    def _build(self, host: str) -> ssl.SSLContext:
        public = self._leaf_key.public_key()
        leaf = self._sign(
            x509.Name([]),
            public,
            _LEAF_LASTS,
            (x509.SubjectAlternativeName([x509.DNSName(host)]), True),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(signs_certificates=False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectKeyIdentifier.from_public_key(public), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False),
        )
        key = self._leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = memory_file(key + leaf.public_bytes(Encoding.PEM))  # the standard library reads keys from files only
        try:
            context.load_cert_chain(f"/proc/self/fd/{file}")
        finally:
            os.close(file)
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = lambda _socket, name, _context: _unless(name == host)
        return context

    def _sign(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        lasts: timedelta,
        *extensions: tuple[x509.ExtensionType, bool],
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + lasts)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256())


def _unless(is_us: bool) -> int | None:
    return None if is_us else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _system_bundle() -> bytes:
    """What this machine trusts: as its environment says, else where distributions keep it."""
    for path in filter(None, (ssl.get_default_verify_paths().cafile, *_SYSTEM_BUNDLES)):
        with suppress(OSError):
            return Path(path).read_bytes().rstrip() + b"\n"
    return b""

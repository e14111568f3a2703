"""The guard of fetching: over TLS, the name is what the certificate is for, though an address is called."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from socialsync.platforms.addresses import is_public
from socialsync.platforms.fetching import NotReached, open_url
from tests.platforms.shelf import open_shelf


def certified(name: str, folder: Path) -> tuple[ssl.SSLContext, httpx.AsyncClient]:
    """A server's side with a certificate for this name, and a client that trusts it."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(file)), trust_env=False)


async def test_the_certificate_is_the_names(tmp_path: Path):
    server, client = certified("localhost", tmp_path)
    async with client as http, open_shelf(server) as shelf:
        url = shelf.put("/a.jpg", b"Hello")
        async with open_url(http, "GET", url, here={shelf.url}) as answer:
            assert await answer.aread() == b"Hello"
            assert answer.url.host in {"127.0.0.1", "::1"}


async def test_a_certificate_of_another_name_is_nobodys(tmp_path: Path):
    server, client = certified("example.org", tmp_path)
    async with client as http, open_shelf(server) as shelf:
        url = shelf.put("/a.jpg", b"Hello")
        with pytest.raises(NotReached):
            async with open_url(http, "GET", url, here={shelf.url}):
                pass
    assert shelf.seen == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("64:ff9b::5db8:d822", True),
        ("::ffff:93.184.216.34", True),
        ("198.18.0.1", False),
        ("192.88.99.1", False),
        ("fec0::1", False),
        ("2001:db8::1", False),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_public_is_what_anybody_can_reach(address: str, public: bool):
    assert is_public(address) is public

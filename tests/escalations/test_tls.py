"""Mails leave encrypted where the server can, and elsewhere only to a server that proves who it is."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from socialsync.errors import Temporary
from tests.escalations.conftest import Desk
from tests.escalations.post_office import PostOffice, serving

ELSEWHERE = "127.1"
"""A spelling of this machine that does not show that it is one."""


@pytest.fixture
def snake_oil(tmp_path) -> ssl.SSLContext:
    """A certificate that proves nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def use(desk: Desk, url: str) -> None:
    settings = desk.office.opened.settings.model_copy(update={"smtp_url": SecretStr(url)})
    desk.office.opened = replace(desk.office.opened, settings=settings)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_on_this_machine_gets_it_encrypted_whatever_its_certificate(desk, snake_oil, scheme):
    async with serving(PostOffice(), tls=snake_oil, at_once=scheme == "smtps") as encrypted:
        use(desk, f"{scheme}://127.0.0.1:{encrypted.port}")
        await desk.open()
        assert (await desk.run())["status"] == "sent"
        assert len(encrypted.mails) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_elsewhere_that_does_not_prove_who_it_is_gets_nothing(desk, snake_oil, scheme):
    async with serving(PostOffice(), tls=snake_oil, at_once=scheme == "smtps") as encrypted:
        use(desk, f"{scheme}://me:s3cret@{ELSEWHERE}:{encrypted.port}")
        await desk.open()
        with pytest.raises(Temporary, match="certificate"):
            await desk.run()
        assert encrypted.mails == encrypted.logins == []
        assert "certificate" in (await desk.mail())["error"]

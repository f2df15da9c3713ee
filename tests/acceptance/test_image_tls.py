"""The image trusts those whom its CA certificates vouch for, and nobody else: a sandbox behind TLS shows it."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

import by_hand
from container import Image
from sandbox import sandbox
from settings import ROOT

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CHECK = ("check", "--config", "/secrets/config.json")


async def _relay(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(64 * 1024):
            target.write(chunk)
            await target.drain()
    except (ConnectionError, ssl.SSLError):
        pass  # one side is gone, and the other learns of it below
    finally:
        target.close()


@contextmanager
def tls(address: str, port: int, certificate: trustme.LeafCert) -> Iterator[int]:
    """Speaks TLS at every address, and passes on what it hears to a port of this machine. Gives the new port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_navan, to_navan = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_relay(reader, to_navan), _relay(from_navan, writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, address, 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture(scope="module")
def folder(bridge_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `secrets/`, whose `api_url` is a sandbox behind TLS, and with the CA that vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    by_hand.write(folder / "ca.pem", authority.cert_pem.bytes().decode())
    certificate = authority.issue_cert(bridge_address)
    with sandbox(host=bridge_address) as navan, tls("0.0.0.0", int(navan.url.rsplit(":")[-1]), certificate) as port:
        by_hand.write_secrets(folder / "secrets", **navan.config(api_url=f"https://{bridge_address}:{port}"))
        yield folder


def checked(image: Image, folder: Path) -> tuple[str, str]:
    """The status that `check` tells, and everything it writes."""
    output = image.having("--volume", f"{folder / 'secrets'}:/secrets:ro").run(*CHECK).expect()
    (status,) = output.of_type("CONNECTION_STATUS")
    return status["status"], json.dumps(output.messages)


def test_a_server_that_the_certificates_vouch_for_is_trusted(image: Image, folder: Path) -> None:
    trusting = image.having("--volume", f"{folder / 'ca.pem'}:{BUNDLE}:ro")
    assert checked(trusting, folder)[0] == "SUCCEEDED"


def test_a_server_that_they_do_not_vouch_for_is_not_trusted(image: Image, folder: Path) -> None:
    status, told = checked(image, folder)
    assert status == "FAILED"
    assert "UnknownIssuer" in told


def test_the_certificates_are_those_of_the_build_image(image: Image) -> None:
    first_base = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)[0]
    certificates = image.shell(f"cat {BUNDLE}")
    assert certificates.count("BEGIN CERTIFICATE") > 100
    assert certificates == Image(first_base).shell(f"cat {BUNDLE}")

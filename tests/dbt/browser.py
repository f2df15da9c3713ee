"""Headless Chromium, driven by its DevTools protocol: what a page looks like, and what it asks the network for.

python browser.py report.html report.png --width 400 --dark
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# As root in a container there is no sandbox; and a browser in a test asks nobody for updates.
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
PATIENCE_S = 60


class Page:
    """An open page."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.sent = socket, 0
        # The addresses that were asked for.
        self.requests: list[str] = []
        # What scripts complained of.
        self.errors: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if message.get("id") == self.sent:
                assert "error" not in message, message
                return message["result"]
            self.note(message)

    def note(self, event: dict[str, Any]) -> None:
        """Keeps what is worth knowing of an event."""
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.errors.append(event["params"]["exceptionDetails"]["text"])
        elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.errors.append(event["params"]["entry"]["text"])

    def value(self, script: str) -> Any:
        """What a script gives."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Waits until a script gives something true."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.value(script):
            assert time.monotonic() < deadline, f"{script} did not become true; {self.errors}"
            time.sleep(0.1)

    def resize(self, width: int, height: int) -> None:
        """Makes the window as large as a screen; a phone's is narrower than Chromium's own may be."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str) -> None:
        """Makes the system `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, file: Path, *, height: int | None = None) -> None:
        """Writes a PNG of the page, down to its end or so many pixels."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def opened(file: Path, *, width: int = 1280, height: int = 900, scheme: str = "light") -> Iterator[Page]:
    """A file in a browser of its own."""
    assert CHROMIUM, "no Chromium"
    with tempfile.TemporaryDirectory(prefix="navan-chromium-", ignore_cleanup_errors=True) as own:
        process = subprocess.Popen(
            [CHROMIUM, *OPTIONS, f"--user-data-dir={own}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(address(Path(own)), max_size=None, proxy=None) as socket:
                page = Page(socket)
                for domain in ("Page", "Network", "Runtime", "Log"):
                    page.call(f"{domain}.enable")
                page.resize(width, height)
                page.prefer(scheme)
                page.call("Page.navigate", url=file.absolute().as_uri())
                page.wait_for("document.readyState === 'complete' && location.protocol === 'file:'")
                yield page
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


def address(own: Path) -> str:
    """Where the browser's only page is driven, once it says so."""
    port, deadline = own / "DevToolsActivePort", time.monotonic() + PATIENCE_S
    while not port.exists() or len(port.read_text().splitlines()) < 2:
        assert time.monotonic() < deadline, "Chromium did not start"
        time.sleep(0.1)

    listed = f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json/list"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(listed, timeout=PATIENCE_S) as answer:
        return next(target["webSocketDebuggerUrl"] for target in json.load(answer) if target["type"] == "page")


def main() -> None:
    """Takes a picture of a page."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("page", type=Path)
    options.add_argument("picture", type=Path)
    options.add_argument("--width", type=int, default=1280)
    options.add_argument("--height", type=int, help="leave out what is below so many pixels")
    options.add_argument("--dark", action="store_true")
    given = options.parse_args()
    with opened(given.page, width=given.width, scheme="dark" if given.dark else "light") as page:
        page.wait_for("document.documentElement.dataset.drawn")
        page.picture(given.picture, height=given.height)


if __name__ == "__main__":
    main()

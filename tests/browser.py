"""A real browser for tests: headless Chromium, spoken to over its debugging pipe.

Source: the Chrome DevTools Protocol; messages are JSON, each ended by a zero byte.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--mute-audio")
DEADLINE_SECONDS = 60


class Page:
    """One page of a browser, and all that it did: `events` by the protocol's names."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._buffer = b""
        self._number = 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Network", "Runtime", "Log", "Page"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Do one thing and return what came of it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def open(self, file: Path) -> None:
        """Open `file` as a double-click does, and wait until it is loaded."""
        self.visit(file.as_uri())

    def visit(self, address: str) -> None:
        """Open an address, and wait until its page is loaded."""
        before = len(self.happened("Page.loadEventFired"))
        self.call("Page.navigate", url=address)
        while len(self.happened("Page.loadEventFired")) == before:
            self.events.append(self._read())

    def press(self, *keys: str) -> None:
        """Press keys by their names in JavaScript: `a`, `Enter`, `ArrowLeft`."""
        for key in keys:
            text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def until(self, script: str) -> Any:
        """Wait until some JavaScript is truthy; return what it is."""
        return self.evaluate(
            "new Promise((done) => { const look = () => { const found = ("
            + script
            + "); if (found) done(found); else setTimeout(look, 20); }; look(); })"
        )

    def screenshot(self, file: Path, width: int, height: int, *, dark: bool = False) -> None:
        """Write what is seen in a window of this size as a PNG."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def evaluate(self, script: str) -> Any:
        """Evaluate JavaScript; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def happened(self, method: str) -> list[dict[str, Any]]:
        """What is known of every event of one name."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser is silent"
            chunk = os.read(self._from, 1 << 16)
            assert chunk, "the browser has died"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(line)


@contextmanager
def browse(profile: Path) -> Iterator[Page]:
    """Start a browser that keeps its files in `profile`, and end it."""
    (its_input, to_browser), (from_browser, its_output) = os.pipe(), os.pipe()
    redirect = f'exec "$0" "$@" 3<&{its_input} 4>&{its_output}'  # it reads from 3 and writes to 4
    options = (*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}")
    browser = subprocess.Popen(
        ["bash", "-c", redirect, str(CHROMIUM), *options],
        pass_fds=(its_input, its_output),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_input)
    os.close(its_output)
    try:
        yield Page(to_browser, from_browser)
    finally:
        os.close(to_browser)  # it ends with its input
        os.close(from_browser)
        browser.wait(DEADLINE_SECONDS)

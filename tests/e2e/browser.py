# SPDX-License-Identifier: MIT
"""A headless Chromium that a test can type into, by the DevTools protocol."""

import asyncio
import base64
import http.client
import itertools
import json
import os
import signal
import subprocess
import tempfile

import websockets

import harness


class Browser:
    """A browser with one page. What it says of itself is in its folder's log."""

    def __init__(self, folder, url, size=(900, 700), options=()):
        self.folder = folder
        self.numbers = itertools.count(1)
        self.loop = asyncio.new_event_loop()
        self.socket = None
        folder.mkdir(exist_ok=True)
        # For its sockets, whose names must be short; it does not remove them.
        # pylint: disable-next=consider-using-with
        self.short = tempfile.TemporaryDirectory(prefix="tincan-test-")
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
                 "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update",
                 "--disable-dev-shm-usage", "--ignore-certificate-errors",
                 f"--window-size={size[0]},{size[1]}", "--remote-debugging-port=0",
                 f"--user-data-dir={folder}", *options, "about:blank"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=dict(os.environ, TMPDIR=self.short.name))
        try:
            self.socket = self._wait(self._connect())
            self.call("Page.enable")
            self.call("Page.navigate", url=url)
            self.wait("document.readyState === 'complete' && location.href !== "
                      "'about:blank'")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket:
            self._wait(self.socket.close())
        self.process.terminate()
        try:
            self.process.wait(harness.DEADLINE)
        finally:
            for pid in harness.group_processes(self.process.pid):
                os.kill(pid, signal.SIGKILL)
            self.loop.close()
            self.short.cleanup()

    def _wait(self, doing):
        return self.loop.run_until_complete(asyncio.wait_for(doing, harness.DEADLINE))

    async def _connect(self):
        """To the page, by the port that the browser has written down."""
        active = self.folder / "DevToolsActivePort"
        harness.wait_for(lambda: active.exists() and active.read_text().count("\n"),
                         "the browser to start")
        port = int(active.read_text().split()[0])

        def page():
            client = http.client.HTTPConnection("127.0.0.1", port, harness.DEADLINE)
            client.request("GET", "/json/list")
            targets = json.load(client.getresponse())
            return next((x for x in targets if x["type"] == "page"), None)

        target = harness.wait_for(page, "the browser's page")
        return await websockets.connect(target["webSocketDebuggerUrl"], max_size=None)

    async def _call(self, message):
        await self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(await self.socket.recv())
            if answer.get("id") == message["id"]:
                assert "error" not in answer, answer
                return answer["result"]

    def call(self, method, **params):
        """A command of the DevTools protocol, and its result."""
        return self._wait(self._call(
            {"id": next(self.numbers), "method": method, "params": params}))

    def evaluate(self, script):
        """The value of a script's last expression."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, script):
        """Until the script's value is true; returns it."""
        return harness.wait_for(lambda: self.evaluate(script), script)

    def type(self, text):
        """Keys, to where the focus is; a line end is the Enter key."""
        for line in text.splitlines(keepends=True):
            self.call("Input.insertText", text=line.rstrip("\n"))
            if line.endswith("\n"):
                for kind in ("keyDown", "keyUp"):
                    self.call("Input.dispatchKeyEvent", type=kind, key="Enter",
                              code="Enter", windowsVirtualKeyCode=13, text="\r")

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

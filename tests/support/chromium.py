"""A headless Chromium with the network off, told what to do over a pipe in the DevTools protocol."""

import base64
import io
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import matplotlib.image
import numpy as np

NAMES = ("chromium", "chromium-browser", "google-chrome")
EXECUTABLE = next(filter(None, map(shutil.which, NAMES)), None)
OPTIONS = [
    "--headless=new",
    "--no-sandbox",  # or it does not start for root
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
    "--window-size=1280,900",
]
SOFTWARE_GL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PATIENCE = 60  # seconds for an answer: software rendering on a busy machine is slow


class Chromium:
    """One page in one browser; every request it makes, and every error it reports, is kept."""

    def __init__(self, profile, options=SOFTWARE_GL):
        commands, self.out = os.pipe()
        self.into, answers = os.pipe()
        redirect = f'exec "$@" 10<&{commands} 11>&{answers} 3<&10 4>&11'  # 3 and 4 are where Chromium looks
        self.process = subprocess.Popen(
            ["bash", "-c", redirect, "", EXECUTABLE, *OPTIONS, *options, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self.numbers, self.unread = itertools.count(1), b""
        self.requests, self.errors, self.session = [], [], None
        target = next(t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def ask(self, method, **parameters):
        """Send a command, and wait for its result."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        sent = json.dumps(message).encode() + b"\0"
        while sent:
            sent = sent[os.write(self.out, sent) :]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.read(deadline)
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
        raise TimeoutError(method)

    def read(self, deadline):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.into], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium does not answer")
            piece = os.read(self.into, 1 << 20)
            assert piece, "Chromium has ended"
            self.unread += piece
        text, _, self.unread = self.unread.partition(b"\0")
        message = json.loads(text)
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, event, said):
        if event == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(said["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif event == "Runtime.consoleAPICalled" and said["type"] in ("error", "assert"):
            self.errors.append(str([argument.get("value") for argument in said["args"]]))
        elif event == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(said["entry"]["text"])

    def open(self, path: Path):
        """Load a file; the seconds until all of it was there."""
        start = time.perf_counter()
        self.ask("Page.navigate", url=path.as_uri())
        self.wait(f"location.href === {json.dumps(path.as_uri())} && document.readyState === 'complete'")
        return time.perf_counter() - start

    def run(self, expression):
        """The value of a JavaScript expression, its promise awaited."""
        said = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"never so: {condition}"
            time.sleep(0.05)

    def click(self, selector):
        """With the mouse, at the middle of what is found."""
        find = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{find}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({find}.getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text="\r")

    def picture(self, selector=None):
        """What is drawn there, or in the whole window: (height, width, 4) in 0 to 1."""
        clip = {}
        if selector:
            box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
            x, y, width, height = self.run(f"(b => [b.x + scrollX, b.y + scrollY, b.width, b.height])({box})")
            clip = {"clip": {"x": x, "y": y, "width": width, "height": height, "scale": 1}}
        png = base64.b64decode(self.ask("Page.captureScreenshot", format="png", **clip)["data"])
        return np.asarray(matplotlib.image.imread(io.BytesIO(png), format="png"))

    def close(self):
        os.close(self.out)  # which ends it
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.into)

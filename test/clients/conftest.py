"""A real server on a free loopback port, its command line, and a signed-in administrator.

Like test/harness/server.mjs, this uses only what an operator and a script would use.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

HARNESS = Path(__file__).parent.parent / "harness"
COMPANY = json.loads((HARNESS / "company.json").read_text())
DEPOT = json.loads((HARNESS / "depot.json").read_text())


def clean_env() -> dict[str, str]:
    """This process's environment without any setting of sheaf's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SHEAF_")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(check: Callable[[], None], within: float = 2.0) -> None:
    """Repeats a check until it holds. A change must be seen within two seconds on an idle server."""
    deadline = time.monotonic() + within
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


class Server:
    """One running sheaf with a data directory of its own. With demo it holds the sample company, and self.demo its tokens."""

    def __init__(self, directory: Path, *flags: str, demo: bool = False) -> None:
        self.binary = os.environ["SHEAF_BIN"]
        self.data = directory / "data"
        port, ops = free_port(), free_port()
        self.url, self.ops = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ops}"
        self.log = directory / "server.log"
        verb = ["demo", "--json"] if demo else ["serve", "--data", str(self.data)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, *verb, "--listen", f"127.0.0.1:{port}", "--ops-listen", f"127.0.0.1:{ops}", *flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**clean_env(), "TMPDIR": str(directory)},
            )
        deadline = time.monotonic() + 30
        while not self._ready(demo):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def _ready(self, demo: bool) -> bool:
        try:
            if not httpx.get(f"{self.url}/readyz").is_success:
                return False
        except httpx.TransportError:
            return False
        if demo:
            printed = re.search(r"^\{\n.*?^\}", self.log.read_text(), re.MULTILINE | re.DOTALL)
            self.demo = json.loads(printed.group()) if printed else None
        return not demo or self.demo is not None

    def cli(self, *args: str) -> dict:
        """Runs a verb of the command line and returns the object that --json prints."""
        done = subprocess.run(
            [self.binary, *args, "--data", str(self.data), "--json"],
            check=True, capture_output=True, text=True, timeout=30, env=clean_env(),
        )
        return json.loads(done.stdout)

    def calls(self) -> dict[str, dict[str, int]]:
        """For each operation the number of answers by status, as the server's own metrics tell."""
        calls: dict[str, dict[str, int]] = {}
        counter = r'^sheaf_requests_total\{op="([^"]+)",status="(\d+)"\} (\S+)$'
        for op, status, count in re.findall(counter, httpx.get(f"{self.ops}/metrics").text, re.MULTILINE):
            if float(count) > 0:
                calls.setdefault(op, {})[status] = int(float(count))
        return calls

    def report(self, client: str, since: dict[str, dict[str, int]]) -> None:
        """Notes in the directory $SHEAF_CALLS what a client was answered, for covered.mjs to compare with what there is."""
        if not (directory := os.environ.get("SHEAF_CALLS")):
            return
        calls: dict[str, dict[str, int]] = {}
        for op, statuses in self.calls().items():
            for status, count in statuses.items():
                if (more := count - since.get(op, {}).get(status, 0)) > 0:
                    calls.setdefault(op, {})[status] = more
        paths = httpx.get(f"{self.url}/openapi.json").json()["paths"]
        operations = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
        Path(directory).mkdir(parents=True, exist_ok=True)
        name = f"{client}-{self.url.rsplit(':', 1)[1]}.json"
        Path(directory, name).write_text(json.dumps({"client": client, "calls": calls, "operations": operations}))

    def stop(self) -> None:
        """Ends the server as an operator would, and insists that it ends well."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert code == 0, self.log.read_text()[-4000:]


class Console:
    """A signed-in Super Admin, through the admin API."""

    def __init__(self, server: Server, email: str) -> None:
        server.cli("user", "add", "--email", email, "--role", "SUPER_ADMIN")
        self.http = httpx.Client(base_url=f"{server.url}/api/admin/v1/")
        code = server.cli("signin", "--email", email)["code"]
        self.http.headers["X-CSRF-Token"] = self.call("POST", "session", {"code": code})["csrfToken"]

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def token(self, permission: str, scopes: list[str], **more: str) -> dict:
        return self.call(
            "POST", "tokens", {"description": f"scenario {permission}", "permission": permission, "scopes": scopes, **more}
        )


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the module's story. CLIENT names whose calls these are; DEMO asks for the sample company."""
    running = Server(tmp_path_factory.mktemp("sheaf"), demo=getattr(request.module, "DEMO", False))
    before = running.calls()
    yield running
    running.report(request.module.CLIENT, before)
    running.stop()


@pytest.fixture(scope="module")
def console(request: pytest.FixtureRequest, server: Server) -> Iterator[Console]:
    signed_in = Console(server, request.module.ADMIN)
    yield signed_in
    signed_in.http.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    outcome = yield
    if outcome.get_result().failed:
        item.module.chapter_failed = True


@pytest.fixture(autouse=True)
def in_order(request: pytest.FixtureRequest) -> None:
    """The tests of a module are one story: a chapter makes no sense after one that failed."""
    if getattr(request.module, "chapter_failed", False):
        pytest.skip("an earlier chapter failed")

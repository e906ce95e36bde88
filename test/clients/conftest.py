"""A real server on a free loopback port, its command line, and a signed-in administrator.

Like test/harness/server.mjs, this uses only what an operator and a script would use.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

COMPANY = json.loads((Path(__file__).parent.parent / "harness" / "company.json").read_text())


def clean_env() -> dict[str, str]:
    """This process's environment without any setting of sheaf's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SHEAF_")}


class Server:
    """One running sheaf with a data directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.binary = os.environ["SHEAF_BIN"]
        self.data = directory / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = directory / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--listen", f"127.0.0.1:{port}", "--data", str(self.data)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_env(),
            )
        deadline = time.monotonic() + 30
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")
            try:
                if httpx.get(f"{self.url}/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)

    def cli(self, *args: str) -> dict:
        """Runs a verb of the command line and returns the object that --json prints."""
        done = subprocess.run(
            [self.binary, *args, "--data", str(self.data), "--json"],
            check=True, capture_output=True, text=True, timeout=30, env=clean_env(),
        )
        return json.loads(done.stdout)

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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory):
    running = Server(tmp_path_factory.mktemp("sheaf"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def console(server: Server):
    signed_in = Console(server, COMPANY["admin"])
    yield signed_in
    signed_in.http.close()

"""Holds the served description of the API against the server that serves it.

It starts `sheaf demo`, checks that each family's document is valid OpenAPI 3.1, and lets schemathesis walk through every operation: no answer of
500 or above, no status and no media type that is not declared, every answer of the declared form, nothing without a token.

usage: walk.py SECONDS [FAMILY…]      in the environment: SHEAF_BIN; SEED (1)
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

HERE = Path(__file__).parent
CHECKS = ",".join([
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "ignored_auth", "unsupported_method",
])
# The admin API comes last: it may well end what the others need.
FAMILIES = ["client", "platform", "indexing", "admin"]
TOKENS = {"client": "userToken", "platform": "userToken", "indexing": "indexingToken"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(directory: Path) -> tuple[subprocess.Popen, dict]:
    """Starts the sample company and returns the process and the keys that it prints."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SHEAF_")}
    keys, log = directory / "keys.json", directory / "server.log"
    with keys.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [os.environ["SHEAF_BIN"], "demo", "--json", "--listen", f"127.0.0.1:{free_port()}"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env,
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return process, json.loads(keys.read_text())
        except ValueError:
            time.sleep(0.1)
    process.kill()
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


def valid(url: str, family: str) -> bool:
    """Checks the document of a family against OpenAPI's own schema."""
    with urllib.request.urlopen(f"{url}/openapi/{family}.json") as answer:
        document = json.load(answer)
    wrong = [str(e) for e in OPENAPI_31_VALIDATOR.iter_errors(document)]
    print(f"{family}: {len(document['paths'])} paths, OpenAPI {document['openapi']}", "" if not wrong else f"INVALID: {wrong[:5]}")
    return not wrong


def sign_in(keys: dict) -> list[str]:
    """Signs in as the administrator and returns the headers of the session, as arguments."""
    request = urllib.request.Request(
        f"{keys['url']}/api/admin/v1/session", method="POST", data=json.dumps({"code": keys["code"]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        cookie, token = answer.headers["Set-Cookie"].split(";")[0], json.load(answer)["csrfToken"]
    # Signing out, and ending sign-ins of one's own, would end the walk.
    return ["-H", f"Cookie: {cookie}", "-H", f"X-CSRF-Token: {token}", "--exclude-path", "/api/admin/v1/session"]


def walk(keys: dict, family: str, seconds: int) -> bool:
    who = sign_in(keys) if family == "admin" else ["-H", f"Authorization: Bearer {keys[TOKENS[family]]}"]
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{keys['url']}/openapi/{family}.json",
        *who,
        "--phases", "coverage,fuzzing", "--max-time", str(seconds), "--workers", "2", "--seed", os.environ.get("SEED", "1"),
        "--checks", CHECKS, "--continue-on-failure", "--request-timeout", "30", "--no-color", "--warnings", "off",
    ]
    with tempfile.TemporaryDirectory() as place:  # it keeps what it found beside where it runs
        env = dict(os.environ, SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1")
        done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False, timeout=seconds + 120)
    ok = done.returncode == 0
    lines = done.stdout.splitlines()
    for line in lines if not ok else [line for line in lines if "generated" in line or "Tested" in line]:
        print(line)
    if not ok:
        print(done.stderr)
    return ok


def main() -> int:
    seconds = int(sys.argv[1])
    families = sys.argv[2:] or FAMILIES
    with tempfile.TemporaryDirectory() as directory:
        process, keys = start(Path(directory))
        try:
            ok = all([valid(keys["url"], family) for family in families])
            for family in families:
                print(f"== {family}", flush=True)
                ok = walk(keys, family, seconds) and ok
            broken = [line for line in (Path(directory) / "server.log").read_text().splitlines() if '"status":5' in line and '"status":503' not in line]
            for line in broken[:5]:
                print("the server's log:", line[:3000])
            return 0 if ok and not broken and process.poll() is None else 1
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    sys.exit(main())

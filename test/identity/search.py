"""Searches through the published Python client, with tokens of both kinds in turn, and says what came of it.

Reads one JSON object from standard input: {url, query, seconds, workers, tokens: [{secret, oauth, sees}]}. Each worker takes the
tokens one after the other until the time is over, but each at least once. Prints {calls, wrong}.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from glean.api_client import Glean

TASK = json.load(sys.stdin)


def search(glean: Glean, token: dict) -> str | None:
    """What was wrong with one search, None where nothing was."""
    headers = {"X-Glean-Auth-Type": "OAUTH"} if token["oauth"] else {}
    try:
        answer = glean.client.search.query(query=TASK["query"], page_size=50, http_headers=headers)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return f"{type(error).__name__}: {error}"
    found = sorted(r.url.rsplit("/", 1)[1] for r in answer.results or [])
    return None if found == token["sees"] else f"found {found} instead of {token['sees']}"


def work(number: int) -> tuple[int, list[str]]:
    # No two threads share a client: httpcore can close a connection that another thread
    # has just begun to use (encode/httpcore#1110: "Bad file descriptor").
    clients = [Glean(server_url=TASK["url"], api_token=token["secret"], timeout_ms=20_000) for token in TASK["tokens"]]
    calls, wrong, end = 0, [], time.monotonic() + TASK["seconds"]
    while calls < len(TASK["tokens"]) or time.monotonic() < end:
        place = (number + calls) % len(clients)
        problem = search(clients[place], TASK["tokens"][place])
        calls += 1
        if problem:
            wrong.append(problem)
    return calls, wrong


with ThreadPoolExecutor(TASK["workers"]) as pool:
    results = list(pool.map(work, range(TASK["workers"])))
json.dump({"calls": sum(calls for calls, _ in results), "wrong": [w for _, wrong in results for w in wrong][:20]}, sys.stdout)

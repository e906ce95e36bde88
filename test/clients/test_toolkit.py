"""The published agent toolkit, unmodified, searches the sample company as one person and reads what it found.

Its other tools speak to chat and to tools/call, which are not built yet: they must fail as their own error, and at once.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from conftest import Server
from glean.agent_toolkit.context import GleanContext
from glean.agent_toolkit.tools import employee_search, read_document, search
from glean.api_client import Glean

CLIENT = "toolkit"
DEMO = True


@pytest.fixture(scope="module")
def context(server: Server) -> GleanContext:
    return GleanContext(client=Glean(server_url=server.url, api_token=server.demo["userToken"]))


def test_search_finds_what_its_person_may_see(server: Server, context: GleanContext) -> None:
    answer = search(context, query="travel", page_size=5)
    assert answer["status"] == "ok", answer
    found = answer["result"]
    assert found["result_count"] == len(found["results"]) == 5 and found["has_more_results"]
    for result in found["results"]:
        assert result["title"] and result["url"] and result["snippets"] and result["document_id"]
    source = found["results"][0]["datasource"]
    inside = search(context, query="travel", datasources=[source])["result"]["results"]
    assert {r["datasource"] for r in inside} == {source}
    outside = search(context, query="travel", filters=[{"field": "datasource", "values": [source], "exclude": True}])
    assert source not in {r["datasource"] for r in outside["result"]["results"]}
    assert asyncio.run(search.tool_spec.async_function(context, query="travel", page_size=5))["result"] == found


def test_another_person_does_not_find_what_is_hidden(server: Server, context: GleanContext) -> None:
    """What an administrator's own search finds and the person's does not is also unreadable to the person."""
    everything = Glean(server_url=server.url, api_token=server.demo["globalToken"])
    admin = {"X-Glean-ActAs": server.demo["admin"]}
    theirs = {r.url: r.document.id for r in everything.client.search.query(query="travel", page_size=100, http_headers=admin).results}
    mine = {r["url"] for r in search(context, query="travel", page_size=100)["result"]["results"]}
    hidden = [name for url, name in theirs.items() if url not in mine]
    assert hidden, "the sample company has documents about travel that this person may not see"

    def read(name: str) -> dict:
        return read_document(context, document_id=name)["result"]["documents"][name]

    missing = read("nosuch/document/at-all")
    assert list(missing) == ["error"]
    assert all(read(name) == missing for name in hidden[:5])
    seen = search(context, query="travel", page_size=1)["result"]["results"][0]
    assert read(seen["document_id"])["content"]["fullTextList"]


def test_errors_are_its_own(server: Server, context: GleanContext) -> None:
    stranger = GleanContext(client=Glean(server_url=server.url, api_token="shf_c_" + "A" * 49))
    assert search(stranger, query="travel")["error_type"] == "auth"
    bad = search(context, query="travel", filters=[{"field": "last_updated_at", "values": ["yesteryear"]}])
    assert bad["error_type"] == "validation", bad
    started = time.monotonic()
    assert employee_search(context, query="lund")["error_type"] == "not_found"
    assert time.monotonic() - started < 5

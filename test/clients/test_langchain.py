"""The published LangChain package, unmodified: its retrievers find what a person may see, for a token of that person and
for a GLOBAL one that acts as somebody.

Its older generated client knows closed enums only. What it cannot read it hides behind an empty list, so every answer
here is also asked to be there.
"""

from __future__ import annotations

import asyncio

import httpx
import pytest
from conftest import Server
from langchain_core.callbacks import BaseCallbackHandler
from langchain_glean.retrievers import (
    GleanPeopleProfileRetriever,
    GleanSearchRetriever,
    PeopleProfileBasicRequest,
    SearchBasicRequest,
)

CLIENT = "langchain"
DEMO = True


class Errors(BaseCallbackHandler):
    """Keeps what a retriever swallows."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_retriever_error(self, error: BaseException, **kwargs) -> None:
        self.seen.append(str(error))


def retrieve(retriever, query, **kwargs) -> list:
    errors = Errors()
    found = retriever.invoke(query, config={"callbacks": [errors]}, **kwargs)
    assert not errors.seen, errors.seen
    return found


@pytest.fixture
def mine(server: Server) -> GleanSearchRetriever:
    return GleanSearchRetriever(server_url=server.url, api_token=server.demo["userToken"], k=20)


@pytest.fixture
def people(server: Server) -> GleanPeopleProfileRetriever:
    return GleanPeopleProfileRetriever(server_url=server.url, api_token=server.demo["userToken"], k=10)


def asked(server: Server, query: str, person: str, size: int = 20) -> list[str]:
    """The same question without the client."""
    answer = httpx.post(
        f"{server.url}/rest/api/v1/search", json={"query": query, "pageSize": size},
        headers={"Authorization": f"Bearer {server.demo['globalToken']}", "X-Glean-ActAs": person},
    )
    return [r["url"] for r in answer.json().get("results", [])]


def test_search_as_a_person(server: Server, mine: GleanSearchRetriever) -> None:
    found = retrieve(mine, "travel")
    assert [d.metadata["url"] for d in found] == asked(server, "travel", server.demo["user"]) != []
    for document in found:
        assert document.page_content.strip() and document.metadata["title"]
        assert document.metadata["document_id"].startswith(document.metadata["datasource"] + "/")
    assert [d.metadata["url"] for d in asyncio.run(mine.ainvoke("travel"))] == [d.metadata["url"] for d in found]
    assert len(retrieve(mine, "travel", k=3)) == 3


def test_datasources_narrow(mine: GleanSearchRetriever) -> None:
    source = retrieve(mine, "travel")[0].metadata["datasource"]
    found = retrieve(mine, SearchBasicRequest(query="travel", data_sources=[source]))
    assert found and {d.metadata["datasource"] for d in found} == {source}
    assert retrieve(mine, SearchBasicRequest(query="travel", data_sources=["nosuchsource"])) == []


def test_a_global_token_acts_as_whom_it_names(server: Server) -> None:
    def urls(person: str) -> list[str]:
        retriever = GleanSearchRetriever(server_url=server.url, api_token=server.demo["globalToken"], act_as=person, k=100)
        return [d.metadata["url"] for d in retrieve(retriever, "travel")]

    admin, user = urls(server.demo["admin"]), urls(server.demo["user"])
    assert admin == asked(server, "travel", server.demo["admin"], 100)
    assert user == asked(server, "travel", server.demo["user"], 100)
    assert set(admin) != set(user), "the two see different documents"
    nobody = GleanSearchRetriever(server_url=server.url, api_token=server.demo["globalToken"], act_as="nobody@elsewhere.example")
    assert nobody.invoke("travel") == []


def test_people(people: GleanPeopleProfileRetriever, server: Server) -> None:
    found = retrieve(people, "sofie lund")
    assert [d.metadata["email"] for d in found][:1] == [server.demo["user"]]
    assert found[0].page_content.startswith("Sofie Lund\n")
    department = found[0].metadata["department"]
    same = retrieve(people, PeopleProfileBasicRequest(filters={"department": department}, page_size=5))
    assert same and {d.metadata["department"] for d in same} == {department}
    assert asyncio.run(people.ainvoke("sofie lund")) == found

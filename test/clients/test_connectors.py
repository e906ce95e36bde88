"""Connectors made with the published indexing SDK push thousands of documents, people and permissions in concurrent
pages, and again with some of them gone: what is stale leaves, or waits where it is more than a fifth.

The SDK brings an older generated client of its own; what was pushed is read back over plain HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence

import httpx
import pytest
from conftest import Console, Server, eventually
from glean.api_client import models
from glean.api_client.errors import GleanBaseError
from glean.indexing.connectors import (
    BaseAsyncStreamingDataClient,
    BaseAsyncStreamingDatasourceConnector,
    BaseDataClient,
    BaseDatasourceConnector,
    BasePeopleConnector,
)
from glean.indexing.models import ConnectorOptions, IndexingMode
from glean.indexing.push import PushUploader, StatusClient
from glean.indexing.push.status import check_documents_status, document_status_requests

CLIENT = "indexing-sdk"
ADMIN = "keeper@lampworks.example"
SOURCE = "lampcatalogue"
PEOPLE, GROUPS, LAMPS = 600, 40, 3000


def email(n: int) -> str:
    return f"hand{n}@lampworks.example"


def configuration(name: str) -> models.CustomDatasourceConfig:
    return models.CustomDatasourceConfig(
        name=name, display_name="Lamp Catalogue", datasource_category="PUBLISHED_CONTENT",
        url_regex=r"^https://lamps\.lampworks\.example/.*$", is_user_referenced_by_email=True,
        object_definitions=[models.ObjectDefinition(name="Lamp", doc_category="PUBLISHED_CONTENT")],
    )


def lamp(n: int, source: str = SOURCE) -> models.DocumentDefinition:
    """Lamp n: its group may read it, and every hundredth lamp everyone in the catalogue."""
    permissions = models.DocumentPermissionsDefinition(allowed_groups=[f"shelf{n % GROUPS}"])
    if n % 100 == 0:
        permissions.allow_all_datasource_users_access = True
    return models.DocumentDefinition(
        datasource=source, object_type="Lamp", id=f"lamp{n}", view_url=f"https://lamps.lampworks.example/{source}/{n}",
        title=f"Lamp number {n}", permissions=permissions,
        body=models.ContentDefinition(mime_type="text/plain", text_content=f"A bronze lantern, serial L{n}, on shelf{n % GROUPS}. " * 8),
    )


class Numbers(BaseDataClient[int]):
    def __init__(self, count: int) -> None:
        self.numbers = range(count)

    def get_source_data(self, **kwargs) -> Sequence[int]:
        return self.numbers


class Catalogue(BaseDatasourceConnector[int]):
    configuration = configuration(SOURCE)

    def get_identities(self) -> dict:
        return {"users": [models.DatasourceUserDefinition(email=email(n), name=f"Hand {n}", is_active=True) for n in range(PEOPLE)]}

    def transform(self, data: Sequence[int]) -> list[models.DocumentDefinition]:
        return [lamp(n) for n in data]


class Grouped(Catalogue):
    """A connector hands on memberships, but has no way to say of which group: the API takes none without."""

    def get_identities(self) -> dict:
        member = models.DatasourceBulkMembershipDefinition(member_user_id=email(0))
        return {"groups": [models.DatasourceGroupDefinition(name="shelf0")], "memberships": [member]}


class Staff(BasePeopleConnector[int]):
    configuration = configuration("lampstaff")

    def transform(self, data: Sequence[int]) -> list[models.EmployeeInfoDefinition]:
        return [
            models.EmployeeInfoDefinition(email=email(n), first_name=f"Hand{n}", last_name="Wickham", department="Foundry")
            for n in data
        ]


class Stream(BaseAsyncStreamingDataClient[int]):
    async def get_source_data(self, **kwargs) -> AsyncGenerator[int, None]:
        for n in range(1000):
            yield n


class Streamed(BaseAsyncStreamingDatasourceConnector[int]):
    configuration = configuration("lampstream")

    def transform(self, data: Sequence[int]) -> list[models.DocumentDefinition]:
        return [
            models.DocumentDefinition(
                **{**lamp(n, "lampstream").model_dump(exclude_none=True, by_alias=False), "permissions": {"allow_anonymous_access": True}}
            )
            for n in data
        ]


class Reader:
    """Asks as a person, over plain HTTP."""

    def __init__(self, server: Server, console: Console) -> None:
        token = console.token("GLOBAL", ["SEARCH", "ENTITIES"])["secret"]
        self.http = httpx.Client(base_url=f"{server.url}/rest/api/v1/", headers={"Authorization": f"Bearer {token}"})

    def ask(self, operation: str, person: str, body: dict) -> dict:
        answer = self.http.post(operation, json=body, headers={"X-Glean-ActAs": person})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def count(self, person: str, source: str = SOURCE) -> int:
        """How many lamps the person can see, by the facet that counts them."""
        options = {"responseHints": ["FACET_RESULTS"], "facetBucketSize": 100, "datasourcesFilter": [source]}
        answer = self.ask("search", person, {"query": "", "pageSize": 0, "requestOptions": options})
        buckets = [b for f in answer.get("facetResults", []) if f["sourceName"] == "type" for b in f["buckets"]]
        return sum(b["count"] for b in buckets)

    def finds(self, person: str, expected: int, source: str = SOURCE) -> None:
        def check() -> None:
            assert self.count(person, source) == expected

        eventually(check, within=20)

    def total(self, query: str) -> int:
        return self.ask("listentities", ADMIN, {"query": query, "pageSize": 1}).get("totalCount", 0)


@pytest.fixture(scope="module")
def reader(server: Server, console: Console) -> Reader:
    return Reader(server, console)


@pytest.fixture(scope="module", autouse=True)
def settings(server: Server):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLEAN_SERVER_URL", server.url)
        patch.setenv("GLEAN_INDEXING_API_TOKEN", server.cli("indexing-token", "create", "--description", "connector")["secret"])
        yield


def catalogue(count: int) -> Catalogue:
    connector = Catalogue(SOURCE, Numbers(count))
    # Thirty pages, so that there are middle ones to send side by side.
    connector.batch_size = 100
    return connector


def staff(count: int) -> Staff:
    connector = Staff("lampstaff", Numbers(count))
    connector.batch_size = 50
    return connector


def seen_by(person: int, lamps: range) -> int:
    return sum(1 for n in lamps if n % GROUPS == person % GROUPS or n % 100 == 0)


def test_people_then_documents_with_their_permissions(reader: Reader) -> None:
    staff(PEOPLE).index_data()
    connector = catalogue(LAMPS)
    connector.configure_datasource()
    uploader = PushUploader(datasource=SOURCE)
    uploader.bulk_index_groups(groups=[models.DatasourceGroupDefinition(name=f"shelf{g}") for g in range(GROUPS)], batch_size=15)
    for g in range(GROUPS):
        members = [models.DatasourceBulkMembershipDefinition(member_user_id=email(n)) for n in range(g, PEOPLE, GROUPS)]
        uploader.bulk_index_memberships(memberships=members, group=f"shelf{g}", batch_size=10)
    connector.index_data(options=ConnectorOptions(upload_max_workers=5))
    assert reader.total("wickham") == PEOPLE
    for person in (0, 7, 41, PEOPLE - 1):
        reader.finds(email(person), seen_by(person, range(LAMPS)))
    reader.finds(ADMIN, 0)
    answer = reader.ask("search", email(7), {"query": '"serial L47"', "pageSize": 10})
    assert [r["title"] for r in answer["results"]] == ["Lamp number 47"]
    answer = reader.ask("search", email(8), {"query": '"serial L47"', "pageSize": 10})
    assert answer.get("results", []) == []


def test_a_second_run_takes_away_what_is_gone(reader: Reader) -> None:
    kept = LAMPS - 400
    catalogue(kept).index_data()
    reader.finds(email(7), seen_by(7, range(kept)))
    staff(PEOPLE - 50).index_data()

    def fewer() -> None:
        assert reader.total("wickham") == PEOPLE - 50

    eventually(fewer, within=10)
    # Users of the catalogue stay people of no company: who left can no longer be acted as.
    assert reader.http.post("search", json={"query": ""}, headers={"X-Glean-ActAs": email(PEOPLE - 1)}).status_code == 401


def test_more_than_a_fifth_waits_unless_the_check_is_off(reader: Reader, console: Console) -> None:
    kept = 1000
    catalogue(kept).index_data()

    def waits() -> None:
        uploads = console.call("GET", f"uploads?datasource={SOURCE}")["uploads"]
        documents = next(u for u in uploads if u["kind"] == "documents")
        assert (documents["removal"], documents["stale"]) == ("paused", LAMPS - 400 - kept), documents

    eventually(waits)
    assert reader.count(email(7)) == seen_by(7, range(LAMPS - 400))
    catalogue(kept).index_data(options=ConnectorOptions(disable_stale_deletion_check=True))
    reader.finds(email(7), seen_by(7, range(kept)))


def test_an_incremental_run_leaves_the_rest_alone(reader: Reader) -> None:
    connector = Catalogue(SOURCE, Numbers(0))
    connector.data_client.numbers = range(kept := 1000, kept + 120)
    connector.index_data(mode=IndexingMode.INCREMENTAL)
    reader.finds(email(7), seen_by(7, range(kept + 120)))


def test_two_runs_at_once_exclude_each_other_and_a_forced_one_wins(reader: Reader) -> None:
    uploader = PushUploader(datasource=SOURCE)
    numbers = [lamp(n) for n in range(300)]
    uploader.bulk_index_single_batch_upload(documents=numbers[:100], upload_id="stuck", is_first_page=True, is_last_page=False)
    with pytest.raises(Exception) as caught:
        catalogue(1120).index_data()
    assert status_of(caught.value) == 409, caught.value
    catalogue(1120).index_data(options=ConnectorOptions(force_restart=True))
    reader.finds(email(7), seen_by(7, range(1120)))


def test_memberships_of_no_group_are_refused_before_anything_changes(reader: Reader) -> None:
    before = reader.count(email(0))
    with pytest.raises(Exception) as caught:
        Grouped(SOURCE, Numbers(10)).index_data()
    assert status_of(caught.value) == 400 and "group" in str(caught.value), caught.value
    assert reader.count(email(0)) == before


def test_a_streaming_connector(reader: Reader) -> None:
    connector = Streamed("lampstream", Stream())
    connector.batch_size = 90
    connector.configure_datasource()
    before = threading.active_count()
    asyncio.run(connector.index_data_async())
    reader.finds(email(1), 1000, "lampstream")
    assert threading.active_count() <= before + 8


def test_its_status_calls_and_single_operations(reader: Reader) -> None:
    status, uploader = StatusClient(datasource=SOURCE), PushUploader(datasource=SOURCE)

    def may(person: int) -> bool:
        return status.check_document_access(object_type="Lamp", document_id="lamp47", user_email=email(person)).has_access


    def indexed() -> None:
        snapshot = check_documents_status(SOURCE, document_status_requests([lamp(n) for n in (0, 1, 2)]))
        assert snapshot.result.value == "indexed", snapshot.response

    eventually(indexed)
    assert status.get_datasource_status().documents.counts.uploaded[0].count == 1120
    assert may(7)
    assert not may(8)
    uploader.delete_document(object_type="Lamp", document_id="lamp47")
    assert not may(7)
    uploader.delete_group(group_name="shelf7")
    reader.finds(email(7), sum(1 for n in range(1120) if n % 100 == 0))
    uploader.process_all_documents()


def status_of(error: BaseException | None) -> int | None:
    """The status of the server's refusal that led to an error of the SDK."""
    while error and not isinstance(error, GleanBaseError):
        error = error.__cause__ or error.__context__
    return error.status_code if error else None

"""Every operation of the Client and Platform APIs that is built, through the published Python client: what the Indexing
API took is found by those who may see it, and the errors are of the types that the client documents."""

from __future__ import annotations

import base64
import time
from datetime import datetime, timezone

import pytest
from conftest import DEPOT, Console, Server, eventually
from glean.api_client import Glean, errors, models
from walk import CHAT, DRAWINGS, LISE, OMAR, RUNA, TEO, act_as, address, fill, ids, only, refused

CLIENT = "python"
ADMIN = DEPOT["admin"]


class Walk:
    def __init__(self, server: Server, console: Console) -> None:
        self.server, self.console = server, console
        fill(self.client(server.cli("indexing-token", "create", "--description", "walk")["secret"]))
        scopes = ["SEARCH", "DOCUMENTS", "DOCPERMISSIONS", "ENTITIES", "PEOPLE"]
        self.glean = self.client(console.token("GLOBAL", scopes)["secret"])
        eventually(lambda: self.finds(RUNA, "hawser", ["hawser", "lanyard", "prices"]))

    def client(self, secret: str) -> Glean:
        return Glean(server_url=self.server.url, api_token=secret, timeout_ms=10_000)

    def of(self, email: str, *scopes: str) -> Glean:
        return self.client(self.console.token("USER", list(scopes), userEmail=email)["secret"])

    def search(self, email: str, query: str, page: dict | None = None, **options) -> models.SearchResponse:
        wanted = models.SearchRequestOptions(facet_bucket_size=10, **options) if options else None
        return self.glean.client.search.query(
            query=query, request_options=wanted, **{"page_size": 50, **(page or {})}, **act_as(email)
        )

    def finds(self, email: str, query: str, expected: list[str], **options) -> None:
        assert ids(self.search(email, query, **options).results) == expected, f"{email}: {query}"


@pytest.fixture(scope="module")
def walk(server: Server, console: Console) -> Walk:
    return Walk(server, console)


def test_search_with_filters_sets_and_dates(walk: Walk) -> None:
    sets = [models.FacetFilterSet(filters=[only("type", "Sheet")]), models.FacetFilterSet(filters=[only("material", "hemp")])]
    walk.finds(RUNA, "hawser", ["lanyard", "prices"], facet_filter_sets=sets)
    walk.finds(TEO, "hawser", ["lanyard"], facet_filter_sets=sets)
    walk.finds(RUNA, "hawser", ["prices"], facet_filters=[only("last_updated_at", "2026-08-07", "GT")])
    walk.finds(RUNA, "hawser", ["hawser"], facet_filters=[only("from", TEO)])
    said = walk.search(RUNA, "hawser type:Drawing", query_overrides_facet_filters=True, facet_filters=[only("type", "Sheet")])
    assert ids(said.results) == ["hawser", "lanyard"]
    assert walk.search(RUNA, "hawsr").metadata.query_suggestion.query == "hawser"


def test_facets_and_tabs_speak_of_what_the_person_may_see(walk: Walk) -> None:
    def count(email: str) -> tuple[dict, int]:
        hints = ["FACET_RESULTS", "QUERY_METADATA", "ALL_RESULT_COUNTS", "RESULTS"]
        answer = walk.search(email, "hawser", response_hints=hints)
        types = next(f for f in answer.facet_results if f.source_name == "type")
        tab = next(t for t in answer.result_tabs if t.id == DRAWINGS)
        return {b.value.string_value: b.count for b in types.buckets}, tab.count

    assert count(RUNA) == ({"Drawing": 2, "Sheet": 1}, 3)
    assert count(TEO) == ({"Drawing": 2}, 2)
    long = walk.search(TEO, "tarred", page={"max_snippet_size": 400}, return_llm_content_over_snippets=True)
    assert "tarred twice" in long.results[0].snippets[0].text


def test_bad_questions_have_the_documented_errors(walk: Walk) -> None:
    error = refused(
        422, "", walk.search, TEO, "hawser", facet_filters=[only("last_updated_at", "yesteryear")], kind=errors.GleanDataError
    )
    assert [(o.key, o.value) for o in error.data.invalid_operators] == [("last_updated_at", "yesteryear")]
    refused(400, "", walk.search, TEO, "hawser", facet_filters=[only("type", "Sheet")], facet_filter_sets=[models.FacetFilterSet()])
    refused(400, "(?i)cursor", walk.search, TEO, "hawser", page={"cursor": "not a cursor"})
    refused(403, "", walk.glean.client.search.query_as_admin, query="hawser", **act_as(RUNA))


def test_pages_go_on_by_cursor_each_for_one_person_alone(walk: Walk) -> None:
    seen: list[str] = []
    page: dict = {"page_size": 1}
    while True:
        answer = walk.search(RUNA, "", page)
        seen += ids(answer.results)
        if not answer.has_more_results:
            break
        page = {"page_size": 1, "cursor": answer.cursor}
        refused(400, "", walk.search, TEO, "", page)
    assert sorted(seen) == ["hawser", "lanyard", "prices"]
    people: list[str] = []
    more: dict = {}
    while True:
        answer = walk.glean.client.entities.list(page_size=3, **more, **act_as(TEO))
        assert answer.total_count == 5
        people += [p.metadata.email for p in answer.results]
        if not answer.has_more_results:
            break
        more = {"cursor": answer.cursor}
    # The first start made an administrator, who is a person too.
    assert sorted(people) == sorted(["admin@localhost", RUNA, TEO, LISE, OMAR])


def test_an_administrator_in_person_searches_everything(walk: Walk) -> None:
    own = walk.of(RUNA, "SEARCH").client.search
    assert ids(own.query_as_admin(query="fid", page_size=10, disable_spellcheck=True).results) == ["m1", "m2"]
    assert ids(own.query(query="fid", page_size=10, disable_spellcheck=True).results) == []
    refused(403, "", walk.of(TEO, "SEARCH").client.search.query_as_admin, query="fid")


def test_completions(walk: Walk) -> None:
    def complete(email: str, query: str) -> list[models.AutocompleteResult]:
        return walk.glean.client.search.autocomplete(query=query, result_size=20, **act_as(email)).results or []

    def types(query: str) -> set[str]:
        return {r.result_type for r in complete(TEO, query)}

    assert "DOCUMENT" in types("hawser fo")
    assert "ENTITY" in types("quarr")
    assert "OPERATOR_VALUE" in types("type:")
    assert "costs" not in repr(complete(TEO, "what a haw")).lower()
    assert "costs" in repr(complete(RUNA, "what a haw")).lower()


def test_recommendations(walk: Walk) -> None:
    def near(email: str, name: str) -> list[str]:
        spec = models.DocumentSpec2(id=f"{DRAWINGS}/{name}")
        answer = walk.glean.client.search.recommendations(recommendation_document_spec=spec, page_size=10, **act_as(email))
        return ids(answer.results if answer else [])

    assert near(RUNA, "Drawing/hawser") == ["lanyard", "prices"]
    assert near(TEO, "Drawing/hawser") == ["lanyard"]
    hidden, missing = (refused(403, "", near, TEO, f"Sheet/{name}") for name in ("prices", "missing"))
    assert hidden.body == missing.body


def test_messages(walk: Walk) -> None:
    def read(email: str, **more) -> models.MessagesResponse:
        request = {"id_type": "CHANNEL_NAME", "id": "ropewalk", "datasource": "SLACK", **more}
        return walk.glean.client.messages.retrieve(**request, **act_as(email))

    assert ids(read(TEO).search_response.results) == ["m1", "m2"]
    older = read(LISE, direction="OLDER", timestamp_millis=1_786_350_000_000)
    assert (older.has_more, ids(older.search_response.results)) == (False, ["m1"])
    assert ids(read(LISE, id_type="CONVERSATION_ID", id="ch-1").search_response.results) == ["m1", "m2"]
    assert ids(read(OMAR).search_response.results) == []


def test_documents(walk: Walk) -> None:
    docs = walk.glean.client.documents
    name = f"{DRAWINGS}/Drawing/hawser"
    fields = ["DOCUMENT_CONTENT", "LAST_VIEWED_AT", "VISITORS_COUNT", "RECENT_SHARES", "CUSTOM_METADATA"]
    request = models.GetDocumentsRequest(
        document_specs=[models.DocumentSpec2(id=name), models.DocumentSpec1(url=address("prices"))], include_fields=fields
    )
    mine = docs.retrieve(get_documents_request=request, **act_as(TEO)).documents
    assert "tarred twice" in " ".join(mine[name].content.full_text_list)
    assert mine[address("prices")].error
    assert docs.retrieve(get_documents_request=request, **act_as(RUNA)).documents[address("prices")].title == "What a hawser costs us"

    def by_type(email: str) -> list[str]:
        wanted = models.GetDocumentsByFacetsRequest(
            datasources_filter=[DRAWINGS], filter_sets=[models.FacetFilterSet(filters=[only("type", "Drawing")])]
        )
        return ids(docs.retrieve_by_facets(get_documents_by_facets_request=wanted, **act_as(email)).documents)

    assert (by_type(RUNA), by_type(OMAR)) == (["hawser", "lanyard"], [])
    none = models.GetDocumentsByFacetsRequest(filter_sets=[])
    refused(400, "", docs.retrieve_by_facets, get_documents_by_facets_request=none, **act_as(RUNA))
    assert sorted(docs.retrieve_permissions(document_id=name, **act_as(TEO)).allowed_user_emails) == sorted([RUNA, TEO, LISE])
    refused(403, "", docs.retrieve_permissions, document_id=f"{DRAWINGS}/Sheet/prices", **act_as(TEO))
    refused(403, "", docs.retrieve_permissions, document_id=f"{DRAWINGS}/Sheet/missing", **act_as(TEO))


def test_people(walk: Walk) -> None:
    entities = walk.glean.client.entities
    lise = entities.read_people(email_ids=[LISE], include_fields=["MANAGEMENT_DETAILS", "BADGES"], **act_as(OMAR)).results[0]
    assert [p.name for p in lise.metadata.management_chain] == ["Runa Askeland", "Teo Brandis"]
    sort = [models.SortOptions(sort_by="FIRST_NAME", order_by="ASC")]
    listed = entities.list(page_size=10, include_fields=["FACETS"], filter_=[only("reportsto", RUNA)], sort=sort, **act_as(TEO))
    assert [p.name for p in listed.results] == ["Lise Quarrie", "Omar Fenwick", "Teo Brandis"]
    department = next(f for f in listed.facet_results if f.source_name == "department")
    assert {b.value.string_value: b.count for b in department.buckets} == {"Drawing": 2, "Yard": 1}
    teams = entities.list(page_size=10, entity_type="TEAMS", **act_as(OMAR)).team_results
    assert [(t.name, len(t.members)) for t in teams] == [("Splicers", 2)]
    teo = entities.read_people(email_ids=[TEO], **act_as(OMAR)).results[0]
    photo = entities.retrieve_person_photo(person_id=teo.obfuscated_id, **act_as(OMAR))
    assert photo.result.read() == base64.b64decode(DEPOT["people"][1]["photoUrl"].split(",")[1])
    refused(404, "", entities.retrieve_person_photo, person_id=lise.obfuscated_id, **act_as(OMAR))


def test_a_token_for_a_web_page(walk: Walk) -> None:
    made = walk.console.token("USER", ["SEARCH"], userEmail=LISE)
    answer = walk.client(made["secret"]).client.authentication.create_token()
    assert abs(answer.expiration_time - time.time() - 7200) < 60
    page = walk.client(answer.token).client
    assert ids(page.search.query(query="hawser").results) == ["hawser", "lanyard"]
    refused(403, "", page.entities.list, page_size=1)
    refused(403, "", page.authentication.create_token)
    checked = walk.client(made["secret"]).client.authentication.check_datasource_auth()
    assert checked.unauthorized_datasource_instances == []
    walk.console.call("DELETE", f"tokens/{made['id']}")
    refused(401, "", page.search.query, query="hawser")


def test_platform_search(walk: Walk) -> None:
    def ask(email: str, **more) -> models.PlatformSearchResponse:
        answer = walk.glean.search.query(query="hawser", **more, **act_as(email))
        return getattr(answer, "result", answer)

    def filtered(field: str, operator: str, value: str) -> dict:
        return {"filters": [models.PlatformFilter(field=field, operator=operator, values=[value])]}

    assert ids(ask(RUNA).results) == ["hawser", "lanyard", "prices"]
    assert ids(ask(TEO).results) == ["hawser", "lanyard"]
    assert ids(ask(RUNA, **filtered("type", "NOT_EQUALS", "Drawing")).results) == ["prices"]
    assert ids(ask(RUNA, **filtered("strands", "GTE", "4")).results) == ["hawser"]
    start, end = (datetime.fromtimestamp(t, timezone.utc) for t in (1_786_050_000, 1_786_150_000))
    assert ids(ask(RUNA, time_range=models.PlatformTimeRange(start=start, end=end)).results) == ["lanyard"]
    seen: list[str] = []
    more: dict = {"page_size": 2}
    while True:
        page = ask(RUNA, **more)
        assert page.warnings == []
        seen += ids(page.results)
        if not page.has_more:
            break
        more = {"page_size": 2, "cursor": page.next_cursor}
    assert sorted(seen) == ["hawser", "lanyard", "prices"]

    def problem(status: int, code: str, call, *args, **kwargs) -> None:
        assert refused(status, "", call, *args, kind=errors.PlatformProblemDetailError, **kwargs).data.code == code

    problem(400, "invalid_datasource", ask, TEO, datasources=["nosuchsource"])
    problem(400, "invalid_cursor", ask, TEO, cursor="x")
    problem(400, "invalid_filter", ask, TEO, **filtered("strands", "GT", "many"))
    problem(401, "authentication_required", walk.client("shf_c_" + "A" * 49).search.query, query="hawser")
    problem(403, "insufficient_permissions", walk.of(TEO, "PEOPLE").search.query, query="hawser")


def test_platform_filters(walk: Walk) -> None:
    def listed(**more) -> list[models.PlatformDatasourceFilterInfo]:
        return walk.glean.search.list_filters(**more, **act_as(TEO)).result.datasources

    assert sorted(d.datasource for d in listed()) == sorted([DRAWINGS, CHAT])
    values = {f.field: sorted(f.values or []) for f in listed(datasources=[DRAWINGS], query="hawser")[0].filters}
    assert (values["material"], values["type"]) == (["hemp", "sisal"], ["Drawing"])
    refused(400, "", listed, datasources=["nosuchsource"], kind=errors.PlatformProblemDetailError)

"""The published Python client, unmodified, walks through the company of company.json.

The tests are one story and run in order. The client raises where an answer does not fit its types, so a field of the
wrong shape fails here even where no assertion looks at it.
"""

from __future__ import annotations

import re

import pytest
from conftest import COMPANY, Console, Server, eventually
from glean.api_client import Glean, models
from walk import act_as, add_datasource, ids, refused

CLIENT = "python"
ADMIN, NORA, SAM, IVO = (e["email"] for e in COMPANY["employees"])
DATASOURCE = COMPANY["datasource"]["name"]
QUERY = COMPANY["query"]
SEES = COMPANY["sees"]


class Story:
    """What the tests hand on to each other."""

    def __init__(self, server: Server, console: Console) -> None:
        self.server, self.console = server, console
        self.tokens: dict[str, dict] = {}
        self.indexing = self.client(
            server.cli("indexing-token", "create", "--description", "scenario intake")["secret"]
        )

    def client(self, secret: str | None) -> Glean:
        return Glean(server_url=self.server.url, api_token=secret, timeout_ms=10_000)

    def of(self, name: str) -> Glean:
        return self.client(self.tokens[name]["secret"])

    def search(self, token: str, email: str | None = None, query: str = QUERY, **more):
        return self.of(token).client.search.query(query=query, page_size=50, **more, **act_as(email))

    def finds(self, email: str, expected: list[str], query: str = QUERY):
        answer = self.search("global", email, query)
        assert ids(answer.results) == sorted(expected), f"what {email} finds for {query}"
        return answer


@pytest.fixture(scope="module")
def story(server: Server, console: Console) -> Story:
    return Story(server, console)


def test_company_goes_in(story: Story) -> None:
    indexing = story.indexing.indexing
    source = COMPANY["datasource"]
    add_datasource(story.indexing, source)
    config = indexing.datasources.retrieve_config(datasource=DATASOURCE)
    assert (config.name, config.display_name) == (source["name"], source["displayName"])
    for employee in COMPANY["employees"]:
        indexing.people.index(employee=models.EmployeeInfoDefinition.model_validate(employee))
    for user in COMPANY["users"]:
        indexing.permissions.index_user(
            datasource=DATASOURCE, user=models.DatasourceUserDefinition.model_validate(user)
        )
    for group in COMPANY["groups"]:
        indexing.permissions.index_group(datasource=DATASOURCE, group=models.DatasourceGroupDefinition(**group))
    for membership in COMPANY["memberships"]:
        indexing.permissions.index_membership(
            datasource=DATASOURCE, membership=models.DatasourceMembershipDefinition.model_validate(membership)
        )
    first, *rest = (models.DocumentDefinition.model_validate(d) for d in COMPANY["documents"])
    indexing.documents.add_or_update(document=first)
    indexing.documents.index(datasource=DATASOURCE, documents=rest)


def test_tokens_are_made(story: Story) -> None:
    story.tokens = {
        "global": story.console.token("GLOBAL", ["SEARCH", "DOCUMENTS", "PEOPLE", "ENTITIES"]),
        "sam": story.console.token("USER", ["SEARCH", "ANSWERS"], userEmail=SAM),
        "ivo": story.console.token("USER", ["SEARCH"], userEmail=IVO),
        "anonymous": story.console.token("ANONYMOUS", ["SEARCH"]),
    }
    # A token made on the host is as good as one made in the console.
    story.tokens["host"] = story.server.cli(
        "token", "create", "--permission", "USER", "--user", NORA, "--scopes", "SEARCH", "--description", "scenario host"
    )
    for token in story.tokens.values():
        assert re.fullmatch(r"shf_c_[0-9A-Za-z]{49}", token["secret"])


def test_each_person_finds_exactly_what_they_may_see(story: Story) -> None:
    for email, expected in SEES.items():
        eventually(lambda email=email, expected=expected: story.finds(email, expected))
    assert ids(story.search("sam").results) == SEES[SAM]
    assert ids(story.search("host").results) == SEES[NORA]


def test_anonymous_sees_nothing_until_the_datasource_is_opened(story: Story) -> None:
    assert ids(story.search("anonymous").results) == []
    story.console.call("PATCH", f"datasources/{DATASOURCE}", {"openToAnonymousTokens": True})

    def opened() -> None:
        assert ids(story.search("anonymous").results) == COMPANY["anonymous"]

    eventually(opened)
    refused(403, "", story.of("anonymous").client.entities.list, page_size=5)


def test_results_carry_titles_snippets_and_facets(story: Story) -> None:
    answer = story.search(
        "global", NORA,
        request_options=models.SearchRequestOptions(
            facet_bucket_size=10, response_hints=[models.ResponseHint.RESULTS, models.ResponseHint.FACET_RESULTS]
        ),
    )
    log = next(r for r in answer.results if r.url.endswith("/captains-log"))
    assert (log.title, log.document.datasource, log.document.doc_type) == ("Log of the pilot boat", DATASOURCE, "Logbook")
    assert any("lighthouse" in (s.text or "") for s in log.snippets)
    assert answer.metadata.searched_query == QUERY
    types = next(f for f in answer.facet_results if "type" in (f.operator_name, f.source_name))
    assert {b.value.string_value: b.count for b in types.buckets} == {"Note": 4, "Logbook": 1}
    only = models.FacetFilter(
        field_name="type",
        values=[models.FacetFilterValue(relation_type=models.RelationType.EQUALS, value="Logbook")],
    )
    narrowed = story.search(
        "global", NORA, request_options=models.SearchRequestOptions(facet_bucket_size=10, facet_filters=[only])
    )
    assert ids(narrowed.results) == ["captains-log"]


def test_completions_documents_and_people(story: Story) -> None:
    client = story.of("global").client

    def completions(email: str) -> str:
        answer = client.search.autocomplete(query="log of the pi", result_size=10, **act_as(email))
        return " ".join(r.result for r in answer.results or []).lower()

    assert "pilot" in completions(NORA)
    assert "pilot" not in completions(SAM)

    urls = [f"https://notes.tidewater.example/n/{name}" for name in ("captains-log", "nowhere")]
    specs = [models.DocumentSpec1(url=url) for url in urls]

    def read(email: str) -> dict:
        request = models.GetDocumentsRequest(document_specs=specs)
        return client.documents.retrieve(get_documents_request=request, **act_as(email)).documents

    assert read(NORA)[urls[0]].title == "Log of the pilot boat"
    hidden = read(SAM)
    assert hidden[urls[0]].error == hidden[urls[1]].error != ""

    people = client.entities.read_people(email_ids=[SAM, "nobody@tidewater.example"], **act_as(NORA))
    assert [(p.name, p.metadata.email) for p in people.results] == [("Sam Oduya", SAM)]
    assert people.errors
    named = client.entities.list(query="lindqvist", page_size=50, **act_as(SAM))
    assert [p.metadata.email for p in named.results] == [IVO]


def test_wrong_callers_are_refused(story: Story) -> None:
    query = {"query": QUERY, "page_size": 1}
    search = story.of("global").client.search.query
    refused(403, "ENTITIES", story.of("sam").client.entities.list, page_size=5)
    refused(400, "Required header missing: X-Glean-ActAs", search, **query)
    refused(401, "Invalid identity", search, **query, **act_as("stranger@tidewater.example"))
    refused(400, "", story.of("sam").client.search.query, **query, **act_as(SAM))
    refused(401, "", story.client("shf_c_" + "A" * 49).client.search.query, **query)
    refused(401, "", story.of("sam").indexing.datasources.retrieve_config, datasource=DATASOURCE)
    refused(401, "", story.indexing.client.search.query, **query)
    # The same refusal with the scope missing on search itself, where the client insists on a body it can read.
    story.tokens["pins"] = story.console.token("USER", ["PINS"], userEmail=SAM)
    refused(403, "SEARCH", story.of("pins").client.search.query, **query)


def test_what_is_not_built_is_not_found(story: Story) -> None:
    refused(404, "", story.of("sam").client.answers.create, data=models.AnswerCreationData(question="Who keeps the lamp?"))


def test_a_revoked_token_is_dead_at_once(story: Story) -> None:
    assert ids(story.search("ivo").results) == SEES[IVO]
    story.console.call("DELETE", f"tokens/{story.tokens['ivo']['id']}")
    refused(401, "", story.search, "ivo")


def test_changes_take_effect(story: Story) -> None:
    indexing = story.indexing.indexing
    indexing.permissions.update_permissions(
        datasource=DATASOURCE, object_type="Logbook", id="captains-log",
        permissions=models.DocumentPermissionsDefinition(allowed_users=[models.UserReferenceDefinition(email=SAM)]),
    )
    eventually(lambda: story.finds(NORA, [name for name in SEES[NORA] if name != "captains-log"]))
    eventually(lambda: story.finds(SAM, [*SEES[SAM], "captains-log"]))
    member = models.DatasourceMembershipDefinition(group_name="captains", member_user_id=IVO)
    indexing.permissions.index_membership(datasource=DATASOURCE, membership=member)
    eventually(lambda: story.finds(IVO, [*SEES[IVO], "crew-rota", "rescue-plan"]))
    indexing.documents.delete(datasource=DATASOURCE, object_type="Note", id="crew-rota")
    eventually(lambda: story.finds(IVO, [*SEES[IVO], "rescue-plan"]))

"""Every operation of the Indexing API, through the published Python client: what goes in is read back, with the same
client, by those who may see it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from conftest import DEPOT, Console, Server, eventually
from glean.api_client import Glean, errors, models
from walk import CHAT, DRAWINGS, LISE, OMAR, RUNA, TEO, act_as, add_datasource, address, documents, fill, ids, only, refused

CLIENT = "python"
ADMIN = DEPOT["admin"]
WHOLE = {"is_first_page": True, "is_last_page": True}


class Walk:
    def __init__(self, server: Server, console: Console) -> None:
        self.server, self.console = server, console
        self.glean = self.client(server.cli("indexing-token", "create", "--description", "walk")["secret"])
        self.reader = self.client(console.token("GLOBAL", ["SEARCH", "DOCUMENTS", "ENTITIES", "PEOPLE"])["secret"])
        self.indexing = self.glean.indexing

    def client(self, secret: str) -> Glean:
        return Glean(server_url=self.server.url, api_token=secret, timeout_ms=10_000)

    def found(self, email: str, query: str, *filters: models.FacetFilter) -> list[str]:
        options = models.SearchRequestOptions(facet_bucket_size=0, facet_filters=list(filters), disable_query_autocorrect=True)
        answer = self.reader.client.search.query(query=query, page_size=100, request_options=options, **act_as(email))
        return ids(answer.results)

    def finds(self, email: str, query: str, expected: list[str], *filters: models.FacetFilter) -> None:
        def check() -> None:
            assert self.found(email, query, *filters) == sorted(expected), f"{email}: {query}"

        eventually(check)


@pytest.fixture(scope="module")
def walk(server: Server, console: Console) -> Walk:
    return Walk(server, console)


def sheet(name: str, text: str = "A sheet about splicing.", **more) -> models.DocumentDefinition:
    return models.DocumentDefinition.model_validate({
        "datasource": DRAWINGS, "objectType": "Sheet", "id": name, "viewURL": address(name), "title": f"Sheet {name}",
        "body": {"mimeType": "text/plain", "textContent": text}, "permissions": {"allowAllDatasourceUsersAccess": True}, **more,
    })


def test_company_goes_in_and_those_may_act_who_were_just_pushed(walk: Walk) -> None:
    fill(walk.glean)
    for email in (RUNA, TEO, LISE, OMAR):
        walk.reader.client.search.query(query="", **act_as(email))
    walk.finds(TEO, "hawser", ["hawser", "lanyard"])
    walk.finds(RUNA, "hawser", ["hawser", "lanyard", "prices"])
    walk.finds(OMAR, "hawser", [])
    walk.finds(LISE, "fid", ["m1", "m2"])
    walk.finds(RUNA, "fid", [])


def test_datasource_is_read_back(walk: Walk) -> None:
    config = walk.indexing.datasources.retrieve_config(datasource=DRAWINGS)
    assert (config.name, config.url_regex) == (DRAWINGS, DEPOT["drawings"]["urlRegex"])
    properties = {p.name: p.property_type for o in config.object_definitions for p in o.property_definitions or []}
    assert properties == {"material": "PICKLIST", "strands": "INT"}
    refused(400, "", walk.indexing.datasources.retrieve_config, datasource="nosuchsource")
    refused(400, "urlRegex", add_datasource, walk.glean, {**DEPOT["drawings"], "urlRegex": "("})


def test_bodies_and_properties_are_searched(walk: Walk) -> None:
    walk.finds(TEO, "sisal yarn", ["hawser"], only("material", "sisal"))
    walk.finds(TEO, "material:hemp", ["lanyard"])
    walk.finds(TEO, "hawser", ["hawser"], only("strands", "3", "GT"))


def test_versions_and_bad_documents(walk: Walk) -> None:
    put = walk.indexing.documents.add_or_update
    put(document=sheet("versioned", "Seizing, the seventh."), version=7)
    refused(409, "", put, document=sheet("versioned", "Seizing, the sixth."), version=6)
    put(document=sheet("versioned", "Seizing, the eighth."), version=8)
    walk.finds(TEO, "seizing eighth", ["versioned"])
    key = {"datasource": DRAWINGS, "object_type": "Sheet", "id": "versioned"}
    refused(409, "", walk.indexing.documents.delete, **key, version=7)
    walk.indexing.documents.delete(**key, version=9)
    walk.finds(TEO, "seizing", [])
    bad = sheet("broken", body={"mimeType": "application/pdf", "binaryContent": "bm8gcGRm"})
    refused(400, r"documents\[1\]", walk.indexing.documents.index, datasource=DRAWINGS, documents=[sheet("whole"), bad])
    refused(400, "(?i)viewurl", put, document=sheet("elsewhere", viewURL="https://elsewhere.example/"))
    assert walk.found(TEO, "whole") == []


def test_bulk_upload(walk: Walk) -> None:
    def page(upload: str, numbers: range, **more) -> None:
        raw = [
            {**DEPOT["messages"][0], "id": f"b{n}", "viewURL": f"https://chat.ropeworks.example/b{n}",
             "body": {"mimeType": "text/plain", "textContent": "About oakum."}}
            for n in numbers
        ]
        walk.indexing.documents.bulk_index(upload_id=upload, datasource=CHAT, documents=documents(raw), **more)

    def oakum(numbers: range) -> None:
        walk.finds(TEO, "oakum", [f"b{n}" for n in numbers])

    page("u1", range(10), is_first_page=True)
    refused(409, "", page, "u2", range(1), is_first_page=True)
    refused(400, "", page, "never", range(1))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda start: page("u1", range(start, start + 10)), (30, 10, 40, 20)))
    page("u1", range(50, 60), is_last_page=True)
    oakum(range(60))
    page("u3", range(30), is_first_page=True)
    page("u4", range(55), is_first_page=True, force_restart_upload=True)
    refused(409, "", page, "u3", range(0), is_last_page=True)
    page("u4", range(0), is_last_page=True)
    oakum(range(55))
    page("u5", range(0), **WHOLE, disable_stale_document_deletion_check=True)
    oakum(range(0))
    for message in documents(DEPOT["messages"]):
        walk.indexing.documents.add_or_update(document=message)


def test_permissions_change_alone(walk: Walk) -> None:
    def may(email: str) -> bool:
        check = walk.indexing.documents.check_access
        return check(datasource=DRAWINGS, object_type="Drawing", doc_id="hawser", user_email=email).has_access

    update = walk.indexing.permissions.update_permissions
    assert [may(TEO), may(OMAR), may("nobody@ropeworks.example")] == [True, False, False]
    lise = models.DocumentPermissionsDefinition(allowed_users=[models.UserReferenceDefinition(email=LISE)])
    update(datasource=DRAWINGS, object_type="Drawing", id="hawser", permissions=lise)
    assert [may(TEO), may(LISE)] == [False, True]
    walk.finds(TEO, "hawser", ["lanyard"])
    drawers = models.DocumentPermissionsDefinition(allowed_groups=["draughtsmen"])
    update(datasource=DRAWINGS, view_url=address("hawser"), permissions=drawers)
    walk.finds(TEO, "hawser", ["hawser", "lanyard"])
    refused(404, "", update, datasource=DRAWINGS, object_type="Drawing", id="missing", permissions=drawers)


def test_identities(walk: Walk) -> None:
    permissions = walk.indexing.permissions
    users = [models.DatasourceUserDefinition(email=e, name=e, is_active=True) for e in (RUNA, TEO, LISE, OMAR)]
    permissions.bulk_index_users(upload_id="iu", datasource=DRAWINGS, users=users, **WHOLE)
    walk.finds(OMAR, "hawser", ["lanyard"])
    member = models.DatasourceMembershipDefinition(group_name="draughtsmen", member_user_id=OMAR)
    permissions.index_membership(datasource=DRAWINGS, membership=member)
    walk.finds(OMAR, "hawser", ["hawser", "lanyard"])
    permissions.delete_membership(datasource=DRAWINGS, membership=member)
    walk.finds(OMAR, "hawser", ["lanyard"])
    groups = [models.DatasourceGroupDefinition(name=n) for n in ("draughtsmen", "office", "yard")]
    permissions.bulk_index_groups(
        upload_id="ig", datasource=DRAWINGS, groups=groups, disable_stale_data_deletion_check=True, **WHOLE
    )
    permissions.bulk_index_memberships(
        upload_id="im", datasource=DRAWINGS, group="yard", **WHOLE,
        memberships=[models.DatasourceBulkMembershipDefinition(member_user_id=OMAR)],
    )
    plan = sheet("yardplan", "Where the capstan stands.", permissions={"allowedGroups": ["yard"]})
    walk.indexing.documents.add_or_update(document=plan)
    walk.finds(OMAR, "capstan", ["yardplan"])
    permissions.process_memberships(request={"datasource": DRAWINGS})
    walk.finds(OMAR, "capstan", ["yardplan"])
    permissions.delete_group(datasource=DRAWINGS, group_name="yard")
    walk.finds(OMAR, "capstan", [])
    permissions.delete_user(datasource=DRAWINGS, email=OMAR)
    walk.finds(OMAR, "hawser", [])
    group = models.DatasourceGroupDefinition(name="two words")
    refused(400, "", permissions.index_group, datasource=DRAWINGS, group=group)


def test_debug_operations_tell_what_became_of_it(walk: Walk) -> None:
    docs, staff = walk.indexing.documents, walk.indexing.people
    key = {"object_type": "Drawing", "doc_id": "hawser"}

    def indexed() -> None:
        one = docs.debug(datasource=DRAWINGS, **key)
        status = one.status
        assert (status.upload_status, status.indexing_status, status.permission_identity_status) == ("UPLOADED", "INDEXED", "UPLOADED")
        assert one.uploaded_permissions.allowed_groups == ["draughtsmen"]

    eventually(indexed)
    wanted = [models.DebugDocumentRequest(**key), models.DebugDocumentRequest(object_type="Drawing", doc_id="missing")]
    many = docs.debug_many(datasource=DRAWINGS, debug_documents=wanted).document_statuses
    assert [d.debug_info.status.upload_status for d in many] == ["UPLOADED", "NOT_UPLOADED"]
    events = {e.event for e in docs.debug_events(datasource=DRAWINGS, **key, max_events=10).life_cycle_events}
    assert {"UPLOADED", "INDEXED"} <= events
    user = staff.debug(datasource=DRAWINGS, email=LISE)
    assert (user.status.upload_status, [g.name for g in user.uploaded_groups]) == ("UPLOADED", ["draughtsmen"])
    state = docs.status(datasource=DRAWINGS, **key)
    assert (state.upload_status, state.indexing_status) == ("UPLOADED", "INDEXED")
    assert abs(state.last_uploaded_at - time.time()) < 300
    assert docs.count(datasource=DRAWINGS).document_count == 4
    assert staff.count(datasource=DRAWINGS).user_count == 3
    whole = walk.indexing.datasource.status(datasource=DRAWINGS)
    assert whole.datasource_visibility == "ENABLED_FOR_ALL"
    assert {c.object_type: c.count for c in whole.documents.counts.uploaded} == {"Drawing": 2, "Sheet": 2}
    history = walk.indexing.datasource.status(datasource=CHAT).documents.bulk_upload_history
    assert any((u.upload_id, u.status) == ("u4", "SUCCESSFUL") for u in history)


def test_people_and_teams(walk: Walk) -> None:
    staff = walk.indexing.people

    def upload(name: str, raw: list[dict], **more) -> None:
        employees = [models.EmployeeInfoDefinition.model_validate(p) for p in raw]
        staff.bulk_index(upload_id=name, employees=employees, **WHOLE, **more)

    def hand(n: int) -> dict:
        return {"email": f"hand{n}@ropeworks.example", "firstName": f"Hand{n}", "lastName": "Stokes", "department": "Yard"}

    def stokes(count: int) -> None:
        def check() -> None:
            answer = walk.reader.client.entities.list(query="stokes", page_size=50, **act_as(RUNA))
            assert len(answer.results or []) == count

        eventually(check)

    everyone = DEPOT["people"] + [hand(n) for n in range(1, 9)]
    upload("e1", everyone)
    stokes(8)
    upload("e2", everyone[:-1])
    stokes(7)
    upload("e3", DEPOT["people"], disable_stale_data_deletion_check=True)
    stokes(0)
    search = walk.reader.client.search.query
    refused(401, "Invalid identity", search, query="", **act_as(hand(1)["email"]))
    staff.index(employee=models.EmployeeInfoDefinition.model_validate(hand(9)))
    search(query="", **act_as(hand(9)["email"]))
    staff.delete(employee_email=hand(9)["email"])
    refused(401, "Invalid identity", search, query="", **act_as(hand(9)["email"]))

    def teams(*expected: str) -> None:
        def check() -> None:
            answer = walk.reader.client.entities.list(entity_type="TEAMS", page_size=50, **act_as(RUNA))
            assert sorted(t.name for t in answer.team_results or []) == list(expected)

        eventually(check)

    both = [DEPOT["team"], {"id": "team-tar", "name": "Tarrers", "members": [{"email": OMAR}]}]
    staff.bulk_index_teams(upload_id="t1", teams=[models.TeamInfoDefinition.model_validate(t) for t in both], **WHOLE)
    teams("Splicers", "Tarrers")
    staff.delete_team(id="team-tar")
    teams("Splicers")
    staff.process_all_employees_and_teams()


def test_a_test_datasource_is_seen_by_its_testers_alone(walk: Walk) -> None:
    add_datasource(walk.glean, {**DEPOT["drawings"], "name": "trialdrawings", "displayName": "Trial"}, is_test_datasource=True)
    trial = sheet("trial", "A trial marlinspike.", datasource="trialdrawings", permissions={"allowAnonymousAccess": True})
    walk.indexing.documents.add_or_update(document=trial)
    walk.indexing.permissions.authorize_beta_users(datasource="trialdrawings", emails=[TEO])
    walk.finds(TEO, "marlinspike", ["trial"])
    walk.finds(LISE, "marlinspike", [])


def test_custom_metadata(walk: Walk) -> None:
    # Without its address on each call, the client sends these to a host that is none.
    here = {"server_url": walk.server.url}
    name = f"{DRAWINGS}/Drawing/lanyard"
    refused(
        401, "custommetadata:quality", walk.indexing.custom_metadata.get_schema, group_name="quality",
        kind=errors.ErrorInfoResponse, **here,
    )
    made = walk.server.cli("indexing-token", "create", "--description", "metadata", "--scopes", "custommetadata:global_scope")
    metadata = walk.client(made["secret"]).indexing.custom_metadata

    def keys(kind: str) -> list[models.CustomMetadataPropertyDefinition]:
        return [models.CustomMetadataPropertyDefinition(name="grade", property_type=kind)]

    metadata.upsert_schema(group_name="quality", metadata_keys=keys("PICKLIST"), **here)
    assert [k.name for k in metadata.get_schema(group_name="quality", **here).metadata_keys] == ["grade"]
    refused(409, "", metadata.upsert_schema, group_name="quality", metadata_keys=keys("TEXTLIST"), **here)
    refused(404, "", metadata.get_schema, group_name="nosuchgroup", kind=errors.ErrorInfoResponse, **here)
    grade = [models.CustomProperty(name="grade", value="second")]
    # This client writes an id into the path as it is, unless its caller escapes it.
    metadata.upsert(doc_id=name, group_name="quality", custom_metadata=grade, **here)
    walk.finds(TEO, "lanyard", ["lanyard"], only("qualitygrade", "second"))
    request = models.GetDocumentsRequest(document_specs=[models.DocumentSpec2(id=name)], include_fields=["CUSTOM_METADATA"])
    read = walk.reader.client.documents.retrieve
    assert "second" in repr(read(get_documents_request=request, **act_as(TEO)).documents[name].metadata.custom_data)
    assert read(get_documents_request=request, **act_as(OMAR)).documents[name].error
    metadata.delete(doc_id=quote(name, safe=""), group_name="quality", **here)
    walk.finds(TEO, "lanyard", [], only("qualitygrade", "second"))
    refused(404, "(?i)document", metadata.upsert, doc_id=name.replace("lanyard", "missing"), group_name="quality", custom_metadata=grade, **here)
    metadata.delete_schema(group_name="quality", **here)
    refused(404, "", metadata.get_schema, group_name="quality", **here)


def test_submission(walk: Walk) -> None:
    submit = walk.indexing.datasources.submit
    raw = {
        "datasource": DRAWINGS, "objectType": "Sheet", "id": "submitted", "viewURL": address("submitted"),
        "body": {"mimeType": "text/plain", "textContent": "About ratlines."}, "permissions": {"allowAllDatasourceUsersAccess": True},
    }
    where = {"datasource_instance": DRAWINGS, "server_url": walk.server.url}
    assert submit(type_="document", request_body={"document": raw}, **where).request_id
    walk.finds(TEO, "ratlines", ["submitted"])
    refused(404, "", submit, type_="nosuchtype", request_body={}, **where)


def test_shortcuts(walk: Walk) -> None:
    shortcuts = walk.indexing.shortcuts

    def links(*names: str) -> list[models.ExternalShortcut]:
        return [
            models.ExternalShortcut(
                input_alias=n, destination_url=address(n), intermediate_url=f"https://go.ropeworks.example/{n}", created_by=TEO
            )
            for n in names
        ]

    shortcuts.bulk_index(upload_id="s1", is_first_page=True, shortcuts=links("tar", "oakum"))
    refused(409, "", shortcuts.bulk_index, upload_id="s2", is_first_page=True, shortcuts=[])
    shortcuts.bulk_index(upload_id="s1", is_last_page=True, shortcuts=links("fid"))

    def hosted(alias: str) -> list[models.IndexingShortcut]:
        return [models.IndexingShortcut(input_alias=alias, destination_url=address("hawser"), created_by=TEO, unlisted=False)]

    shortcuts.upload(upload_id="s3", shortcuts=hosted("go/hawser"), **WHOLE)
    refused(400, "", shortcuts.upload, upload_id="s4", shortcuts=hosted("a b"), **WHOLE)


def test_everything_is_worked_on_anew_once_in_three_hours(walk: Walk) -> None:
    anew = walk.indexing.documents.process_all
    anew(request={"datasource": DRAWINGS})
    refused(429, "", anew, request={"datasource": DRAWINGS})
    walk.finds(TEO, "hawser", ["hawser", "lanyard"])


def test_a_token_rotates_itself(walk: Walk) -> None:
    made = walk.console.call("POST", "indexing-tokens", {
        "description": "walk", "datasources": [DRAWINGS], "rotationPeriodMinutes": 1440, "expiresAt": int(time.time()) + 86_400 * 3,
    })
    turned = walk.client(made["secret"]).indexing.authentication.rotate_token()
    assert turned.rotation_period_minutes == 1440 and turned.raw_secret != made["secret"]
    put = walk.client(turned.raw_secret).indexing.documents.add_or_update
    put(document=sheet("rotated"))
    refused(403, "", put, document=documents(DEPOT["messages"])[0])
    refused(400, "", walk.indexing.authentication.rotate_token)

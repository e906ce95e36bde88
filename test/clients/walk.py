"""What the walks with the published Python client share: how to act as a person, what a refusal must be, and how the
ropeworks of depot.json go in."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import DEPOT
from glean.api_client import Glean, errors, models

RUNA, TEO, LISE, OMAR = (p["email"] for p in DEPOT["people"])
DRAWINGS, CHAT = DEPOT["drawings"]["name"], DEPOT["chat"]["name"]


def act_as(email: str | None) -> dict:
    return {"http_headers": {"X-Glean-ActAs": email}} if email else {}


def ids(results: list | None) -> list[str]:
    return sorted(r.url.rsplit("/", 1)[1] for r in results or [])


def address(name: str) -> str:
    return f"https://drawings.ropeworks.example/{name}"


def only(field: str, value: str, relation: str = "EQUALS") -> models.FacetFilter:
    return models.FacetFilter(field_name=field, values=[models.FacetFilterValue(relation_type=relation, value=value)])


def refused(status: int, words: str, call: Callable, *args, kind: type = errors.GleanBaseError, **kwargs):
    """The call must be refused with that status and type of error, in words that show nothing of the inside."""
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    error = caught.value
    assert not isinstance(error, errors.ResponseValidationError), error
    assert error.status_code == status, error.body
    assert re.search(words, error.body), error.body
    assert not re.search(r"goroutine|panic|\.go:\d|SQLITE|sql:", error.body), error.body
    return error


def add_datasource(glean: Glean, source: dict, **more) -> None:
    config = models.CustomDatasourceConfig.model_validate(source)
    glean.indexing.datasources.add(
        name=config.name, display_name=config.display_name, datasource_category=config.datasource_category,
        url_regex=config.url_regex, home_url=config.home_url, object_definitions=config.object_definitions,
        is_user_referenced_by_email=config.is_user_referenced_by_email, **more,
    )


def documents(raw: list[dict]) -> list[models.DocumentDefinition]:
    return [models.DocumentDefinition.model_validate(d) for d in raw]


def fill(glean: Glean) -> None:
    indexing = glean.indexing
    for person in DEPOT["people"]:
        indexing.people.index(employee=models.EmployeeInfoDefinition.model_validate(person))
    indexing.people.index_team(team=models.TeamInfoDefinition.model_validate(DEPOT["team"]))
    for source in (DEPOT["drawings"], DEPOT["chat"]):
        add_datasource(glean, source)
        for email in (RUNA, TEO, LISE):
            user = models.DatasourceUserDefinition(email=email, name=email.split("@")[0], is_active=True)
            indexing.permissions.index_user(datasource=source["name"], user=user)
    for group in DEPOT["groups"]:
        indexing.permissions.index_group(datasource=DRAWINGS, group=models.DatasourceGroupDefinition(**group))
    for membership in DEPOT["memberships"]:
        indexing.permissions.index_membership(
            datasource=DRAWINGS, membership=models.DatasourceMembershipDefinition.model_validate(membership)
        )
    indexing.documents.index(datasource=DRAWINGS, documents=documents(DEPOT["documents"]))
    for message in documents(DEPOT["messages"]):
        indexing.documents.add_or_update(document=message)

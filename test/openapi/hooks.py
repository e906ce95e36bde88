"""Gives what schemathesis makes up a chance to mean something.

A random text names no datasource, so a server that checks its requests would refuse nearly all of them at the first field. In half of the
requests the hook puts names of the sample company where names are asked for. What it puts where follows from the request alone, so that
a run can be repeated.
"""

from __future__ import annotations

import random

import schemathesis

NAMES = {
    "datasource": ["wiki", "tickets", "crm"],
    "datasources": [["wiki"], ["wiki", "tickets"]],
    "datasourceFilter": ["wiki"],
    "datasourcesFilter": [["wiki", "chat"]],
    "objectType": ["page", "bug"],
    "docType": ["page"],
    "email": ["sofie.lund@quillmere.example"],
    "userEmail": ["sofie.lund@quillmere.example"],
    "memberUserId": ["sofie.lund@quillmere.example"],
    "emailIds": [["sofie.lund@quillmere.example"]],
    "groupName": ["field-north", "engineering"],
    "memberGroupName": ["engineering"],
    "fieldName": ["type", "from", "last_updated_at", "app", "priority"],
    "field": ["type", "from", "updated_at", "priority", "value"],
    "operator": ["EQUALS", "NOT_EQUALS", "GT", "LTE"],
    "relationType": ["EQUALS", "NOT_EQUALS", "GT", "LT", "ID_EQUALS"],
    "values": [["page"], ["2026-01-01"]],
    "responseHints": [["RESULTS", "FACET_RESULTS", "QUERY_METADATA", "SPELLCHECK_METADATA", "ALL_RESULT_COUNTS"]],
    "entityType": ["PEOPLE", "TEAMS"],
    "requestType": ["STANDARD", "FULL_DIRECTORY"],
    "includeFields": [["MANAGEMENT_DETAILS", "DOCUMENT_CONTENT", "FACETS"]],
    "idType": ["CHANNEL_NAME", "THREAD_ID"],
    "mimeType": ["text/plain", "text/html"],
    "viewURL": ["https://wiki.quillmere.example/pages/made-up"],
    "page_size": [1, 100],
    "cursor": [""],
}


def fill(value, dice: random.Random):
    """Returns value with names where its keys ask for them."""
    if isinstance(value, dict):
        return {k: dice.choice(NAMES[k]) if k in NAMES and dice.random() < 0.7 else fill(v, dice) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, dice) for v in value]
    return value


@schemathesis.hook
def map_body(context, body):
    dice = random.Random(repr(body))
    return fill(body, dice) if dice.random() < 0.5 else body


@schemathesis.hook
def map_query(context, query):
    if not query:
        return query
    dice = random.Random(repr(query))
    return fill(query, dice) if dice.random() < 0.5 else query

// Every operation of the Client and Platform APIs that is built, through the published TypeScript client: what the
// Indexing API took is found by those who may see it, and the errors are of the types that the client documents.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Glean } from "@gleanwork/api-client";
import { GleanDataError, PlatformProblemDetailError } from "@gleanwork/api-client/models/errors";
import { eventually, signIn, startServer } from "../harness/server.mjs";
import { chat, depot, drawings, fill, lise, omar, runa, teo, url } from "./depot.mjs";
import { as, refused, story } from "./sdk.mjs";

const all = ["SEARCH", "DOCUMENTS", "DOCPERMISSIONS", "ENTITIES", "PEOPLE"];
let server, admin, indexing, glean;
const client = (apiToken) => new Glean({ serverURL: server.url, apiToken });
const names = (results) => (results ?? []).map((r) => r.url.split("/").pop()).sort();

before(async () => {
  server = await startServer();
  admin = await signIn(server, depot.admin);
  indexing = client((await server.cli("indexing-token", "create", "--description", "walk")).secret);
  await fill(indexing);
  glean = client((await admin.token("GLOBAL", all)).secret);
});
after(async () => {
  await server?.report("typescript");
  await server?.stop();
});

const search = (email, query, requestOptions, more) =>
  glean.client.search.query(
    { query, pageSize: 50, ...(requestOptions && { requestOptions: { facetBucketSize: 10, ...requestOptions } }), ...more },
    undefined, as(email));
const filter = (fieldName, value, relationType = "EQUALS") => ({ fieldName, values: [{ relationType, value }] });

test("the TypeScript client: the Client and Platform APIs", async (t) => {
  const step = story(t);

  await step("search with filters, sets of them, dates and what they come to", async () => {
    await eventually(async () => assert.deepEqual(names((await search(runa, "hawser")).results), ["hawser", "lanyard", "prices"]));
    const both = { facetFilterSets: [{ filters: [filter("type", "Sheet")] }, { filters: [filter("material", "hemp")] }] };
    assert.deepEqual(names((await search(runa, "hawser", both)).results), ["lanyard", "prices"]);
    assert.deepEqual(names((await search(teo, "hawser", both)).results), ["lanyard"]);
    assert.deepEqual(names((await search(runa, "hawser", { facetFilters: [filter("last_updated_at", "2026-08-07", "GT")] })).results), ["prices"]);
    assert.deepEqual(names((await search(runa, "hawser", { facetFilters: [filter("from", teo)] })).results), ["hawser"]);
    const said = await search(runa, "hawser type:Drawing", { queryOverridesFacetFilters: true, facetFilters: [filter("type", "Sheet")] });
    assert.deepEqual(names(said.results), ["hawser", "lanyard"]);
    assert.match(JSON.stringify(said.rewrittenFacetFilters), /Drawing/i);
    const { metadata } = await search(runa, "hawsr", {});
    assert.equal(metadata.querySuggestion.query, "hawser");
  });

  await step("facets, tabs and counts speak of what the person may see", async () => {
    const count = async (email) => {
      const answer = await search(email, "hawser", { responseHints: ["FACET_RESULTS", "QUERY_METADATA", "ALL_RESULT_COUNTS", "RESULTS"] });
      const type = answer.facetResults.find((f) => f.sourceName === "type");
      return [type.buckets.map((b) => `${b.value.stringValue} ${b.count}`).sort(), answer.resultTabs.find((tab) => tab.id === drawings)?.count];
    };
    assert.deepEqual(await count(runa), [["Drawing 2", "Sheet 1"], 3]);
    assert.deepEqual(await count(teo), [["Drawing 2"], 2]);
    const prefixed = await search(runa, "", { responseHints: ["FACET_RESULTS"], facetBucketFilter: { facet: "material", prefix: "si" }, datasourceFilter: drawings }, { pageSize: 0 });
    assert.deepEqual(prefixed.facetResults.find((f) => f.sourceName === "material").buckets.map((b) => b.value.stringValue), ["sisal"]);
    assert.deepEqual(prefixed.results ?? [], []);
    const long = await search(teo, "tarred", { returnLlmContentOverSnippets: true }, { maxSnippetSize: 400 });
    assert.match(long.results[0].snippets[0].text, /laid right-handed.*tarred twice/s);
  });

  await step("bad questions have the documented errors", async () => {
    const error = await refused(422, () => search(teo, "hawser", { facetFilters: [filter("last_updated_at", "yesteryear")] }), undefined, GleanDataError);
    assert.deepEqual(error.invalidOperators, [{ key: "last_updated_at", value: "yesteryear" }]);
    await refused(400, () => search(teo, "hawser", { facetFilters: [filter("type", "Sheet")], facetFilterSets: [{ filters: [] }] }));
    await refused(400, () => search(teo, "hawser", undefined, { cursor: "not a cursor" }), /cursor/i);
    await refused(403, () => glean.client.search.queryAsAdmin({ query: "hawser" }, undefined, as(runa)));
  });

  await step("pages go on by cursor, each for one person alone", async () => {
    const seen = [];
    let page = await search(runa, "", undefined, { pageSize: 1 });
    for (;;) {
      seen.push(...names(page.results));
      if (!page.hasMoreResults) break;
      const { cursor } = page;
      await refused(400, () => search(teo, "", undefined, { pageSize: 1, cursor }));
      page = await search(runa, "", undefined, { pageSize: 1, cursor });
    }
    assert.deepEqual(seen.sort(), ["hawser", "lanyard", "prices"]);
    const directory = [];
    let cursor;
    do {
      const some = await glean.client.entities.list({ pageSize: 3, ...(cursor && { cursor }) }, undefined, as(teo));
      assert.equal(some.totalCount, 5);
      directory.push(...some.results.map((p) => p.metadata.email));
      cursor = some.hasMoreResults ? some.cursor : undefined;
    } while (cursor);
    // The first start made an administrator, who is a person too.
    assert.deepEqual(directory.sort(), ["admin@localhost", lise, omar, runa, teo]);
  });

  await step("an administrator in person searches everything, others do not", async () => {
    const own = client((await admin.token("USER", ["SEARCH"], { userEmail: runa })).secret);
    assert.deepEqual(names((await own.client.search.queryAsAdmin({ query: "fid", pageSize: 10, disableSpellcheck: true })).results), ["m1", "m2"]);
    assert.deepEqual(names((await own.client.search.query({ query: "fid", pageSize: 10, disableSpellcheck: true })).results), []);
    const teos = client((await admin.token("USER", ["SEARCH"], { userEmail: teo })).secret);
    await refused(403, () => teos.client.search.queryAsAdmin({ query: "fid" }));
  });

  await step("completions: documents, people, datasources and values of operators", async () => {
    const complete = async (email, query) => (await glean.client.search.autocomplete({ query, resultSize: 20 }, undefined, as(email))).results ?? [];
    const types = async (email, query) => [...new Set((await complete(email, query)).map((r) => r.resultType))];
    assert.ok((await types(teo, "hawser fo")).includes("DOCUMENT"));
    assert.ok((await types(teo, "quarr")).includes("ENTITY"));
    assert.ok((await types(teo, "type:")).includes("OPERATOR_VALUE"));
    assert.doesNotMatch(JSON.stringify(await complete(teo, "what a haw")), /costs/i);
    assert.match(JSON.stringify(await complete(runa, "what a haw")), /costs/i);
  });

  await step("recommendations: near documents that the person may see; hidden is like missing", async () => {
    const near = (email, id) => glean.client.search.recommendations({ recommendationDocumentSpec: { id: `${drawings}/${id}` }, pageSize: 10 }, undefined, as(email));
    await eventually(async () => assert.deepEqual(names((await near(runa, "Drawing/hawser")).results), ["lanyard", "prices"]));
    assert.deepEqual(names((await near(teo, "Drawing/hawser")).results), ["lanyard"]);
    const hidden = await refused(403, () => near(teo, "Sheet/prices"));
    const missing = await refused(403, () => near(teo, "Sheet/missing"));
    assert.equal(hidden.body, missing.body);
  });

  await step("messages of a channel and of a thread", async () => {
    const read = (email, more) => glean.client.messages.retrieve({ idType: "CHANNEL_NAME", id: "ropewalk", datasource: "SLACK", ...more }, undefined, as(email));
    assert.deepEqual(names((await read(teo)).searchResponse.results), ["m1", "m2"]);
    const older = await read(lise, { direction: "OLDER", timestampMillis: 1_786_350_000_000 });
    assert.deepEqual([older.hasMore, names(older.searchResponse.results)], [false, ["m1"]]);
    assert.deepEqual(names((await read(lise, { idType: "CONVERSATION_ID", id: "ch-1" })).searchResponse.results), ["m1", "m2"]);
    assert.deepEqual(names((await read(omar)).searchResponse?.results), []);
  });

  await step("documents: by id, by facets, and who may read them", async () => {
    const id = `${drawings}/Drawing/hawser`;
    const get = (email) => glean.client.documents.retrieve(
      { documentSpecs: [{ id }, { url: url("prices") }], includeFields: ["DOCUMENT_CONTENT", "LAST_VIEWED_AT", "VISITORS_COUNT", "RECENT_SHARES", "CUSTOM_METADATA"] },
      undefined, as(email));
    const mine = (await get(teo)).documents;
    assert.match(mine[id].content.fullTextList.join(" "), /tarred twice/);
    assert.ok(mine[url("prices")].error);
    assert.equal((await get(runa)).documents[url("prices")].title, "What a hawser costs us");
    const by = (email, ...filters) => glean.client.documents.retrieveByFacets({ datasourcesFilter: [drawings], filterSets: [{ filters }] }, undefined, as(email));
    assert.deepEqual(names((await by(runa, filter("type", "Drawing"))).documents), ["hawser", "lanyard"]);
    assert.deepEqual(names((await by(omar, filter("type", "Drawing"))).documents), []);
    await refused(400, () => glean.client.documents.retrieveByFacets({ filterSets: [] }, undefined, as(runa)));
    const readers = (email, documentId) => glean.client.documents.retrievePermissions({ documentId }, undefined, as(email));
    assert.deepEqual((await readers(teo, id)).allowedUserEmails.sort(), [lise, runa, teo]);
    await refused(403, () => readers(teo, `${drawings}/Sheet/prices`));
    await refused(403, () => readers(teo, `${drawings}/Sheet/missing`));
  });

  await step("people: the chart, facets, teams and a photo", async () => {
    const { results } = await glean.client.entities.readPeople({ emailIds: [lise], includeFields: ["MANAGEMENT_DETAILS", "BADGES"] }, undefined, as(omar));
    assert.deepEqual(results[0].metadata.managementChain.map((p) => p.name), ["Runa Askeland", "Teo Brandis"]);
    const listed = await glean.client.entities.list(
      { pageSize: 10, includeFields: ["FACETS"], filter: [filter("reportsto", runa)], sort: [{ sortBy: "FIRST_NAME", orderBy: "ASC" }] }, undefined, as(teo));
    assert.deepEqual(listed.results.map((p) => p.name), ["Lise Quarrie", "Omar Fenwick", "Teo Brandis"]);
    const department = listed.facetResults.find((f) => f.sourceName === "department");
    assert.deepEqual(Object.fromEntries(department.buckets.map((b) => [b.value.stringValue, b.count])), { Drawing: 2, Yard: 1 });
    const { teamResults } = await glean.client.entities.list({ pageSize: 10, entityType: "TEAMS" }, undefined, as(omar));
    assert.deepEqual(teamResults.map((team) => [team.name, team.members.length]), [["Splicers", 2]]);
    const person = async (email) => (await glean.client.entities.readPeople({ emailIds: [email] }, undefined, as(omar))).results[0];
    const teos = await person(teo);
    const photo = await glean.client.entities.retrievePersonPhoto(teos.obfuscatedId, undefined, as(omar));
    const bytes = Buffer.from(await new Response(photo.result).arrayBuffer());
    assert.equal(`data:image/png;base64,${bytes.toString("base64")}`, depot.people[1].photoUrl);
    const lises = await person(lise);
    await refused(404, () => glean.client.entities.retrievePersonPhoto(lises.obfuscatedId, undefined, as(omar)));
  });

  await step("a token for a web page searches as its person, and goes with the token that made it", async () => {
    const made = await admin.token("USER", ["SEARCH"], { userEmail: lise });
    const { token, expirationTime } = await client(made.secret).client.authentication.createToken();
    assert.ok(Math.abs(expirationTime - Date.now() / 1000 - 7200) < 60);
    const page = client(token);
    assert.deepEqual(names((await page.client.search.query({ query: "hawser" })).results), ["hawser", "lanyard"]);
    await refused(403, () => page.client.entities.list({ pageSize: 1 }));
    await refused(403, () => page.client.authentication.createToken());
    assert.deepEqual((await client(made.secret).client.authentication.checkDatasourceAuth()).unauthorizedDatasourceInstances, []);
    await admin.revoke(made.id);
    await refused(401, () => page.client.search.query({ query: "hawser" }));
  });

  await step("Platform search: filters, range, pages and problems", async () => {
    const ask = (email, request) => glean.search.query({ query: "hawser", ...request }, as(email));
    assert.deepEqual(names((await ask(runa)).results), ["hawser", "lanyard", "prices"]);
    assert.deepEqual(names((await ask(teo)).results), ["hawser", "lanyard"]);
    assert.deepEqual(names((await ask(runa, { filters: [{ field: "type", operator: "NOT_EQUALS", values: ["Drawing"] }] })).results), ["prices"]);
    assert.deepEqual(names((await ask(runa, { filters: [{ field: "strands", operator: "GTE", values: ["4"] }] })).results), ["hawser"]);
    const range = { start: new Date(1_786_050_000_000), end: new Date(1_786_150_000_000) };
    assert.deepEqual(names((await ask(runa, { time_range: range })).results), ["lanyard"]);
    const seen = [];
    let page = await ask(runa, { page_size: 2 });
    for (;;) {
      seen.push(...names(page.results));
      assert.deepEqual(page.warnings, []);
      if (!page.has_more) break;
      page = await ask(runa, { page_size: 2, cursor: page.next_cursor });
    }
    assert.deepEqual(seen.sort(), ["hawser", "lanyard", "prices"]);
    const problem = async (status, code, call) =>
      assert.equal((await refused(status, call, undefined, PlatformProblemDetailError)).code, code);
    await problem(400, "invalid_datasource", () => ask(teo, { datasources: ["nosuchsource"] }));
    await problem(400, "invalid_cursor", () => ask(teo, { cursor: "x" }));
    await problem(400, "invalid_filter", () => ask(teo, { filters: [{ field: "strands", operator: "GT", values: ["many"] }] }));
    await problem(401, "authentication_required", () => client("shf_c_" + "A".repeat(49)).search.query({ query: "hawser" }));
    const people = client((await admin.token("USER", ["PEOPLE"], { userEmail: teo })).secret);
    await problem(403, "insufficient_permissions", () => people.search.query({ query: "hawser" }));
  });

  await step("Platform filters: the datasources that the person may see, and values", async () => {
    const list = async (email, datasources, query) => (await glean.search.listFilters(datasources, query, as(email))).result.datasources;
    assert.deepEqual((await list(teo)).map((d) => d.datasource).sort(), [drawings, chat].sort());
    const [{ filters }] = await list(teo, [drawings], "hawser");
    assert.deepEqual(filters.find((f) => f.field === "material").values.sort(), ["hemp", "sisal"]);
    assert.deepEqual(filters.find((f) => f.field === "type").values, ["Drawing"]);
    await refused(400, () => list(teo, ["nosuchsource"]), undefined, PlatformProblemDetailError);
  });

  step.end();
});

test("rate limits: the documented refusal, only where they are switched on", async () => {
  const limited = await startServer({ flags: ["--rate-limits", "search=2/s"] });
  try {
    const session = await signIn(limited, depot.admin);
    const { secret } = await session.token("USER", ["SEARCH"], { userEmail: depot.admin });
    // The trailing slash is how some clients are told the address.
    const hasty = new Glean({ serverURL: `${limited.url}/`, apiToken: secret });
    const answers = await Promise.allSettled(Array.from({ length: 40 }, () => hasty.client.search.query({ query: "" })));
    const reasons = answers.filter((a) => a.status === "rejected").map((a) => a.reason);
    assert.ok(reasons.length > 0 && reasons.length < 40, `${reasons.length} of 40 refused`);
    for (const reason of reasons) await refused(429, () => Promise.reject(reason));
    assert.ok(reasons.every((r) => Number(r.headers.get("Retry-After")) > 0));
    const patient = { retries: { strategy: "backoff", backoff: { initialInterval: 100, maxInterval: 1000, exponent: 2, maxElapsedTime: 20_000 } } };
    await hasty.client.search.query({ query: "" }, undefined, patient);
    await limited.report("typescript");
  } finally {
    await limited.stop();
  }
});

// The published TypeScript client, unmodified, walks through the company: what goes in, who finds it, who is refused,
// and what a change of permission does. The client checks every answer against its own types, so a field of the wrong
// shape fails here even where no assertion looks at it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Glean } from "@gleanwork/api-client";
import { RFCDate } from "@gleanwork/api-client/types";
import { company, ids } from "../harness/company.mjs";
import { eventually, signIn, startServer } from "../harness/server.mjs";
import { as, refused, story } from "./sdk.mjs";

const [admin, nora, sam, ivo] = company.employees.map((e) => e.email);
const datasource = company.datasource.name;
const everyone = Object.keys(company.sees);

let server, console_, indexing, global_, secrets;

const client = (apiToken) => new Glean({ serverURL: server.url, apiToken });

/** Who finds what, in the order of everyone. */
const search = async (glean, email, query = company.query, requestOptions) => {
  const request = { query, pageSize: 50, ...(requestOptions && { requestOptions }) };
  return glean.client.search.query(request, undefined, email ? as(email) : undefined);
};
const finds = async (email, expected, query) => {
  const answer = await search(global_, email, query);
  assert.deepEqual(ids(answer.results), [...expected].sort(), `what ${email} finds for ${query ?? company.query}`);
  return answer;
};

before(async () => {
  server = await startServer();
});
after(async () => {
  await server?.report("typescript");
  await server?.stop();
});

test("the TypeScript client", async (t) => {
  const step = story(t);

  await step("an administrator is made by command line and signs in", async () => {
    console_ = await signIn(server, admin);
    const { secret } = await server.cli("indexing-token", "create", "--description", "scenario intake");
    assert.match(secret, /^shf_i_[0-9A-Za-z]{49}$/);
    indexing = client(secret);
  });

  await step("a datasource, people, groups and documents go in", async () => {
    const { datasources, people, permissions, documents } = indexing.indexing;
    await datasources.add(company.datasource);
    const config = await datasources.retrieveConfig({ datasource });
    assert.equal(config.name, datasource);
    assert.equal(config.displayName, company.datasource.displayName);
    for (const { startDate, ...employee } of company.employees) {
      await people.index({ employee: { ...employee, ...(startDate && { startDate: new RFCDate(startDate) }) } });
    }
    for (const user of company.users) await permissions.indexUser({ datasource, user });
    for (const group of company.groups) await permissions.indexGroup({ datasource, group });
    for (const membership of company.memberships) await permissions.indexMembership({ datasource, membership });
    const [first, ...rest] = company.documents;
    await documents.addOrUpdate({ document: first });
    await documents.index({ datasource, documents: rest });
  });

  await step("tokens of the three kinds are made", async () => {
    secrets = {
      global: await console_.token("GLOBAL", ["SEARCH", "DOCUMENTS", "PEOPLE", "ENTITIES", "ANSWERS"]),
      sam: await console_.token("USER", ["SEARCH", "ANSWERS"], { userEmail: sam }),
      anonymous: await console_.token("ANONYMOUS", ["SEARCH"]),
      doomed: await console_.token("USER", ["SEARCH"], { userEmail: ivo }),
    };
    for (const { secret } of Object.values(secrets)) assert.match(secret, /^shf_c_[0-9A-Za-z]{49}$/);
    global_ = client(secrets.global.secret);
  });

  await step("each person finds exactly what they may see", async () => {
    for (const email of everyone) await eventually(() => finds(email, company.sees[email]));
  });

  await step("a USER token sees what its person sees", async () => {
    assert.deepEqual(ids((await search(client(secrets.sam.secret))).results), company.sees[sam]);
  });

  await step("an ANONYMOUS token sees nothing until the datasource is opened, then only what is open", async () => {
    const nobody = client(secrets.anonymous.secret);
    assert.deepEqual(ids((await search(nobody)).results), []);
    await console_.call("PATCH", `datasources/${datasource}`, { openToAnonymousTokens: true });
    await eventually(async () => assert.deepEqual(ids((await search(nobody)).results), company.anonymous));
    await refused(403, () => nobody.client.entities.list({ pageSize: 5 }));
  });

  await step("results carry titles, snippets and documents", async () => {
    const answer = await finds(nora, company.sees[nora]);
    const log = answer.results.find((r) => r.url.endsWith("/captains-log"));
    assert.equal(log.title, "Log of the pilot boat");
    assert.equal(log.document.datasource, datasource);
    assert.equal(log.document.docType, "Logbook");
    assert.match(log.snippets.map((s) => s.text).join(" "), /lighthouse/);
    const { text, ranges } = log.snippets.find((s) => s.ranges?.length);
    assert.equal(text.slice(ranges[0].startIndex, ranges[0].endIndex).toLowerCase(), "lighthouse");
    assert.equal(answer.metadata.searchedQuery, company.query);
  });

  await step("facets count what the person may see, and filter", async () => {
    const options = { facetBucketSize: 10, responseHints: ["RESULTS", "FACET_RESULTS"] };
    const { facetResults } = await search(global_, nora, company.query, options);
    const type = facetResults.find((f) => f.operatorName === "type" || f.sourceName === "type");
    const counts = Object.fromEntries(type.buckets.map((b) => [b.value.stringValue, b.count]));
    assert.deepEqual(counts, { Note: 4, Logbook: 1 });
    const only = (fieldName, value) =>
      search(global_, nora, company.query, {
        facetBucketSize: 10,
        facetFilters: [{ fieldName, values: [{ relationType: "EQUALS", value }] }],
      });
    assert.deepEqual(ids((await only("type", "Logbook")).results), ["captains-log"]);
    assert.deepEqual(ids((await only("app", datasource)).results), company.sees[nora]);
    assert.deepEqual(ids((await only("datasource", "elsewhere")).results), []);
  });

  await step("the empty query answers, and pages do not overlap", async () => {
    await global_.client.search.query({ query: "", pageSize: 1 }, undefined, as(nora));
    const seen = [];
    let cursor;
    do {
      const page = await global_.client.search.query(
        { query: company.query, pageSize: 2, ...(cursor && { cursor }) }, undefined, as(nora));
      assert.ok(page.results.length <= 2);
      seen.push(...ids(page.results));
      cursor = page.hasMoreResults ? page.cursor : undefined;
    } while (cursor && seen.length < 20);
    assert.deepEqual(seen.sort(), company.sees[nora]);
  });

  await step("completions come only from documents that the person may see", async () => {
    const complete = async (email, query) =>
      (await global_.client.search.autocomplete({ query, resultSize: 10 }, undefined, as(email))).results ?? [];
    assert.match(JSON.stringify(await complete(nora, "log of the pi")), /pilot/i);
    assert.doesNotMatch(JSON.stringify(await complete(sam, "log of the pi")), /pilot/i);
  });

  await step("documents are read by id, and hidden ones look like missing ones", async () => {
    const url = (id) => `https://notes.tidewater.example/n/${id}`;
    const read = async (email) =>
      (await global_.client.documents.retrieve(
        { documentSpecs: ["captains-log", "tide-table", "nowhere"].map((id) => ({ url: url(id) })), includeFields: ["DOCUMENT_CONTENT"] },
        undefined, as(email))).documents;
    const forNora = await read(nora);
    assert.equal(forNora[url("captains-log")].title, "Log of the pilot boat");
    assert.match(forNora[url("captains-log")].content.fullTextList.join(" "), /leading marks/);
    const forSam = await read(sam);
    assert.equal(forSam[url("tide-table")].title, "Tide table for visitors");
    assert.ok(forSam[url("captains-log")].error && forSam[url("nowhere")].error);
    assert.equal(forSam[url("captains-log")].error, forSam[url("nowhere")].error);
  });

  await step("people are read and listed", async () => {
    const read = await global_.client.entities.readPeople(
      { emailIds: [sam, "nobody@tidewater.example"] }, undefined, as(nora));
    assert.deepEqual(read.results.map((p) => [p.name, p.metadata.email, p.metadata.title]), [["Sam Oduya", sam, "Deckhand"]]);
    assert.ok(read.errors?.length, "an unknown address is named in errors");
    const self = await global_.client.entities.readPeople({}, undefined, as(nora));
    assert.deepEqual(self.results.map((p) => p.name), ["Nora Vance"]);
    const fleet = await global_.client.entities.list(
      { pageSize: 50, filter: [{ fieldName: "department", values: [{ relationType: "EQUALS", value: "Fleet" }] }] }, undefined, as(ivo));
    assert.deepEqual(fleet.results.map((p) => p.name).sort(), ["Nora Vance", "Sam Oduya"]);
    const named = await global_.client.entities.list({ pageSize: 50, query: "lindqvist" }, undefined, as(sam));
    assert.deepEqual(named.results.map((p) => p.metadata.email), [ivo]);
  });

  await step("wrong callers are refused", async () => {
    const query = { query: company.query, pageSize: 1 };
    const ofSam = client(secrets.sam.secret);
    await refused(403, () => ofSam.client.entities.list({ pageSize: 5 }), /ENTITIES/);
    await refused(403, () => client(secrets.doomed.secret).client.documents.retrieve({ documentSpecs: [{ id: "x" }] }), /DOCUMENTS/);
    await refused(400, () => global_.client.search.query(query), /Required header missing: X-Glean-ActAs/);
    await refused(401, () => global_.client.search.query(query, undefined, as("stranger@tidewater.example")), /Invalid identity/);
    await refused(400, () => ofSam.client.search.query(query, undefined, as(sam)));
    await refused(401, () => client("shf_c_" + "A".repeat(49)).client.search.query(query));
    await refused(401, () => client(undefined).client.search.query(query));
    await refused(401, () => ofSam.indexing.datasources.retrieveConfig({ datasource }));
    await refused(401, () => indexing.client.search.query(query));
  });

  await step("an operation that is not built is not found", async () => {
    await refused(404, () => client(secrets.sam.secret).client.answers.create({ data: { question: "Who keeps the lamp?" } }));
  });

  await step("a revoked token is dead from the next request", async () => {
    const doomed = client(secrets.doomed.secret);
    assert.deepEqual(ids((await search(doomed)).results), company.sees[ivo]);
    await console_.revoke(secrets.doomed.id);
    await refused(401, () => search(doomed));
  });

  await step("a change of permission takes effect", async () => {
    const { permissions } = indexing.indexing;
    await permissions.updatePermissions({
      datasource, objectType: "Logbook", id: "captains-log", permissions: { allowedUsers: [{ email: sam }] },
    });
    await eventually(() => finds(nora, company.sees[nora].filter((id) => id !== "captains-log")));
    await eventually(() => finds(sam, [...company.sees[sam], "captains-log"]));
    await permissions.indexMembership({ datasource, membership: { groupName: "captains", memberUserId: ivo } });
    await eventually(() => finds(ivo, [...company.sees[ivo], "crew-rota", "rescue-plan"]));
    await permissions.deleteMembership({ datasource, membership: { groupName: "captains", memberUserId: ivo } });
    await eventually(() => finds(ivo, company.sees[ivo]));
  });

  await step("a new text and a deletion take effect", async () => {
    const { documents } = indexing.indexing;
    const table = company.documents[0];
    await documents.addOrUpdate({ document: { ...table, body: { mimeType: "text/plain", textContent: "Moor by the barnacle steps." } } });
    await eventually(() => finds(ivo, company.sees[ivo].filter((id) => id !== "tide-table")));
    await eventually(() => finds(ivo, ["tide-table"], "barnacle"));
    await documents.delete({ datasource, objectType: "Note", id: "tide-table" });
    await eventually(() => finds(ivo, [], "barnacle"));
    await documents.delete({ datasource, objectType: "Note", id: "tide-table" });
  });

  step.end();
});

// Every operation of the Indexing API, through the published TypeScript client: what goes in is read back, with the
// same client, by those who may see it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Glean } from "@gleanwork/api-client";
import { ErrorInfoResponse } from "@gleanwork/api-client/models/errors";
import { eventually, signIn, startServer } from "../harness/server.mjs";
import { chat, depot, drawings, fill, lise, omar, runa, teo, url } from "./depot.mjs";
import { as, refused, story } from "./sdk.mjs";

let server, indexing, admin, global_;
// Without its address on each call, the client sends custom metadata and submissions to a host that is none.
const here = () => ({ serverURL: server.url });
const client = (apiToken) => new Glean({ serverURL: server.url, apiToken });

before(async () => {
  server = await startServer();
  admin = await signIn(server, depot.admin);
  indexing = client((await server.cli("indexing-token", "create", "--description", "walk")).secret);
  global_ = client((await admin.token("GLOBAL", ["SEARCH", "DOCUMENTS", "ENTITIES", "PEOPLE"])).secret);
});
after(async () => {
  await server?.report("typescript");
  await server?.stop();
});

/** The last parts of the addresses that a person finds for these very words, sorted. */
const found = async (email, query, requestOptions) => {
  const request = { query, pageSize: 100, requestOptions: { facetBucketSize: 0, disableQueryAutocorrect: true, ...requestOptions } };
  const { results } = await global_.client.search.query(request, undefined, as(email));
  return (results ?? []).map((r) => r.url.split("/").pop()).sort();
};
const finds = (email, query, expected, options) =>
  eventually(async () => assert.deepEqual(await found(email, query, options), [...expected].sort(), `${email}: ${query}`));
const people = async (request) => global_.client.entities.list({ pageSize: 50, ...request }, undefined, as(runa));

/** A sheet that every user of the drawings may read. */
const sheet = (id, text = "A sheet about splicing.") => ({
  datasource: drawings, objectType: "Sheet", id, viewURL: url(id), title: `Sheet ${id}`,
  body: { mimeType: "text/plain", textContent: text }, permissions: { allowAllDatasourceUsersAccess: true },
});
const facet = (fieldName, value, relationType = "EQUALS") => ({ facetFilters: [{ fieldName, values: [{ relationType, value }] }] });

test("the TypeScript client: the Indexing API", async (t) => {
  const step = story(t);
  const { datasources, datasource, documents, permissions, shortcuts, authentication } = indexing.indexing;
  const staff = indexing.indexing.people;

  await step("a company goes in, and those may act who were just pushed", async () => {
    await fill(indexing);
    for (const email of [runa, teo, lise, omar]) await global_.client.search.query({ query: "" }, undefined, as(email));
    await finds(teo, "hawser", ["hawser", "lanyard"]);
    await finds(runa, "hawser", ["hawser", "lanyard", "prices"]);
    await finds(omar, "hawser", []);
    await finds(lise, "fid", ["m1", "m2"]);
    await finds(runa, "fid", []);
  });

  await step("a datasource is read back as it was sent, and refused where it is none", async () => {
    const config = await datasources.retrieveConfig({ datasource: drawings });
    assert.equal(config.name, drawings);
    assert.equal(config.urlRegex, depot.drawings.urlRegex);
    assert.deepEqual(config.objectDefinitions.map((o) => o.name).sort(), ["Drawing", "Sheet"]);
    const properties = config.objectDefinitions.find((o) => o.name === "Drawing").propertyDefinitions;
    assert.deepEqual(properties.map((p) => p.propertyType).sort(), ["INT", "PICKLIST"]);
    await refused(400, () => datasources.retrieveConfig({ datasource: "nosuchsource" }));
    await refused(400, () => datasources.add({ ...depot.drawings, urlRegex: "(" }), /urlRegex/);
  });

  await step("bodies, tags and properties are searched, and custom properties filter", async () => {
    await finds(teo, "sisal yarn", ["hawser"], facet("material", "sisal"));
    await finds(teo, "material:hemp", ["lanyard"]);
    await finds(teo, "hawser", ["hawser"], { facetFilters: [{ fieldName: "strands", values: [{ relationType: "GT", value: "3" }] }] });
    await finds(teo, "tag:tug", ["hawser"]);
  });

  await step("versions: the older one is a 409", async () => {
    await documents.addOrUpdate({ version: 7, document: sheet("versioned", "Seizing, the seventh.") });
    await refused(409, () => documents.addOrUpdate({ version: 6, document: sheet("versioned", "Seizing, the sixth.") }));
    await documents.addOrUpdate({ version: 8, document: sheet("versioned", "Seizing, the eighth.") });
    await finds(teo, "seizing eighth", ["versioned"]);
    await refused(409, () => documents.delete({ datasource: drawings, objectType: "Sheet", id: "versioned", version: 7 }));
    await documents.delete({ datasource: drawings, objectType: "Sheet", id: "versioned", version: 9 });
    await finds(teo, "seizing", []);
  });

  await step("bad documents refuse their batch and say which one", async () => {
    const bad = { ...sheet("broken"), body: { mimeType: "application/pdf", binaryContent: Buffer.from("no pdf at all").toString("base64") } };
    await refused(400, () => documents.index({ datasource: drawings, documents: [sheet("whole"), bad] }), /documents\[1\]/);
    await refused(400, () => documents.addOrUpdate({ document: { ...sheet("elsewhere"), viewURL: "https://elsewhere.example/" } }), /viewURL/i);
    assert.deepEqual(await found(teo, "whole"), []);
  });

  await step("a bulk upload: concurrent middle pages, one session at a time, stale documents go", async () => {
    const page = (uploadId, ids, more = {}) =>
      documents.bulkIndex({ uploadId, datasource: chat, documents: ids.map(message), ...more });
    const message = (n) => ({ ...depot.messages[0], id: `b${n}`, viewURL: `https://chat.ropeworks.example/b${n}`, title: `Bulk ${n}`, body: { mimeType: "text/plain", textContent: "About oakum." } });
    const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
    await page("u1", numbers(0, 10), { isFirstPage: true });
    await refused(409, () => page("u2", [900], { isFirstPage: true }));
    await refused(400, () => page("never", [901]));
    await Promise.all([30, 10, 40, 20].map((n) => page("u1", numbers(n, n + 10))));
    await page("u1", numbers(50, 60), { isLastPage: true });
    await finds(teo, "oakum", numbers(0, 60).map((n) => `b${n}`));
    await page("u3", numbers(0, 30), { isFirstPage: true });
    await page("u4", numbers(0, 55), { isFirstPage: true, forceRestartUpload: true });
    await refused(409, () => page("u3", [902], { isLastPage: true }));
    await page("u4", [], { isLastPage: true });
    await finds(teo, "oakum", numbers(0, 55).map((n) => `b${n}`));
    await page("u5", [], { isFirstPage: true, isLastPage: true, disableStaleDocumentDeletionCheck: true });
    await finds(teo, "oakum", []);
    for (const document of depot.messages) await documents.addOrUpdate({ document });
  });

  await step("permissions change alone, and are asked about", async () => {
    const may = async (email) => (await documents.checkAccess({ datasource: drawings, objectType: "Drawing", docId: "hawser", userEmail: email })).hasAccess;
    assert.deepEqual([await may(teo), await may(omar), await may("nobody@ropeworks.example")], [true, false, false]);
    await permissions.updatePermissions({ datasource: drawings, objectType: "Drawing", id: "hawser", permissions: { allowedUsers: [{ email: lise }] } });
    assert.deepEqual([await may(teo), await may(lise)], [false, true]);
    await finds(teo, "hawser", ["lanyard"]);
    await permissions.updatePermissions({ datasource: drawings, viewURL: url("hawser"), permissions: { allowedGroups: ["draughtsmen"] } });
    await finds(teo, "hawser", ["hawser", "lanyard"]);
    await refused(404, () => permissions.updatePermissions({ datasource: drawings, objectType: "Drawing", id: "missing", permissions: {} }));
  });

  await step("identities: single, in bulk, and gone again", async () => {
    const member = { groupName: "draughtsmen", memberUserId: omar };
    await permissions.bulkIndexUsers({
      uploadId: "iu", datasource: drawings, isFirstPage: true, isLastPage: true,
      users: [runa, teo, lise, omar].map((email) => ({ email, name: email, isActive: true })),
    });
    await finds(omar, "hawser", ["lanyard"]);
    await permissions.indexMembership({ datasource: drawings, membership: member });
    await finds(omar, "hawser", ["hawser", "lanyard"]);
    await permissions.deleteMembership({ datasource: drawings, membership: member });
    await finds(omar, "hawser", ["lanyard"]);
    await permissions.bulkIndexGroups({
      uploadId: "ig", datasource: drawings, isFirstPage: true, isLastPage: true, disableStaleDataDeletionCheck: true,
      groups: [...depot.groups, { name: "yard" }],
    });
    await permissions.bulkIndexMemberships({
      uploadId: "im", datasource: drawings, group: "yard", isFirstPage: true, isLastPage: true, memberships: [{ memberUserId: omar }],
    });
    await documents.addOrUpdate({ document: { ...sheet("yardplan", "Where the capstan stands."), permissions: { allowedGroups: ["yard"] } } });
    await finds(omar, "capstan", ["yardplan"]);
    await permissions.processMemberships({ datasource: drawings });
    await finds(omar, "capstan", ["yardplan"]);
    await permissions.deleteGroup({ datasource: drawings, groupName: "yard" });
    await finds(omar, "capstan", []);
    await permissions.deleteUser({ datasource: drawings, email: omar });
    await finds(omar, "hawser", []);
    await refused(400, () => permissions.indexGroup({ datasource: drawings, group: { name: "two words" } }));
  });

  await step("the debug operations tell what became of it", async () => {
    const key = { objectType: "Drawing", docId: "hawser" };
    await eventually(async () => {
      const one = await documents.debug(key, drawings);
      assert.deepEqual([one.status.uploadStatus, one.status.indexingStatus, one.status.permissionIdentityStatus], ["UPLOADED", "INDEXED", "UPLOADED"]);
      assert.deepEqual(one.uploadedPermissions.allowedGroups, ["draughtsmen"]);
    });
    const many = await documents.debugMany({ debugDocuments: [key, { objectType: "Drawing", docId: "missing" }] }, drawings);
    assert.deepEqual(many.documentStatuses.map((d) => d.debugInfo.status.uploadStatus), ["UPLOADED", "NOT_UPLOADED"]);
    const { lifeCycleEvents } = await documents.debugEvents({ ...key, maxEvents: 10 }, drawings);
    assert.ok(lifeCycleEvents.some((e) => e.event === "INDEXED") && lifeCycleEvents.some((e) => e.event === "UPLOADED"), JSON.stringify(lifeCycleEvents));
    const user = await staff.debug({ email: lise }, drawings);
    assert.deepEqual([user.status.uploadStatus, user.uploadedGroups.map((g) => g.name)], ["UPLOADED", ["draughtsmen"]]);
    const state = await documents.status({ datasource: drawings, ...key });
    assert.deepEqual([state.uploadStatus, state.indexingStatus], ["UPLOADED", "INDEXED"]);
    assert.ok(Math.abs(state.lastUploadedAt - Date.now() / 1000) < 300);
    assert.equal((await documents.count({ datasource: drawings })).documentCount, 4);
    assert.equal((await staff.count({ datasource: drawings })).userCount, 3);
    const whole = await datasource.status(drawings);
    assert.equal(whole.datasourceVisibility, "ENABLED_FOR_ALL");
    assert.deepEqual(Object.fromEntries(whole.documents.counts.uploaded.map((c) => [c.objectType, c.count])), { Drawing: 2, Sheet: 2 });
    assert.ok((await datasource.status(chat)).documents.bulkUploadHistory.some((u) => u.uploadId === "u4" && u.status === "SUCCESSFUL"));
  });

  await step("people: in bulk, stale ones pause, single ones go; teams", async () => {
    const upload = (uploadId, employees, more) => staff.bulkIndex({ uploadId, employees, isFirstPage: true, isLastPage: true, ...more });
    const extra = (n) => ({ email: `hand${n}@ropeworks.example`, firstName: `Hand${n}`, lastName: "Stokes", department: "Yard" });
    const all = [...depot.people, ...[1, 2, 3, 4, 5, 6, 7, 8].map(extra)];
    await upload("e1", all);
    await eventually(async () => assert.equal((await people({ query: "stokes" })).results.length, 8));
    await upload("e2", all.slice(0, -1));
    await eventually(async () => assert.equal((await people({ query: "stokes" })).results.length, 7));
    await upload("e3", depot.people, { disableStaleDataDeletionCheck: true });
    await eventually(async () => assert.equal((await people({ query: "stokes" })).results?.length ?? 0, 0));
    await refused(401, () => global_.client.search.query({ query: "" }, undefined, as("hand1@ropeworks.example")), /Invalid identity/);
    await staff.index({ employee: extra(9) });
    await global_.client.search.query({ query: "" }, undefined, as("hand9@ropeworks.example"));
    await staff.delete({ employeeEmail: "hand9@ropeworks.example" });
    await refused(401, () => global_.client.search.query({ query: "" }, undefined, as("hand9@ropeworks.example")));

    const teams = async () => ((await people({ entityType: "TEAMS" })).teamResults ?? []).map((team) => team.name).sort();
    assert.deepEqual(await teams(), ["Splicers"]);
    await staff.bulkIndexTeams({ uploadId: "t1", isFirstPage: true, isLastPage: true, teams: [depot.team, { id: "team-tar", name: "Tarrers", members: [{ email: omar }] }] });
    await eventually(async () => assert.deepEqual(await teams(), ["Splicers", "Tarrers"]));
    await staff.deleteTeam({ id: "team-tar" });
    await eventually(async () => assert.deepEqual(await teams(), ["Splicers"]));
    await staff.processAllEmployeesAndTeams();
  });

  await step("a test datasource is seen by its testers alone", async () => {
    const trial = { ...depot.drawings, name: "trialdrawings", displayName: "Trial Drawings", isTestDatasource: true };
    await datasources.add(trial);
    await documents.addOrUpdate({ document: { ...sheet("trial", "A trial marlinspike."), datasource: trial.name, permissions: { allowAnonymousAccess: true } } });
    await permissions.authorizeBetaUsers({ datasource: trial.name, emails: [teo] });
    await finds(teo, "marlinspike", ["trial"]);
    await finds(lise, "marlinspike", []);
  });

  await step("custom metadata of a document is kept, filters, and goes", async () => {
    const docId = `${drawings}/Drawing/lanyard`;
    await refused(401, () => indexing.indexing.customMetadata.getSchema("quality", here()), /custommetadata:quality/, ErrorInfoResponse);
    const { secret } = await server.cli("indexing-token", "create", "--description", "metadata", "--scopes", "custommetadata:global_scope");
    const { customMetadata } = client(secret).indexing;
    await customMetadata.upsertSchema({ metadataKeys: [{ name: "grade", propertyType: "PICKLIST" }] }, "quality", here());
    assert.deepEqual((await customMetadata.getSchema("quality", here())).metadataKeys.map((k) => [k.name, k.propertyType]), [["grade", "PICKLIST"]]);
    await refused(409, () => customMetadata.upsertSchema({ metadataKeys: [{ name: "grade", propertyType: "TEXTLIST" }] }, "quality", here()));
    await refused(404, () => customMetadata.getSchema("nosuchgroup", here()));
    await customMetadata.upsert({ customMetadata: [{ name: "grade", value: "second" }] }, docId, "quality", here());
    const data = async (email) => {
      const request = { documentSpecs: [{ id: docId }], includeFields: ["CUSTOM_METADATA"] };
      return (await global_.client.documents.retrieve(request, undefined, as(email))).documents[docId];
    };
    assert.match(JSON.stringify((await data(teo)).metadata.customData), /qualitygrade.*second/i);
    assert.ok((await data(omar)).error);
    await finds(teo, "lanyard", ["lanyard"], facet("qualitygrade", "second"));
    await customMetadata.delete(docId, "quality", here());
    await finds(teo, "lanyard", [], facet("qualitygrade", "second"));
    await refused(404, () => customMetadata.upsert({ customMetadata: [{ name: "grade", value: "x" }] }, `${drawings}/Drawing/missing`, "quality", here()));
    await customMetadata.deleteSchema("quality", here());
    await refused(404, () => customMetadata.getSchema("quality", here()));
  });

  await step("a submission is taken, and worked on afterwards", async () => {
    const answer = await datasources.submit({ document: sheet("submitted", "About ratlines.") }, drawings, "document", here());
    assert.ok(answer.requestId, JSON.stringify(answer));
    await finds(teo, "ratlines", ["submitted"]);
    await refused(404, () => datasources.submit({}, drawings, "nosuchtype", here()));
  });

  await step("shortcuts of both kinds are taken", async () => {
    const links = (aliases) => aliases.map((inputAlias) => ({ inputAlias, destinationUrl: url(inputAlias), intermediateUrl: `https://go.ropeworks.example/${inputAlias}`, createdBy: teo }));
    await shortcuts.bulkIndex({ uploadId: "s1", isFirstPage: true, shortcuts: links(["tar", "oakum"]) });
    await refused(409, () => shortcuts.bulkIndex({ uploadId: "s2", isFirstPage: true, shortcuts: [] }));
    await shortcuts.bulkIndex({ uploadId: "s1", isLastPage: true, shortcuts: links(["fid"]) });
    const hosted = { inputAlias: "go/hawser", destinationUrl: url("hawser"), createdBy: teo, unlisted: false };
    await shortcuts.upload({ uploadId: "s3", isFirstPage: true, isLastPage: true, shortcuts: [hosted] });
    await refused(400, () => shortcuts.upload({ uploadId: "s4", isFirstPage: true, isLastPage: true, shortcuts: [{ ...hosted, inputAlias: "a b" }] }));
  });

  await step("everything is worked on anew on demand, once in three hours", async () => {
    await documents.processAll({ datasource: drawings });
    await refused(429, () => documents.processAll({ datasource: drawings }));
    await finds(teo, "hawser", ["hawser", "lanyard"]);
  });

  await step("a token rotates itself; one without a period does not", async () => {
    const made = await admin.call("POST", "indexing-tokens", {
      description: "walk", datasources: [drawings], rotationPeriodMinutes: 1440, expiresAt: Math.floor(Date.now() / 1000) + 86_400 * 3,
    });
    const next = await client(made.secret).indexing.authentication.rotateToken();
    assert.equal(next.rotationPeriodMinutes, 1440);
    assert.notEqual(next.rawSecret, made.secret);
    await client(next.rawSecret).indexing.documents.addOrUpdate({ document: sheet("rotated") });
    await refused(403, () => client(next.rawSecret).indexing.documents.addOrUpdate({ document: depot.messages[0] }));
    await refused(400, () => authentication.rotateToken());
  });

  step.end();
});

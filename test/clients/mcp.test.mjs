// The published MCP server, unmodified, is started as an agent's desktop would start it: over stdio, with three
// settings in its environment. Its tools must find what the person may see, and nothing else.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { company, seed } from "../harness/company.mjs";
import { eventually, signIn, startServer } from "../harness/server.mjs";

const program = fileURLToPath(new URL("../node_modules/@gleanwork/local-mcp-server/build/index.js", import.meta.url));
const [admin, nora, sam] = company.employees.map((e) => e.email);

/** One JSON-RPC conversation with a freshly started MCP server. */
async function startMCP(env) {
  const home = await mkdtemp(join(tmpdir(), "sheaf-mcp-"));
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, HOME: home, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const waiting = new Map();
  let next = 1;
  let words = "";
  child.stderr.on("data", (chunk) => (words += chunk));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  const ended = new Promise((done) => child.once("exit", done));
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

  const request = async (method, params) => {
    const id = next++;
    let timer;
    const answer = await Promise.race([
      new Promise((done) => {
        waiting.set(id, done);
        send({ id, method, params });
      }),
      ended.then((code) => { throw new Error(`the MCP server ended (${code}): ${words}`); }),
      new Promise((_, failed) => { timer = setTimeout(() => failed(new Error(`no answer to ${method}: ${words}`)), 20_000); }),
    ]).finally(() => clearTimeout(timer));
    if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  };
  await request("initialize", { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "scenario", version: "1" } });
  send({ method: "notifications/initialized" });
  return {
    request,
    /** Calls a tool and returns its text; an error of the tool is a failure. */
    async call(name, args) {
      const result = await request("tools/call", { name, arguments: args });
      const text = result.content.map((c) => c.text).join("\n");
      assert.ok(!result.isError, `${name}: ${text}`);
      return text;
    },
    async fails(name, args) {
      const result = await request("tools/call", { name, arguments: args });
      assert.ok(result.isError, `${name} must fail: ${JSON.stringify(result.content)}`);
      return result.content.map((c) => c.text).join("\n");
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
}

let server, tokens, revoke, seeded;
const running = [];
const mcp = async (token, actAs, { url } = server) => {
  const started = await startMCP({ GLEAN_BASE_URL: url, GLEAN_API_TOKEN: token, ...(actAs && { GLEAN_ACT_AS: actAs }) });
  running.push(started);
  return started;
};

before(async () => {
  server = await startServer();
  const session = await signIn(server, admin);
  revoke = session.revoke;
  await seed(server.url, (await server.cli("indexing-token", "create", "--description", "scenario intake")).secret);
  tokens = {
    sam: await session.token("USER", ["SEARCH", "ENTITIES"], { userEmail: sam }),
    global: await session.token("GLOBAL", ["SEARCH", "ENTITIES"]),
  };
  seeded = await server.calls();
});
after(async () => {
  for (const started of running) await started.stop();
  await server?.report("mcp", seeded);
  await server?.stop();
});

/** The document ids that a formatted answer names. */
const named = (text) => [...text.matchAll(/^URL: \S*\/([\w-]+)$/gm)].map((m) => m[1]).sort();

test("its tools are offered", async () => {
  const { tools } = await (await mcp(tokens.sam.secret)).request("tools/list", {});
  assert.deepEqual(tools.map((tool) => tool.name).sort(), ["chat", "company_search", "people_profile_search"]);
});

test("search finds what the token's person may see", async () => {
  const desk = await mcp(tokens.sam.secret);
  await eventually(async () => {
    const text = await desk.call("company_search", { query: company.query });
    assert.match(text, new RegExp(`Search results for "${company.query}"`));
    assert.deepEqual(named(text), company.sees[sam]);
    assert.match(text, /Source: harbornotes/);
  });
  assert.deepEqual(named(await desk.call("company_search", { query: company.query, datasources: ["elsewhere"] })), []);
});

test("search with a GLOBAL token finds what the person it acts as may see", async () => {
  const desk = await mcp(tokens.global.secret, nora);
  await eventually(async () =>
    assert.deepEqual(named(await desk.call("company_search", { query: company.query })), company.sees[nora]));
});

test("people are found by name and by filter", async () => {
  const desk = await mcp(tokens.sam.secret);
  assert.match(await desk.call("people_profile_search", { query: "lindqvist" }), /Ivo Lindqvist – Bookkeeper.*ivo@tidewater\.example/);
  const fleet = await desk.call("people_profile_search", { filters: { department: "Fleet" } });
  assert.match(fleet, /Found 2 people/);
  assert.match(fleet, /Nora Vance/);
  assert.match(fleet, /Sam Oduya/);
});

test("a revoked token ends its searches", async () => {
  const desk = await mcp(tokens.sam.secret);
  await revoke(tokens.sam.id);
  const words = await desk.fails("company_search", { query: company.query });
  assert.doesNotMatch(words, /goroutine|panic|\.go:\d/);
});

test("a person who was pushed a moment ago can be acted as", async () => {
  const { secret } = await server.cli("indexing-token", "create", "--description", "late");
  const employee = { email: "late@tidewater.example", firstName: "Late", lastName: "Comer", department: "Fleet" };
  const pushed = await fetch(`${server.url}/api/index/v1/indexemployee`, {
    method: "POST",
    headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
    body: JSON.stringify({ employee }),
  });
  assert.equal(pushed.status, 200);
  const desk = await mcp(tokens.global.secret, employee.email);
  assert.deepEqual(named(await desk.call("company_search", { query: company.query })), company.sees[admin]);
  const stranger = await mcp(tokens.global.secret, "stranger@tidewater.example");
  assert.match(await stranger.fails("company_search", { query: company.query }), /Invalid identity|401|unauthorized|authenticat/i);
});

test("the sample company: what one person's desk finds is what they may see, and no more", async () => {
  const demo = await startServer({ demo: true });
  try {
    const asked = async (person, query) => {
      const answer = await fetch(`${demo.url}/rest/api/v1/search`, {
        method: "POST",
        headers: { Authorization: `Bearer ${demo.demo.globalToken}`, "X-Glean-ActAs": person, "Content-Type": "application/json" },
        body: JSON.stringify({ query, pageSize: 10 }),
      });
      return (await answer.json()).results.map((r) => r.url);
    };
    const urls = (text) => [...text.matchAll(/^URL: (\S+)$/gm)].map((m) => m[1]);
    const own = await mcp(demo.demo.userToken, undefined, demo);
    const other = await mcp(demo.demo.globalToken, demo.demo.admin, demo);
    for (const query of ["travel", "station budget", "who repairs benches", "type:article"]) {
      assert.deepEqual(urls(await own.call("company_search", { query })), await asked(demo.demo.user, query), query);
      assert.deepEqual(urls(await other.call("company_search", { query })), await asked(demo.demo.admin, query), query);
    }
    assert.match(await own.call("people_profile_search", { query: "sofie lund" }), /Sofie Lund/);
    assert.match(await own.call("people_profile_search", { filters: { startafter: "2015-01-01" }, pageSize: 3 }), /Found \d+ people/);
    assert.match(await own.fails("chat", { message: "Who repairs benches?" }), /404|not found|does not have this operation/i);
  } finally {
    for (const started of running.splice(0)) await started.stop();
    await demo.report("mcp");
    await demo.stop();
  }
});

// What must hold with any real identity provider, as one story: people sign in to sheaf with a browser, programs get access tokens by
// authorization code with PKCE and search with them through the published clients, and the provider's bad days leave nobody in
// who should be out, and nobody out who should be in.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Glean } from "@gleanwork/api-client";
import { GleanBaseError } from "@gleanwork/api-client/models/errors";
import { launch, openPage } from "../browser/browser.mjs";
import { company, ids, seed } from "../harness/company.mjs";
import { eventually, signIn, startServer } from "../harness/server.mjs";

const [admin, nora, sam, ivo] = company.employees.map((e) => e.email);
const stranger = "stranger@tidewater.example";
const people = [{ email: nora }, { email: sam }, { email: ivo, groups: ["office"] }, { email: stranger }];
const keyAge = 15;
const loadSeconds = Number(process.env.SHEAF_LOAD_SECONDS ?? 8);
const path = (email) => `users/${encodeURIComponent(email)}`;

/** Tells the story with the provider that start makes. */
export function tell(name, start) {
  let server, console_, provider, browser, program;
  const tokens = {}; // by form, then by address

  const oauth = { headers: { "X-Glean-Auth-Type": "OAUTH" } };
  const query = (glean, options = oauth) => glean.client.search.query({ query: company.query, pageSize: 50 }, undefined, options);
  const client = (secret) => new Glean({ serverURL: server.url, apiToken: secret });
  const finds = async (secret, email, options) => assert.deepEqual(ids((await query(client(secret), options)).results), company.sees[email], `what ${email} finds`);
  const status = async (secret) => {
    try {
      await query(client(secret));
      return 200;
    } catch (error) {
      assert.ok(error instanceof GleanBaseError, `an answer of the server, not ${error}`);
      assert.ok(!error.body.includes(secret), "the token is in the answer");
      return error.statusCode;
    }
  };

  /** What the published Python client finds. */
  async function python(task) {
    const child = spawn(process.env.SHEAF_PYTHON, [fileURLToPath(new URL("search.py", import.meta.url))], { stdio: ["pipe", "pipe", "pipe"] });
    let out = "", words = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (words += chunk));
    const ended = new Promise((done) => child.once("close", done));
    child.stdin.end(JSON.stringify({ url: server.url, query: company.query, ...task }));
    assert.equal(await ended, 0, words);
    return JSON.parse(out);
  }

  /** Opens sheaf's own sign-in page and goes through the provider as that person. */
  async function enter(email) {
    const opened = await openPage(browser, server.url, { elsewhere: [new URL(provider.issuer).origin] });
    await opened.page.goto(`${server.url}/?q=${company.query}`);
    await opened.page.getByRole("link", { name: `Sign in with ${provider.name}` }).click();
    await provider.signIn(opened.page, email);
    await opened.page.waitForURL(`${server.url}/**`);
    return opened;
  }

  /** Authorization code with PKCE as a program on somebody's machine does it (RFC 8252). Returns what the token endpoint answers. */
  async function grant(email, form) {
    const verifier = randomBytes(32).toString("base64url");
    const state = randomBytes(16).toString("base64url");
    const endpoints = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json();
    const to = new URL(endpoints.authorization_endpoint);
    to.search = new URLSearchParams({
      response_type: "code", client_id: provider.program.id, redirect_uri: provider.program.redirects[0], scope: "openid email", state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256", ...provider.extra(form),
    });
    const context = await browser.newContext();
    context.setDefaultTimeout(20_000);
    try {
      const page = await context.newPage();
      const back = program.next();
      await page.goto(to.href);
      await provider.signIn(page, email);
      const answer = await back;
      assert.equal(answer.get("state"), state);
      assert.equal(answer.get("error"), null, answer.get("error_description"));
      const got = await fetch(endpoints.token_endpoint, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "authorization_code", client_id: provider.program.id, redirect_uri: provider.program.redirects[0],
          code: answer.get("code"), code_verifier: verifier, ...provider.extra(form),
        }),
      });
      const body = await got.json();
      assert.equal(got.status, 200, JSON.stringify(body));
      return body;
    } finally {
      await context.close();
    }
  }

  const renew = async (form, emails) => {
    for (const email of emails) (tokens[form] ??= {})[email] = (await grant(email, form)).access_token;
  };

  test(`sign-in and access tokens of ${name}`, { timeout: 600_000 }, async (t) => {
    let ok = true;
    const step = async (words, body) => {
      if (!ok) return t.test(words, { skip: "an earlier step failed" }, () => {});
      await t.test(words, async () => {
        ok = false;
        await body();
        ok = true;
      });
    };
    t.after(async () => {
      await browser?.close();
      await provider?.close();
      await program?.close();
      await server?.stop();
    });

    await step("a company, a provider, and an administrator who brings them together", async () => {
      server = await startServer({ flags: ["--outbound-development", "--oauth-key-age", `${keyAge}s`] });
      console_ = await signIn(server, admin);
      const { secret } = await server.cli("indexing-token", "create", "--description", "story intake");
      await seed(server.url, secret);
      program = await listen();
      provider = await start({ people, redirects: { sheaf: `${server.url}/signin/callback/${name}`, program: program.url } });
      browser = await launch();
      await console_.call("PUT", "oauth", { enabled: true, providers: [provider.settings] });
    });

    await step("people sign in with a browser, and are who they are", async () => {
      const { page, context, wrong } = await enter(nora);
      assert.equal(page.url(), `${server.url}/?q=${company.query}`);
      for (const id of company.sees[nora]) await page.locator(`a[href$="/${id}"]`).first().waitFor();
      assert.equal(await page.locator('a[href$="/ledger"]').count(), 0, "what Ivo alone may read");
      assert.equal((await page.goto(`${server.url}/admin/`)).status(), 403);
      await context.close();
      assert.deepEqual(wrong, [], "what the browser complained about");
    });

    await step("groups give a role; strangers stay outside until they are let in", async () => {
      const office = await enter(ivo);
      assert.equal((await office.page.goto(`${server.url}/admin/`)).status(), 200);
      await office.context.close();
      const { page, context } = await enter(stranger);
      assert.match(await page.getByRole("alert").innerText(), /nobody has added you/);
      await context.close();
    });

    await step("programs get tokens, and search through the published clients", async () => {
      for (const form of provider.forms) {
        await renew(form, [nora, sam, ivo]);
        assert.equal(tokens[form][nora].split(".").length, form === "jwt" ? 3 : 1, `the form of ${form} tokens`);
        for (const email of [nora, sam, ivo]) {
          // An administrator who wonders about a token is told what is wrong with it.
          const trial = await console_.call("POST", "oauth/test", { token: tokens[form][email] });
          assert.ok(trial.accepted, `${form}: ${JSON.stringify(trial)}`);
          await eventually(() => finds(tokens[form][email], email));
        }
        const list = [nora, sam, ivo].map((email) => ({ secret: tokens[form][email], oauth: true, sees: company.sees[email] }));
        assert.deepEqual(await python({ seconds: 0, workers: 1, tokens: list }), { calls: 3, wrong: [] });
      }
    });

    await step("what is no access token of ours is refused", async () => {
      const { id_token: identity } = await grant(nora, "jwt");
      assert.equal(await status(identity), 401, "an ID token");
      const [head, body, signature] = tokens.jwt[nora].split(".");
      assert.equal(await status(`${head}.${body}.${signature.slice(0, -8)}AAAAAAAA`), 401, "a token of another signature");
      const [, other] = tokens.jwt[sam].split(".");
      assert.equal(await status(`${head}.${other}.${signature}`), 401, "the claims of another token");
      await assert.rejects(query(client(tokens.jwt[nora]), {}), (error) => error.statusCode === 401, "without the header of OAuth");
      const outsider = await grant(stranger, "jwt");
      assert.equal(await status(outsider.access_token), 401, "somebody whom nobody has added");
      const trial = await console_.call("POST", "oauth/test", { token: identity });
      assert.equal(trial.accepted, false, JSON.stringify(trial));
      assert.equal((await console_.call("POST", "oauth/test", { token: tokens.jwt[nora] })).accepted, true);
    });

    await step("issued and OAuth tokens in turn, from both clients at once", async () => {
      const issued = {};
      for (const email of [nora, sam, ivo]) issued[email] = (await console_.token("USER", ["SEARCH"], { userEmail: email })).secret;
      // Neighbours in the list are different people with different kinds of token.
      const list = [nora, sam, ivo].flatMap((email, i, all) => [
        { secret: issued[email], oauth: false, sees: company.sees[email] },
        ...provider.forms.map((form, j) => {
          const next = all[(i + j + 1) % all.length];
          return { secret: tokens[form][next], oauth: true, sees: company.sees[next] };
        }),
      ]);
      const [one, two] = await Promise.all([load(list), python({ seconds: loadSeconds, workers: 4, tokens: list })]);
      assert.deepEqual([one.wrong, two.wrong], [[], []]);
      assert.ok(one.calls >= 5 * list.length && two.calls >= 5 * list.length, `${one.calls} and ${two.calls} calls are no load`);
      t.diagnostic(`${name}: ${one.calls} searches from TypeScript and ${two.calls} from Python in ${loadSeconds} s, none wrong`);
    });

    await step("whoever is deactivated is out at once, with every token and in the browser", async () => {
      const { page, context } = await enter(sam);
      await console_.call("PATCH", path(sam), { active: false });
      for (const form of provider.forms) assert.equal(await status(tokens[form][sam]), 401, form);
      await page.goto(`${server.url}/`);
      await page.getByRole("heading", { level: 1, name: "Sign in to sheaf" }).waitFor();
      await context.close();
      const again = await enter(sam);
      assert.match(await again.page.getByRole("alert").innerText(), /no access/);
      await again.context.close();
      await console_.call("PATCH", path(sam), { active: true });
      for (const form of provider.forms) await finds(tokens[form][sam], sam);
    });

    await step("whoever is provisioned gets in, and loses all of it at once when they leave", async () => {
      const { secret } = await console_.call("POST", "scim-tokens", { description: "story" });
      const scim = async (method, to, body) => {
        const answer = await fetch(`${server.url}/scim/v2/${to}`, {
          method, headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/scim+json" }, body: JSON.stringify(body),
        });
        const text = await answer.text();
        assert.ok(answer.ok, `${method} ${to}: ${answer.status} ${text}`);
        return JSON.parse(text);
      };
      const { id } = await scim("POST", "Users", { schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: stranger, active: true });
      const held = [];
      for (const form of provider.forms) held.push((await grant(stranger, form)).access_token);
      for (const token of held) assert.equal(await status(token), 200);
      const { page, context } = await enter(stranger);
      assert.equal(page.url(), `${server.url}/?q=${company.query}`);
      await scim("PATCH", `Users/${id}`, {
        schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [{ op: "Replace", path: "active", value: "False" }],
      });
      for (const token of held) assert.equal(await status(token), 401);
      await page.goto(`${server.url}/`);
      await page.getByRole("heading", { level: 1, name: "Sign in to sheaf" }).waitFor();
      await context.close();
    });

    await step("an opaque token that its owner revokes ends within seconds", async () => {
      if (!provider.forms.includes("opaque")) return;
      const { access_token: token } = await grant(sam, "opaque");
      await finds(token, sam);
      const { revocation_endpoint: to } = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json();
      const answer = await fetch(to, { method: "POST", body: new URLSearchParams({ token, client_id: provider.program.id }) });
      assert.equal(answer.status, 200);
      await eventually(async () => assert.equal(await status(token), 401), 7000);
    });

    await step("an opaque token that says little: the person is in userinfo, and no audience is asked for", async () => {
      if (!provider.bare) return;
      const { access_token: bare } = await grant(ivo, "bare");
      assert.equal(await status(bare), 401, "it names no audience, and some are configured");
      const set = async (more) => console_.call("PUT", "oauth", { enabled: true, providers: [{ ...provider.settings, ...more }] });
      await assert.rejects(set({ opaque: { method: "userinfo" } }), /Userinfo does not say for whom/);
      for (const method of ["introspect", "userinfo"]) {
        await set({ audiences: [], opaque: { method } });
        await finds(bare, ivo);
        assert.equal(await status(`${bare}x`), 401);
      }
      await set({});
      assert.equal(await status(bare), 401);
    });

    await step("keys rotate: the new one at once, the old one until it is withdrawn", async () => {
      const kid = (token) => JSON.parse(Buffer.from(token.split(".")[0], "base64url")).kid;
      const seen = [tokens.jwt[nora]];
      for (let i = 0; i < provider.rotations; i++) {
        await provider.rotate();
        await finds(seen.at(-1), nora);
        seen.push((await grant(nora, "jwt")).access_token);
        for (const token of seen.slice(-2)) await finds(token, nora);
      }
      assert.equal(new Set(seen.map(kid)).size, provider.rotations + 1, "keys that signed");
      await provider.withdraw();
      for (const old of seen.slice(0, -1)) await eventually(async () => assert.equal(await status(old), 401), (keyAge + 5) * 1000);
      await finds(seen.at(-1), nora);
      for (const form of provider.forms) await renew(form, [nora, sam]);
    });

    await step("the provider stops: JWTs go on by its last keys, opaque tokens are 503 in time", async () => {
      for (const form of provider.forms) await finds(tokens[form][nora], nora);
      await provider.stop();
      const stopped = Date.now();
      let away = 0;
      while (Date.now() - stopped < (keyAge + 5) * 1000) {
        await finds(tokens.jwt[nora], nora);
        if (provider.forms.includes("opaque")) {
          const asked = Date.now();
          const answer = await status(tokens.opaque[nora]);
          assert.ok(Date.now() - asked < 5000, "an answer takes 5 s");
          // What the provider said a moment ago counts for 5 s.
          assert.ok(answer === 503 || answer === 200 && away === 0 && asked - stopped < 6000, `${answer} after ${asked - stopped} ms`);
          if (answer === 503) away++;
          assert.equal(await status("an-opaque-token-never-seen-before"), 503);
        }
        await sleep(500);
      }
      if (provider.forms.includes("opaque")) assert.ok(away > 10, `${away} answers of 503`);
      const { page, context } = await openPage(browser, server.url, { elsewhere: [new URL(provider.issuer).origin] });
      await page.goto(`${server.url}/signin`);
      assert.equal(await page.getByRole("link", { name: `Sign in with ${name}` }).count(), 1);
      await context.close();
    });

    await step("it starts again, and everything is as before", async () => {
      await provider.start();
      await finds(tokens.jwt[nora], nora);
      for (const form of provider.forms) {
        await renew(form, [ivo]);
        await eventually(() => finds(tokens[form][ivo], ivo), 5000);
      }
      const { page, context } = await enter(nora);
      assert.equal(page.url(), `${server.url}/?q=${company.query}`);
      await context.close();
    });

    await step("OAuth is switched off and on: 403, and nothing of it is left in a cache", async () => {
      const settings = await console_.call("GET", "oauth");
      await console_.call("PUT", "oauth", { ...settings, enabled: false });
      assert.equal(await status(tokens.jwt[nora]), 403);
      await console_.call("PUT", "oauth", { ...settings, version: undefined, enabled: true });
      await finds(tokens.jwt[nora], nora);
    });

    await step("no token is in the server's log", async () => {
      const log = await server.log();
      for (const byPerson of Object.values(tokens)) for (const token of Object.values(byPerson)) assert.ok(!log.includes(token));
      assert.ok(!log.includes(provider.sheaf.secret));
    });

    /** The same as search.py, in TypeScript's client. */
    async function load(list) {
      const end = Date.now() + loadSeconds * 1000;
      const wrong = [];
      let calls = 0;
      const clients = list.map(({ secret }) => client(secret));
      await Promise.all(Array.from({ length: 8 }, async (_, number) => {
        for (let i = number; Date.now() < end; i++) {
          const { oauth: isOAuth, sees } = list[i % list.length];
          try {
            const found = ids((await query(clients[i % list.length], isOAuth ? oauth : {})).results);
            if (found.join() !== sees.join()) wrong.push(`found ${found} instead of ${sees}`);
          } catch (error) {
            wrong.push(String(error));
          }
          calls++;
        }
      }));
      return { calls, wrong: wrong.slice(0, 20) };
    }
  });
}

/** The loopback address that a program on somebody's machine has its answer sent to. */
async function listen() {
  let waiting;
  const listener = createServer((request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    response.writeHead(200, { "Content-Type": "text/html" }).end('<!doctype html><link rel="icon" href="data:,"><title>Done</title>You can close this window.');
    if (url.pathname === "/back") waiting?.(url.searchParams);
  });
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${listener.address().port}/back`,
    /** The parameters of the next answer. */
    next: () => Promise.race([new Promise((done) => { waiting = done; }), sleep(30_000, null, { ref: false }).then(() => assert.fail("no answer came back to the program"))]),
    async close() {
      listener.closeAllConnections();
      await new Promise((done) => listener.close(done));
    },
  };
}

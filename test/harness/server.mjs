// Starts the real binary on a free loopback port with a fresh data directory, and talks to its command line and its
// admin API. Nothing here knows how the server is made: it uses what an operator and a script would use.

import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";

const run = promisify(execFile);

/** A port that was free a moment ago. */
export async function freePort() {
  const probe = createServer();
  await new Promise((done, failed) => probe.once("error", failed).listen(0, "127.0.0.1", done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** The child gets this process's environment without any setting of sheaf's own. */
function cleanEnv() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SHEAF_")));
}

/**
 * Starts `sheaf serve` on an empty data directory, or with demo the sample company: server.demo then has its tokens.
 * flags are further ones of the command line.
 */
export async function startServer({ flags = [], demo = false } = {}) {
  const binary = process.env.SHEAF_BIN;
  if (!binary) throw new Error("SHEAF_BIN must name the sheaf binary");
  const dir = await mkdtemp(join(tmpdir(), "sheaf-test-"));
  const data = join(dir, "data");
  const log = join(dir, "server.log");
  const [port, opsPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;

  const verb = demo ? ["demo", "--json"] : ["serve", "--data", data];
  const child = spawn(binary, [...verb, "--listen", `127.0.0.1:${port}`, "--ops-listen", `127.0.0.1:${opsPort}`, ...flags], {
    env: { ...cleanEnv(), TMPDIR: dir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const sink = createWriteStream(log);
  let printed = "";
  child.stdout.on("data", (chunk) => (printed += chunk));
  child.stdout.pipe(sink, { end: false });
  child.stderr.pipe(sink, { end: false });
  const ended = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  ended.then(() => sink.end());

  const server = {
    url,
    data,
    log: () => readFile(log, "utf8"),

    /** Runs a verb of the command line on the data directory and returns the object that --json prints. */
    async cli(...args) {
      const { stdout } = await run(binary, [...args, "--data", data, "--json"], { env: cleanEnv(), timeout: 30_000 });
      return JSON.parse(stdout);
    },

    /** A fresh single-use link to sign in by, as an address of this server. */
    async link(email) {
      const { pathname, search } = new URL((await server.cli("signin", "--email", email)).url);
      return `${url}${pathname}${search}`;
    },

    /** What the server answered so far: for each operation the number of answers by status, as its own metrics tell. */
    async calls() {
      const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
      const calls = {};
      for (const [, op, status, count] of text.matchAll(/^sheaf_requests_total\{op="([^"]+)",status="(\d+)"\} (\S+)$/gm)) {
        if (Number(count) > 0) (calls[op] ??= {})[status] = Number(count);
      }
      return calls;
    },

    /**
     * Notes in the directory $SHEAF_CALLS what a client was answered since an earlier calls(), and which operations
     * the server says that it has. clients/covered.mjs compares the two.
     */
    async report(client, since = {}) {
      const directory = process.env.SHEAF_CALLS;
      if (!directory) return;
      const calls = {};
      for (const [op, statuses] of Object.entries(await this.calls())) {
        for (const [status, count] of Object.entries(statuses)) {
          const more = count - (since[op]?.[status] ?? 0);
          if (more > 0) (calls[op] ??= {})[status] = more;
        }
      }
      const { paths } = await (await fetch(`${url}/openapi.json`)).json();
      const operations = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, `${client}-${port}.json`), JSON.stringify({ client, calls, operations }));
    },

    /** Ends the server as an operator would, and insists that it ends well. */
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      const { code, signal } = await ended;
      clearTimeout(timer);
      const words = code === 0 ? "" : (await this.log()).slice(-4000);
      await rm(dir, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the server ended with ${signal ?? code} after SIGTERM:\n${words}`);
    },
  };

  const deadline = Date.now() + 30_000;
  for (;;) {
    const early = await Promise.race([ended, sleep(50, null)]);
    if (early) throw new Error(`the server ended at once (${early.signal ?? early.code}):\n${await server.log()}`);
    const ready = await fetch(`${url}/readyz`).then((r) => r.ok, () => false);
    if (ready && demo && printed.trimEnd().endsWith("}")) server.demo = JSON.parse(printed);
    if (ready && (!demo || server.demo)) return server;
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`the server was not ready after 30 s:\n${await server.log()}`);
    }
  }
}

/** Makes the company's administrator by command line and signs in through the admin API with a single-use code. */
export async function signIn(server, email) {
  await server.cli("user", "add", "--email", email, "--role", "SUPER_ADMIN");
  const { code } = await server.cli("signin", "--email", email);
  const response = await fetch(`${server.url}/api/admin/v1/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`sign-in: ${response.status} ${text}`);
  const { csrfToken } = JSON.parse(text);
  const cookie = response.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");

  /** One call of the admin API. Throws with the answer's words unless it succeeds. */
  async function call(method, path, body) {
    const answer = await fetch(`${server.url}/api/admin/v1/${path}`, {
      method,
      headers: {
        Cookie: cookie,
        "X-CSRF-Token": csrfToken,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const words = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${words}`);
    return words ? JSON.parse(words) : {};
  }

  return {
    call,
    token: (permission, scopes, more = {}) =>
      call("POST", "tokens", { description: `scenario ${permission}`, permission, scopes, ...more }),
    revoke: (id) => call("DELETE", `tokens/${id}`),
  };
}

/** Repeats a check until it holds. A change must be seen within two seconds on an idle server. */
export async function eventually(check, within = 2000) {
  const deadline = Date.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

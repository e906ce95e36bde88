// Compares what the clients were answered with what the server has: an operation that is built without a scenario in
// both official SDKs fails here, and so does an exception that is none any more. Run after the scenarios, with the
// directory of their reports: node covered.mjs DIRECTORY

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

// every: a client that must reach each operation. of: whose operations count, since some scenarios fill in or compare
// over plain HTTP.
const clients = {
  typescript: { every: true, of: /./ },
  python: { every: true, of: /./ },
  mcp: { of: / \/rest\/api\/v1\// },
  langchain: { of: / \/rest\/api\/v1\// },
  toolkit: { of: / \/rest\/api\/v1\// },
  "indexing-sdk": { of: / \/api\/index\/v1\// },
};

const directory = process.argv[2];
const { comment: _, ...exceptions } = JSON.parse(await readFile(new URL("unreached.json", import.meta.url), "utf8"));
const operations = new Set();
const reached = Object.fromEntries(Object.keys(clients).map((name) => [name, new Set()]));
const statuses = Object.fromEntries(Object.keys(clients).map((name) => [name, {}]));
for (const file of await readdir(directory)) {
  const report = JSON.parse(await readFile(join(directory, file), "utf8"));
  for (const operation of report.operations) operations.add(operation);
  for (const [operation, answers] of Object.entries(report.calls)) {
    if (!clients[report.client]?.of.test(operation)) continue;
    for (const [status, count] of Object.entries(answers)) {
      statuses[report.client][status] = (statuses[report.client][status] ?? 0) + count;
      if (status.startsWith("2")) reached[report.client].add(operation);
    }
  }
}

const wrong = [];
if (operations.size === 0) wrong.push("no server told which operations it has");
for (const [client, { every }] of Object.entries(clients)) {
  const mine = [...reached[client]].filter((operation) => operations.has(operation)).sort();
  const answers = Object.entries(statuses[client]).map(([status, count]) => `${count} × ${status}`).join(", ");
  console.log(`${client}: ${mine.length} of ${operations.size} operations succeeded (${answers || "no answers"})`);
  if (mine.length === 0) wrong.push(`${client} reached nothing`);
  if (!every) {
    for (const operation of mine) console.log(`  ${operation}`);
    continue;
  }
  for (const operation of operations) {
    const excused = exceptions[operation]?.clients.includes(client);
    if (mine.includes(operation) === Boolean(excused)) {
      wrong.push(excused ? `${client} does reach ${operation}: take it out of unreached.json` : `${client} has no scenario for ${operation}`);
    }
  }
}
for (const [operation, { clients: names, reason }] of Object.entries(exceptions)) {
  console.log(`not by ${names.join(", ")}: ${operation} (${reason})`);
  if (!operations.has(operation)) wrong.push(`unreached.json names ${operation}, which the server does not have`);
}
for (const sentence of wrong) console.error(sentence);
process.exitCode = wrong.length === 0 ? 0 : 1;

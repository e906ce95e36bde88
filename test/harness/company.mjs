// The company of company.json, and a way to put it into a server without any client library.

import { readFile } from "node:fs/promises";

export const company = JSON.parse(await readFile(new URL("company.json", import.meta.url), "utf8"));

/** The ids that a search answer shows, sorted: the last part of each address. */
export const ids = (results) => (results ?? []).map((r) => r.url.split("/").pop()).sort();

const post = (url, secret, body) =>
  fetch(url, { method: "POST", headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** One operation of the Indexing API over plain HTTP. */
export async function index(url, secret, operation, body) {
  const response = await post(`${url}/api/index/v1/${operation}`, secret, body);
  if (response.status !== 200) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
}

/** Asks the company's query over plain HTTP. */
export async function search(url, secret) {
  const response = await post(`${url}/rest/api/v1/search`, secret, { query: company.query, pageSize: 50 });
  return { status: response.status, ids: response.ok ? ids((await response.json()).results) : [] };
}

/** Puts the whole company in over plain HTTP. */
export async function seed(url, secret) {
  const post = (operation, body) => index(url, secret, operation, body);
  const datasource = company.datasource.name;
  await post("adddatasource", company.datasource);
  for (const employee of company.employees) await post("indexemployee", { employee });
  for (const user of company.users) await post("indexuser", { datasource, user });
  for (const group of company.groups) await post("indexgroup", { datasource, group });
  for (const membership of company.memberships) await post("indexmembership", { datasource, membership });
  await post("indexdocuments", { datasource, documents: company.documents });
}

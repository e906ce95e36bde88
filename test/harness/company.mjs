// The company of company.json, and a way to put it into a server without any client library.

import { readFile } from "node:fs/promises";

export const company = JSON.parse(await readFile(new URL("company.json", import.meta.url), "utf8"));

/** The ids that a search answer shows, sorted: the last part of each address. */
export const ids = (results) => (results ?? []).map((r) => r.url.split("/").pop()).sort();

/** Puts the whole company in over plain HTTP. */
export async function seed(url, secret) {
  const post = async (operation, body) => {
    const response = await fetch(`${url}/api/index/v1/${operation}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
  };
  const datasource = company.datasource.name;
  await post("adddatasource", company.datasource);
  for (const employee of company.employees) await post("indexemployee", { employee });
  for (const user of company.users) await post("indexuser", { datasource, user });
  for (const group of company.groups) await post("indexgroup", { datasource, group });
  for (const membership of company.memberships) await post("indexmembership", { datasource, membership });
  await post("indexdocuments", { datasource, documents: company.documents });
}

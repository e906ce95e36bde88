// A real Chromium with what every walk wants of it: nothing fetched from elsewhere, no error in its console, axe on
// each page in light, dark and narrow, and a picture of each.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterEach } from "node:test";
import { chromium } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const shots = process.env.SHEAF_SHOTS;
const wide = { width: 1280, height: 900 };
const narrow = { width: 360, height: 780 };

export async function launch() {
  // A fresh profile comes with launch; the rest keeps Chromium from speaking to anyone but the page.
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    ],
  });
}

/** A page in a context of its own, and the list of what went wrong in it. elsewhere are further origins that it may visit. */
export async function openPage(browser, origin, { elsewhere = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: wide, reducedMotion: "reduce", colorScheme: "light", ...options });
  if (options.javaScriptEnabled !== false) await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
  page.on("console", (message) => {
    // A refused form answers 4xx, and Chromium reports that; everything else is a mistake of the page.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) wrong.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:", "about:"].includes(url.protocol) && url.origin !== origin && !elsewhere.includes(url.origin)) wrong.push(`fetched from elsewhere: ${url}`);
  });
  opened.push({ context, wrong });
  return { context, page, wrong };
}

const opened = [];

/** For the top of a file: after each test its pages are closed, and the browser must not have complained about any. */
export function closePages() {
  afterEach(async () => {
    const pages = opened.splice(0);
    for (const { context } of pages) await context.close();
    assert.deepEqual(pages.flatMap(({ wrong }) => wrong), [], "what the browser complained about");
  });
}

async function violations(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const found = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), tags);
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id} (${v.impact}): ${n.target.join(" ")}: ${n.failureSummary.replace(/\s+/g, " ")}`));
}

async function shot(page, name) {
  if (!shots) return;
  await mkdir(shots, { recursive: true });
  // As tall as the page: a picture stitched from parts would show bars that stick to an edge in its middle.
  const size = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...size, height: Math.min(Math.max(size.height, height), 8000) });
  await page.screenshot({ path: join(shots, `${name}.png`) });
  await page.setViewportSize(size);
}

/** Looks at the page in light, dark and narrow: axe must find nothing, and a phone must not scroll sideways. */
export async function inspect(page, name) {
  const found = [];
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await shot(page, `${name}-${scheme}`);
    found.push(...(await violations(page)).map((v) => `${scheme}: ${v}`));
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(narrow);
  await shot(page, `${name}-360`);
  found.push(...(await violations(page)).map((v) => `360 px: ${v}`));
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > narrow.width) found.push(`360 px: the page is ${width} px wide and scrolls sideways`);
  await page.setViewportSize(wide);
  assert.deepEqual(found, [], `axe on ${name}`);
}

/** Presses Tab until the wanted element has the focus. Each stop on the way must be visible. */
export async function tabTo(page, locator, most = 120) {
  for (let i = 0; i <= most; i++) {
    if (await locator.evaluate((e) => e === document.activeElement)) {
      const box = await locator.boundingBox();
      assert.ok(box && box.width > 0 && box.height > 0, `${locator} has the focus and cannot be seen`);
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`${most} Tabs do not lead to ${locator}`);
}

// Small helps for pages that already work without them. Nothing here fetches from elsewhere,
// writes markup from strings, or sets style attributes, so it runs under a strict policy.

const root = document.documentElement;
root.classList.add("js");

const say = (words) => {
  let toast = document.querySelector(".toast");
  if (!toast) {
    toast = document.createElement("div");
    toast.className = "toast";
    toast.setAttribute("role", "status");
  }
  // A modal dialog hides everything outside itself, so speak from within it.
  (document.querySelector("dialog:modal") ?? document.body).append(toast);
  toast.textContent = words;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.textContent = ""; }, 2400);
};

// <sheaf-copy from="id"><button>Copy</button></sheaf-copy>
customElements.define("sheaf-copy", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", async () => {
      const source = document.getElementById(this.getAttribute("from"));
      if (!source) return;
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent);
        say(this.getAttribute("said") ?? "Copied.");
      } catch {
        if (source.select) source.select(); else getSelection().selectAllChildren(source);
        say("Selected. Press Ctrl+C or ⌘C to copy.");
      }
    });
  }
});

const applyTheme = (value) => {
  if (value === "light" || value === "dark") root.dataset.theme = value; else delete root.dataset.theme;
  for (const b of document.querySelectorAll("sheaf-theme [name=theme]")) b.setAttribute("aria-pressed", b.value === value);
};
// <sheaf-theme> inside the form that posts the choice: the page changes at once, the server keeps it in a cookie.
customElements.define("sheaf-theme", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[name=theme]");
      if (!button) return;
      event.preventDefault();
      applyTheme(button.value);
      const form = button.form;
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, button)), redirect: "manual" })
        .catch(() => { say("The server did not keep this choice. Try again in a moment."); });
    });
    applyTheme(root.dataset.theme ?? "system");
  }
});

// <sheaf-filter for="table-id"> around a form: rows hide as one types; the count is announced.
customElements.define("sheaf-filter", class extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    const table = document.getElementById(this.getAttribute("for"));
    const count = document.getElementById(this.getAttribute("count"));
    if (!form || !table) return;
    const rows = [...table.tBodies].flatMap((b) => [...b.rows]).filter((r) => !r.classList.contains("group"));
    const run = () => {
      // A choice is held against the row's own mark (data-permission, data-scope), typed words against all of its text.
      const typed = [];
      const chosen = [];
      for (const field of form.elements) {
        const value = String(field.value ?? "").trim().toLowerCase();
        if (!value || !field.name || field.type === "hidden") continue;
        if (field.tagName === "SELECT") chosen.push([field.name, value]); else typed.push(value);
      }
      let shown = 0;
      for (const row of rows) {
        const text = `${row.textContent} ${row.dataset.find ?? ""}`.toLowerCase();
        const marks = (name) => (row.dataset[name] ?? "").toLowerCase().split(" ");
        row.hidden = !(typed.every((w) => text.includes(w)) && chosen.every(([name, v]) => marks(name).includes(v)));
        shown += row.hidden ? 0 : 1;
      }
      for (const body of table.tBodies) {
        const head = body.querySelector(".group");
        if (head) head.hidden = ![...body.rows].some((r) => r !== head && !r.hidden);
      }
      if (count) count.textContent = shown ? `${shown} of ${rows.length} shown` : "Nothing matches. Clear the filter to see all.";
    };
    form.addEventListener("input", run);
  }
});

// <sheaf-scopes>: one box ticks all, and a line counts.
customElements.define("sheaf-scopes", class extends HTMLElement {
  connectedCallback() {
    const all = this.querySelector("[data-all]");
    const each = [...this.querySelectorAll("[name=scopes]:not([data-all])")];
    const count = this.querySelector(".count");
    const show = () => {
      const n = each.filter((b) => b.checked).length;
      all.checked = n === each.length;
      all.indeterminate = n > 0 && n < each.length;
      count.textContent = `${n} of ${each.length} selected`;
    };
    all.addEventListener("change", () => { for (const b of each) b.checked = all.checked; show(); this.dispatchEvent(new Event("input", { bubbles: true })); });
    this.addEventListener("change", show);
    show();
  }
});

// <sheaf-summary> in a token form: says in one sentence what Save will make.
customElements.define("sheaf-summary", class extends HTMLElement {
  connectedCallback() {
    const form = this.closest("form");
    const out = this.querySelector("output");
    const show = () => {
      const data = new FormData(form);
      const scopes = data.getAll("scopes").filter((s) => s !== "ALL").length;
      const acts = { GLOBAL: "acts as anyone", USER: `acts as ${data.get("userEmail") || "one person"}`, ANONYMOUS: "acts as nobody" }[data.get("permission")];
      const until = form.querySelector("[name=expires]:checked")?.dataset.until ?? "the date you choose";
      out.textContent = scopes ? `${scopes} ${scopes === 1 ? "scope" : "scopes"}, ${acts}, works until ${until}.` : "Choose at least one scope.";
    };
    form.addEventListener("input", show);
    form.addEventListener("change", show);
    show();
  }
});

// <sheaf-tabs>: sections one below the other become tabs, with arrow keys.
customElements.define("sheaf-tabs", class extends HTMLElement {
  connectedCallback() {
    const panes = [...this.children].filter((c) => c.matches("section"));
    const bar = document.createElement("div");
    bar.className = "seg";
    bar.setAttribute("role", "tablist");
    bar.setAttribute("aria-label", this.getAttribute("label"));
    const pick = (i, focus) => panes.forEach((pane, j) => {
      const tab = bar.children[j];
      pane.hidden = i !== j;
      tab.setAttribute("aria-selected", i === j);
      tab.toggleAttribute("aria-current", i === j);
      tab.tabIndex = i === j ? 0 : -1;
      if (i === j && focus) tab.focus();
    });
    panes.forEach((pane, i) => {
      const tab = document.createElement("button");
      const title = pane.querySelector("h3");
      pane.id ||= `pane-${i}`;
      tab.type = "button";
      tab.id = `${pane.id}-tab`;
      tab.textContent = title.textContent;
      title.hidden = true;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", pane.id);
      pane.setAttribute("role", "tabpanel");
      pane.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => pick(i));
      bar.append(tab);
    });
    bar.addEventListener("keydown", (event) => {
      const at = [...bar.children].indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: panes.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      pick((to + panes.length) % panes.length, true);
    });
    this.prepend(bar);
    pick(0);
  }
});

// <sheaf-suggest src="/suggest"> around the search form: a combobox that asks the server as one types (ARIA Authoring
// Practices, "Combobox with list autocomplete"). Without it, the form searches.
customElements.define("sheaf-suggest", class extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input[type=search]");
    this.list = document.createElement("div");
    this.list.className = "suggest";
    this.list.id = "suggestions";
    this.list.hidden = true;
    for (const [name, value] of [["role", "listbox"], ["aria-label", "Suggestions"]]) this.list.setAttribute(name, value);
    this.count = document.createElement("p");
    this.count.className = "sr";
    this.count.setAttribute("role", "status");
    this.append(this.list, this.count);
    for (const [name, value] of [["role", "combobox"], ["aria-controls", "suggestions"], ["aria-expanded", "false"], ["aria-autocomplete", "list"], ["aria-haspopup", "listbox"]]) this.input.setAttribute(name, value);
    this.at = -1;
    this.input.addEventListener("input", () => this.ask(120));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("click", () => { if (this.list.hidden && this.input.value === "") this.ask(0); });
    this.input.addEventListener("blur", () => this.open(false));
    // The focus stays in the box, so that one can type on.
    this.list.addEventListener("mousedown", (event) => { if (event.button === 0) event.preventDefault(); });
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
  }

  ask(delay) {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.timer = setTimeout(async () => {
      this.asking = new AbortController();
      try {
        const answer = await fetch(`${this.getAttribute("src")}?${new URLSearchParams({ q: this.input.value })}`, { signal: this.asking.signal, redirect: "error", headers: { Accept: "application/json" } });
        if (answer.ok && document.activeElement === this.input) this.show((await answer.json()).suggestions);
      } catch { /* No suggestions: the box searches all the same. */ }
    }, delay);
  }

  show(suggestions) {
    const signs = { document: "file", person: "person", search: "search", history: "clock", operator: "pen" };
    this.list.replaceChildren(...suggestions.map((s, i) => {
      const option = document.createElement("div");
      option.id = `suggestion-${i}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.suggestion = s;
      const words = document.createElement("span");
      words.append(...marked(s.text, this.input.value));
      if (s.about) words.append(part("span", "sub", s.about));
      option.append(part("span", `sign ${signs[s.kind]}`, ""), words, part("span", "sub", { document: "Document", person: "Person", search: "", history: "Searched before", operator: "Filter" }[s.kind]));
      return option;
    }));
    this.open(suggestions.length > 0);
    this.count.textContent = suggestions.length ? `${suggestions.length} ${suggestions.length === 1 ? "suggestion" : "suggestions"}` : "";
  }

  open(yes) {
    if (!yes) { clearTimeout(this.timer); this.asking?.abort(); this.count.textContent = ""; }
    this.list.hidden = !yes;
    this.input.setAttribute("aria-expanded", yes);
    this.move(-1);
  }

  move(to) {
    const options = [...this.list.children];
    this.at = to;
    options.forEach((o, i) => o.setAttribute("aria-selected", i === to));
    if (to < 0) this.input.removeAttribute("aria-activedescendant");
    else { this.input.setAttribute("aria-activedescendant", options[to].id); options[to].scrollIntoView({ block: "nearest" }); }
  }

  key(event) {
    const n = this.list.hidden ? 0 : this.list.children.length;
    if (event.isComposing) return;
    if (event.key === "ArrowDown") { event.preventDefault(); if (n) this.move(this.at + 1 < n ? this.at + 1 : -1); else this.ask(0); }
    else if (event.key === "ArrowUp" && n) { event.preventDefault(); this.move(this.at < 0 ? n - 1 : this.at - 1); }
    else if (event.key === "Enter" && n && this.at >= 0) { event.preventDefault(); this.take(this.list.children[this.at]); }
    else if (event.key === "Escape") {
      event.preventDefault(); // else Chromium empties the box
      if (n) this.open(false); else results()[0]?.focus();
    }
  }

  take({ suggestion }) {
    if (suggestion.fill !== undefined) {
      this.input.value = suggestion.fill;
      this.ask(0);
      return;
    }
    if (suggestion.id) viewed(suggestion.id);
    location.href = suggestion.href;
  }
});

const part = (name, style, text) => {
  const element = document.createElement(name);
  element.className = style;
  element.textContent = text;
  return element;
};

// marked is text with what was typed plain and the rest strong, so that one sees what a suggestion adds.
const marked = (text, typed) => {
  const word = typed.trim().split(/\s+/).pop().toLowerCase();
  const at = word ? text.toLowerCase().indexOf(word) : -1;
  if (at < 0) return [text];
  return [part("b", "", text.slice(0, at)), text.slice(at, at + word.length), part("b", "", text.slice(at + word.length))];
};

// viewed tells the server that a document is opened. The link leads to the document itself, so copying it and opening it elsewhere work as ever.
const viewed = (document_) => {
  const csrf = document.querySelector("input[name=csrf]")?.value;
  if (csrf) navigator.sendBeacon("/viewed", new URLSearchParams({ csrf, document: document_ }));
};
for (const kind of ["click", "auxclick"]) {
  document.addEventListener(kind, (event) => {
    const link = event.target.closest("a[data-viewed]");
    if (link && event.button < 2) viewed(link.dataset.viewed);
  });
}

// Single keys can be turned off, for those whose speech or touch would press them by accident (WCAG 2.2, 2.1.4). The choice stays on the device.
const keys = () => { try { return localStorage.getItem("sheaf-keys") !== "off"; } catch { return true; } };
const showKeys = (within) => { for (const box of within.querySelectorAll("[data-keys]")) box.checked = keys(); };
showKeys(document);
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-keys]")) return;
  try { localStorage.setItem("sheaf-keys", event.target.checked ? "on" : "off"); } catch { say("This browser keeps no choices."); }
});

// The results, for moving among them with j and k or the arrows.
const results = () => [...document.querySelectorAll(".hit h2 a")];
const step = (by) => {
  const list = results();
  const at = list.indexOf(document.activeElement?.closest(".hit")?.querySelector("h2 a"));
  const to = at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by;
  if (to < 0) document.querySelector("[data-slash]")?.focus();
  list[to]?.focus();
  return list.length > 0;
};

// The order of results changes at once; without script a button does it.
document.querySelector("form.order select")?.addEventListener("change", (event) => event.target.form.requestSubmit());

// A page that answers a post with something shown once: reloading it must not post again.
const after = document.querySelector("[data-after]");
if (after) history.replaceState(null, "", after.dataset.after);

// Links marked data-dialog open the form of the page they lead to, as a modal over this one.
const openDialog = async (link) => {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const dialog = document.importNode(page.querySelector("dialog"), true);
  dialog.removeAttribute("open");
  showKeys(dialog);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    const closes = event.target === dialog || event.target.closest("[data-close]");
    if (closes) { event.preventDefault(); dialog.close(); }
  });
  dialog.showModal();
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    openDialog(link).catch(() => { location.href = link.href; });
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = event.target.closest?.("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
    return;
  }
  if (!keys() || event.metaKey || event.ctrlKey || event.altKey || event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  const inHits = event.target.closest(".hits") !== null;
  let done = true;
  if (event.key === "/") {
    const box = document.querySelector("[data-slash]");
    if (box) { box.focus(); box.select(); } else done = false;
  } else if (event.key === "?") {
    const help = document.querySelector("a[data-help]");
    if (help) help.click(); else done = false;
  } else if (event.key === "j" || event.key === "ArrowDown" && inHits) done = step(1);
  else if (event.key === "k" || event.key === "ArrowUp" && inHits) done = step(-1);
  else done = false;
  if (done) event.preventDefault();
});

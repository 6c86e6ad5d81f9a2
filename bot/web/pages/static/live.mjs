// Keeps a page up to date: when something happens, the page is asked for again, and what differs in it is exchanged.
// Everything on it is there without this file, too.

const KINDS = document.documentElement.dataset.kinds?.split(" ") ?? [];
const PAUSE = 700; // milliseconds between two looks, and until what was typed is checked
const parts = () => document.querySelectorAll("[data-live]");
const source = () => document.querySelector('[data-live]:not([data-live=""])')?.dataset.live;
const policy = window.trustedTypes?.createPolicy("live", { createHTML: (text) => text });

let stream = null;
let waiting = null;
let isAsking = false;
let pace = PAUSE; // the server says how long, so that not all who look do so at once

function parsed(text) {
  // The text is a page of ours, in which everything from outside is escaped; a parsed document runs nothing.
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
}

function exchange(page) {
  for (const old of parts()) {
    const fresh = page.getElementById(old.id);
    if (!fresh || fresh.isEqualNode(old) || old.contains(document.activeElement)) continue;
    const open = [...old.querySelectorAll("details[open][id]")].map((each) => each.id);
    const imported = document.importNode(fresh, true);
    for (const id of open) imported.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    old.replaceWith(imported);
  }
  document.title = page.title;
}

async function look() {
  waiting = null;
  if (isAsking) return later();
  isAsking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) exchange(parsed(await answer.text()));
    else stream?.close();
  } catch {
    // away for a moment: the stream comes back by itself, and brings the next look along
  } finally {
    isAsking = false;
  }
  if (!source()) stream?.close();
}

function later() {
  waiting ??= setTimeout(look, pace === PAUSE ? PAUSE : pace * (0.5 + Math.random()));
}

const editor = document.querySelector("form[data-check]");

async function check() {
  const body = new URLSearchParams([...new FormData(editor), ["check", "live"]]);
  const answer = await fetch(editor.action, { method: "POST", body }).catch(() => null); // away: typed once more
  if (answer?.ok) exchange(parsed(await answer.text()));
}

editor?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(check, PAUSE);
});

if (source()) {
  stream = new EventSource(source());
  stream.onopen = later; // what happened while it was away
  for (const kind of [...KINDS, "reload"]) stream.addEventListener(kind, later);
  stream.addEventListener("pace", (told) => (pace = Math.max(PAUSE, Number(told.data) * 1000)));
  stream.addEventListener("end", () => stream.close());
}

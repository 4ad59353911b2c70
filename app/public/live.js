// Keeps an open page up to date. The server says that something has changed (GET /events); the page asks for itself
// again and takes over what differs, without moving focus, scroll or what is unfolded, and says it once to those who
// listen. Where there is no stream it asks by itself, every 30 to 60 seconds.
"use strict";
(() => {
  const POLL = 30_000;
  const FIRST_POLL = 5_000;
  const NO_STREAM = 300_000;
  const SAFETY = 300_000;
  const OPENS_WITHIN = 10_000;
  const AGAIN = 5_000;
  const STALE = 1_000;
  const STALE_TRIES = 5;
  const AFTER_EVENT = 500;
  const main = document.getElementById("main");
  const change = document.querySelector('meta[name="change"]');
  if (!main || !change) return;

  const region = document.createElement("p");
  region.className = "vh";
  region.setAttribute("role", "status");
  main.after(region);

  let known = change.content;
  let served = main.innerHTML;
  let source = null;
  let polling = 0;
  let opening = 0;
  let safety = 0;
  let soon = 0;
  let retry = 0;
  // What the stream said last. No maximum: a restored database counts on from less.
  let told = 0;
  let tries = 0;
  let asking = false;
  let again = false;

  // Not all pages in the same moment.
  const spread = (time) => time * (1 + Math.random());

  const text = (node) => (node ? node.textContent.replace(/\s+/g, " ").trim() : "");

  // What a page says of components and in timelines. A component is told apart by its address, an update by its
  // identity, since two may be said in one second: another name and mended words are no news.
  function facts(root) {
    const components = new Map();
    for (const line of root.querySelectorAll("ul.comps > li")) {
      const name = text(line.querySelector("[dir]"));
      const address = line.querySelector("a[href]")?.getAttribute("href") ?? name;
      components.set(address, { name, state: text(line.querySelector(".state")) });
    }
    const updates = new Map();
    for (const line of root.querySelectorAll("ol.timeline > li")) {
      updates.set(line.id, [text(line.querySelector("h3")), text(line.querySelector(".prose"))].filter(Boolean).join(": "));
    }
    return { components, updates, heading: text(root.querySelector("h1")) };
  }

  // "API: Partial outage. Update: Identified: A disk is gone."
  function news(before, after) {
    const parts = [];
    const changed = [...after.components].filter(([key, { state }]) => before.components.get(key)?.state !== state);
    parts.push(...changed.slice(0, 3).map(([, { name, state }]) => `${name}: ${state}`));
    if (changed.length > 3) parts.push(`${changed.length - 3} more components`);
    const updates = [...after.updates].filter(([key]) => !before.updates.has(key));
    // In the order in which they were said; the page has the newest first.
    parts.push(...updates.slice(0, 3).reverse().map(([, said]) => `Update: ${said}`));
    if (updates.length > 3) parts.push(`${updates.length - 3} more updates`);
    // An update says what has changed; without one the heading does.
    if (updates.length === 0 && before.heading !== after.heading) parts.push(after.heading);
    return parts.map((part) => (/[.!?]$/.test(part) ? part : `${part}.`)).join(" ");
  }

  // Things of a list that are told apart by what they are about, not by their place.
  const KEYED = new Set(["ARTICLE", "DETAILS", "LI", "SECTION"]);

  const key = (node) =>
    node.id ||
    node.getAttribute("aria-labelledby") ||
    node.querySelector("h3 a[href]")?.getAttribute("href") ||
    (node.nodeName === "DETAILS" ? text(node.querySelector("h3 [dir]")) : node.querySelector("time")?.dateTime) ||
    "";

  function isSame(a, b) {
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false;
    return !KEYED.has(a.nodeName) || key(a) === key(b);
  }

  // Makes `old` what `fresh` is, touching only what differs.
  function renew(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name, value } of fresh.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    renewChildren(old, fresh);
  }

  function renewChildren(old, fresh) {
    const wanted = [...fresh.childNodes];
    let place = old.firstChild;
    wanted.forEach((child, at) => {
      while (place && !isSame(place, child) && !wanted.slice(at).some((later) => isSame(place, later))) {
        const gone = place;
        place = place.nextSibling;
        gone.remove();
      }
      if (place && isSame(place, child)) {
        renew(place, child);
        place = place.nextSibling;
      } else {
        old.insertBefore(document.importNode(child, true), place);
      }
    });
    while (place) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
  }

  // Where the focus was, in case what had it went away.
  function focused() {
    const element = document.activeElement;
    if (!element || !main.contains(element)) return () => {};
    const href = element.getAttribute("href");
    return () => {
      if (document.activeElement === element) return;
      const next = href && [...main.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === href);
      (next || main).focus({ preventScroll: true });
    };
  }

  function show(page) {
    const fresh = page.getElementById("main");
    const number = page.querySelector('meta[name="change"]');
    if (!fresh || !number) return;
    known = number.content;
    if (fresh.innerHTML === served) return;
    const before = facts(main);
    const after = facts(fresh);
    served = fresh.innerHTML;
    const restore = focused();
    const { scrollX, scrollY } = window;
    renewChildren(main, fresh);
    restore();
    if (window.scrollX !== scrollX || window.scrollY !== scrollY) window.scrollTo(scrollX, scrollY);
    document.title = page.title;
    const words = news(before, after);
    if (words) region.textContent = words;
  }

  async function ask() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    clearTimeout(retry);
    let failed = false;
    try {
      do {
        again = false;
        const response = await fetch(location.href, { cache: "no-cache", credentials: "omit" });
        if (response.ok) show(new DOMParser().parseFromString(await response.text(), "text/html"));
        failed = response.status >= 500;
      } while (again);
    } catch {
      failed = true;
    }
    asking = false;
    // The stream says a thing once: what could not be fetched is asked for until it comes, and what came from where the
    // change was not known yet (another node, a proxy) a few times more.
    if (document.hidden) return;
    if (failed) retry = setTimeout(ask, spread(AGAIN));
    else if (Number(known) < told && tries++ < STALE_TRIES) retry = setTimeout(ask, STALE * 2 ** (tries - 1));
  }

  function poll() {
    if (polling) return;
    const turn = () => {
      polling = setTimeout(turn, spread(POLL));
      ask();
    };
    polling = setTimeout(turn, Math.random() * FIRST_POLL);
  }

  function stopPolling() {
    clearTimeout(polling);
    polling = 0;
  }

  function follow() {
    if (source || document.hidden) return;
    source = new EventSource(`/events?since=${encodeURIComponent(known)}`);
    // A stream may neither open nor fail, and one that is open may die without a word.
    opening = setTimeout(() => source?.readyState === EventSource.CONNECTING && poll(), OPENS_WITHIN);
    clearInterval(safety);
    safety = setInterval(ask, spread(SAFETY));
    source.onopen = () => {
      clearTimeout(opening);
      stopPolling();
    };
    source.onmessage = (event) => {
      told = Number(event.data);
      tries = 0;
      soon ||= setTimeout(() => {
        soon = 0;
        ask();
      }, Math.random() * AFTER_EVENT);
    };
    source.onerror = () => {
      poll();
      // The browser tries again by itself unless the answer was no stream.
      if (source?.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(follow, spread(NO_STREAM));
      }
    };
  }

  function rest() {
    source?.close();
    source = null;
    stopPolling();
    clearTimeout(opening);
    clearInterval(safety);
    clearTimeout(soon);
    soon = 0;
    clearTimeout(retry);
  }

  // A page that nobody sees holds no place; when it is seen again it hears at once what it missed.
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
  addEventListener("online", ask);
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && follow());
  follow();
})();

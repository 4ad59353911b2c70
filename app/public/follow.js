// Tells the team that the page they have open has changed, and touches nothing on it: what is half written stays as it
// is and keeps the focus. The stream (GET /events) says only that something has changed; whether it is this page, the
// server tells those who are signed in. Of drafts the stream says nothing, since everybody may read it: their pages ask
// by themselves, as all do while there is no stream, every 30 to 60 seconds.
"use strict";
(() => {
  const POLL = 30_000;
  const AGAIN = 5_000;
  const AFTER_EVENT = 500;
  const line = document.getElementById("follow");
  const words = line?.querySelector("template");
  if (!words) return;

  const { incident, stands } = line.dataset;
  const isDraft = "draft" in line.dataset;
  // The newest change that the server was asked after, and the newest that the stream told of.
  let known = line.dataset.since;
  let told = known;
  let source = null;
  let soon = 0;
  let slow = 0;
  // Which answers are still waited for.
  let turn = 0;
  let done = false;

  // Not all pages in the same moment.
  const spread = (time) => time * (1 + Math.random());

  function say() {
    done = true;
    rest();
    line.append(words.content.cloneNode(true));
  }

  function lookWithin(time) {
    soon ||= setTimeout(look, time);
  }

  async function look() {
    clearTimeout(soon);
    soon = 0;
    const [mine, asked] = [turn, told];
    const body = new URLSearchParams({ incident });
    const headers = { accept: "application/json" };
    const answer = await fetch("/api/fn/stands", { method: "POST", body, headers }).catch(() => null);
    const now = answer?.ok ? await answer.json().catch(() => null) : null;
    if (mine !== turn) return;
    // The stream says a thing once: what could not be asked is asked until there is an answer.
    if (now === null) {
      if (!answer || answer.ok || answer.status >= 500) lookWithin(spread(AGAIN));
      return;
    }
    known = asked;
    if (now !== stands) say();
  }

  function listen() {
    if (source) return;
    source = new EventSource(`/events?since=${encodeURIComponent(known)}`);
    source.onmessage = (event) => {
      told = event.data;
      lookWithin(Math.random() * AFTER_EVENT);
    };
    source.onerror = () => {
      lookWithin(Math.random() * AFTER_EVENT);
      // The browser tries again by itself unless the answer was no stream.
      if (source?.readyState === EventSource.CLOSED) source = null;
    };
  }

  function poll() {
    slow = setTimeout(poll, spread(POLL));
    if (isDraft || source?.readyState !== EventSource.OPEN) lookWithin(0);
    listen();
  }

  function follow() {
    if (slow || done || document.hidden) return;
    listen();
    slow = setTimeout(poll, spread(POLL));
  }

  function rest() {
    turn += 1;
    source?.close();
    source = null;
    clearTimeout(soon);
    clearTimeout(slow);
    soon = 0;
    slow = 0;
  }

  // A page that nobody sees holds no place; when it is seen again it hears at once what it missed.
  function again() {
    follow();
    if (isDraft && slow) lookWithin(Math.random() * AFTER_EVENT);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : again()));
  // What one sends oneself is no news; the page stays where nothing came of it.
  addEventListener("submit", () => {
    rest();
    setTimeout(again, POLL);
  });
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && again());
  follow();
})();

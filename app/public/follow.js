// Tells the team that the page they have open has changed, and touches nothing on it: what is half written stays as it
// is and keeps the focus. The stream (GET /events) says only that something has changed; whether it is this page, the
// server tells those who are signed in.
"use strict";
(() => {
  const AFTER_EVENT = 500;
  const line = document.getElementById("follow");
  const words = line?.querySelector("template");
  if (!words) return;

  const { incident, stands } = line.dataset;
  let known = line.dataset.since;
  let source = null;
  let soon = 0;
  let done = false;

  const isTyped = (field) => {
    if (field.type === "hidden") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
    return field.value !== field.defaultValue;
  };

  function say() {
    done = true;
    rest();
    line.append(words.content.cloneNode(true));
    // Who has begun to write gets the new page beside this one.
    line.querySelector("a").addEventListener("click", (event) => {
      const typed = [...document.querySelectorAll("#main :is(input, select, textarea)")].some(isTyped);
      event.currentTarget.target = typed ? "_blank" : "";
    });
  }

  async function look() {
    soon = 0;
    const asked = new URLSearchParams({ incident });
    const headers = { accept: "application/json" };
    const answer = await fetch("/api/fn/stands", { method: "POST", body: asked, headers }).catch(() => null);
    const now = answer?.ok ? await answer.json().catch(() => stands) : stands;
    if (now !== stands && !done) say();
  }

  function rest() {
    source?.close();
    source = null;
    clearTimeout(soon);
    soon = 0;
  }

  // A page that nobody sees holds no place; when it is seen again it hears at once what it missed.
  function follow() {
    if (source || done || document.hidden) return;
    source = new EventSource(`/events?since=${encodeURIComponent(known)}`);
    source.onmessage = (event) => {
      known = event.data;
      soon ||= setTimeout(look, Math.random() * AFTER_EVENT);
    };
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && follow());
  follow();
})();

// Several forms stand on a page of the team, and one of them is sent. What was typed in the others is kept in this tab,
// and put back once when the page is loaded again, into fields that still begin as they did: what the server or a
// colleague has put there meanwhile stays. Passwords and what nobody typed are never kept, nothing is after signing out.
"use strict";
(() => {
  const PREFIX = "typed:";
  const NEVER = ["password", "hidden", "file", "submit", "button", "reset", "image"];
  // What stands in a live region from the start is not heard.
  const HEARD = 500;
  const line = document.getElementById("kept");
  if (!line) return;
  // Who is signed in, by which button the server has this page shown again, with what was typed, and what to say.
  const { who, again, says } = line.dataset;
  const key = PREFIX + location.pathname;

  const isBox = (field) => field.type === "checkbox" || field.type === "radio";
  const values = (options) => JSON.stringify(options.map((option) => option.value));

  function holds(field) {
    if (field.options) return values([...field.selectedOptions]);
    return isBox(field) ? String(field.checked) : field.value;
  }

  function beganWith(field) {
    if (!field.options) return isBox(field) ? String(field.defaultChecked) : field.defaultValue;
    const chosen = [...field.options].filter((option) => option.defaultSelected);
    return values(chosen.length || field.multiple ? chosen : [...field.options].slice(0, 1));
  }

  function put(field, value) {
    if (field.options) {
      const chosen = JSON.parse(value);
      for (const option of field.options) option.selected = chosen.includes(option.value);
    } else if (isBox(field)) {
      field.checked = value === "true";
    } else {
      field.value = value;
    }
    for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }

  const deedsOf = (form) => [...form.elements].filter((one) => one.name === "do").map((one) => one.value);

  // A form by its buttons, a field by its name in it: ids are not everywhere.
  function fields() {
    const all = new Map();
    for (const form of document.forms) {
      const deeds = deedsOf(form);
      for (const field of form.elements) {
        const isText = field.matches("textarea, select, input") && !NEVER.includes(field.type);
        if (!isText || !field.name || field.disabled || /password|one-time-code/.test(field.autocomplete)) continue;
        const name = JSON.stringify([form.getAttribute("id"), deeds, field.name, field.id, isBox(field) ? field.value : ""]);
        if (!all.has(name)) all.set(name, field);
      }
    }
    return all;
  }

  // Without storage, as some browsers are set, nothing is kept.
  function store(deed) {
    try {
      return deed(sessionStorage);
    } catch {
      return null;
    }
  }

  function forget() {
    store((kept) => Object.keys(kept).filter((name) => name.startsWith(PREFIX)).forEach((name) => kept.removeItem(name)));
  }

  function keep(sent) {
    const typed = [];
    for (const [name, field] of fields()) {
      if (field.form === sent) continue;
      // What came back with its form was typed as well, on the page before.
      const isTyped = field.matches("textarea, input[type=text]") && deedsOf(field.form).includes(again);
      const began = isTyped ? null : beganWith(field);
      if (holds(field) !== began) typed.push([name, began, holds(field)]);
    }
    store((kept) => (typed.length ? kept.setItem(key, JSON.stringify({ who, typed })) : kept.removeItem(key)));
  }

  function putBack() {
    const kept = JSON.parse(store((kept) => kept.getItem(key)) ?? "null");
    if (!kept) return;
    if (kept.who !== who) {
      forget();
      return;
    }
    const all = fields();
    // A page that tells of an error has none of them: what was typed waits for the page itself.
    if (!kept.typed.some(([name]) => all.has(name))) return;
    store((kept) => kept.removeItem(key));
    let isBack = false;
    for (const [name, began, value] of kept.typed) {
      const field = all.get(name);
      const stands = field && holds(field);
      if (!field || stands !== beganWith(field) || ![null, stands].includes(began) || stands === value) continue;
      put(field, value);
      isBack = true;
    }
    if (isBack) setTimeout(() => (line.textContent = says), HEARD);
  }

  addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const to = new URL(event.target.getAttribute("action") ?? "", location.href).pathname;
    if (to === "/sign-out") forget();
    else keep(event.target);
  });
  putBack();
})();

// What is typed into a form of `data-draft` stays in this browser until the server has taken it, also
// past the end of a session. Logins and files are never kept. `sent` in the address names the form
// that was taken, by the beginning of its nonce. A form whose text the server keeps as well says so
// (`drafttaken`), and says when it has further fields to be filled (`draftgrown`).
(() => {
  const START = "draft:";
  const KEPT = 14 * 86_400_000;
  let store;
  try {
    store = window.localStorage;
  } catch {
    return; // the browser keeps nothing here
  }
  const read = (key) => {
    try {
      return JSON.parse(store.getItem(key));
    } catch {
      return null;
    }
  };
  const write = (key, draft) => {
    try {
      store.setItem(key, JSON.stringify(draft));
    } catch { /* it is full: the page goes on without */ }
  };
  const keys = (start) => Object.keys(store).filter((key) => key.startsWith(start));

  const address = new URL(window.location.href);
  const taken = address.searchParams.get("sent");
  for (const key of keys(START)) {
    const draft = read(key);
    const isOver = !draft || Date.now() - draft.at > KEPT;
    if (isOver || (taken && draft.sent === taken)) store.removeItem(key);
  }
  if (taken) {
    address.searchParams.delete("sent");
    window.history.replaceState(window.history.state, "", address);
  }

  const NEVER = ["hidden", "file", "password", "submit", "button"];
  const fieldsOf = (form) => [...form.elements].filter((field) => (
    field.name && !NEVER.includes(field.type) && !field.name.startsWith("login-")
  ));
  const slot = (field) => field.type === "checkbox" ? `${field.name}=${field.value}` : field.name;
  const isTicked = (field) => field.type === "checkbox" || field.type === "radio";
  const holdsWords = (field) => field.tagName === "TEXTAREA"
    ? field.value.trim() !== ""
    : field.type === "text" && field.value !== field.defaultValue;

  const restore = (form, values) => {
    for (const field of fieldsOf(form)) {
      const value = values[slot(field)];
      if (value === undefined || field.dataset.timerMinutes !== undefined) continue;
      if (field.type === "checkbox") field.checked = value;
      else if (field.type === "radio") field.checked = field.value === value;
      else field.value = value;
    }
    // What reckons with the fields is there when all of the page is.
    window.addEventListener("load", () => {
      for (const field of form.querySelectorAll("fieldset input[type=text]")) {
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
  };

  for (const form of document.querySelectorAll("form[data-draft]")) {
    const key = START + form.dataset.draft;
    const kept = read(key);
    const isAnswered = [...form.querySelectorAll("textarea")].some((area) => area.defaultValue.trim());
    if (kept && (!isAnswered || form.dataset.draftNewer)) {
      restore(form, kept.values);
      window.addEventListener("load", () => form.dispatchEvent(new Event("draftback")));
      form.addEventListener("draftgrown", () => restore(form, kept.values), { once: true });
    }
    form.addEventListener("drafttaken", () => store.removeItem(key));
    const save = () => {
      const fields = fieldsOf(form);
      if (!fields.some(holdsWords)) {
        store.removeItem(key);
        return;
      }
      const values = {};
      for (const field of fields) {
        if (field.type === "checkbox") values[slot(field)] = field.checked;
        else if (!isTicked(field) || field.checked) values[field.name] = field.value;
      }
      write(key, { at: Date.now(), values });
    };
    form.addEventListener("input", save);
    form.addEventListener("change", save);
    form.addEventListener("submit", () => {
      const draft = read(key);
      if (draft) write(key, { ...draft, sent: form.elements.nonce.value.slice(0, 12) });
    });
  }

  // A form that came too late says that it is kept here, in place of asking to copy it.
  for (const page of document.querySelectorAll("[data-kept]")) {
    if (!keys(START).some((key) => read(key)?.sent === page.dataset.kept)) continue;
    page.hidden = false;
    document.querySelectorAll("[data-unkept]").forEach((part) => { part.hidden = true; });
  }

  // Who signs out leaves nothing in the browser, and is asked where that throws something away.
  for (const form of document.querySelectorAll("form[data-forgets]")) {
    form.addEventListener("submit", (event) => {
      const own = keys(START + form.dataset.forgets);
      if (own.length && !window.confirm(form.dataset.unsent)) event.preventDefault();
      else own.forEach((key) => store.removeItem(key));
    });
  }
})();

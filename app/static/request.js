// The form for a new request: questions that follow its kind, a draft that is kept while one types,
// files sent at once with their progress. Without this script the form works in two steps.
(() => {
  const form = document.querySelector("[data-request]");
  if (!form) return;
  const onlyLooks = document.body.classList.contains("is-viewing");
  const fields = document.getElementById("request-fields");
  const state = form.querySelector("[data-draft-state]");
  const csrf = form.querySelector("[name=csrf_token]")?.value ?? "";
  const answers = new Map();
  const LARGEST = 25 * 1024 * 1024;
  let waiting;
  let unsaved;
  let isSaving = false;
  let isChanged = false;
  let uploading = 0;
  let isSent = false;
  form.querySelector("[data-continue]")?.remove();

  // Questions of the chosen kind; what was answered before is put back where it fits again.
  const remember = () => {
    for (const input of fields.querySelectorAll("[name^='field-'], [name^='login-']")) {
      if (input.type !== "radio" || input.checked) answers.set(input.name, input.value);
    }
  };
  const recall = () => {
    for (const input of fields.querySelectorAll("[name^='field-'], [name^='login-']")) {
      if (!answers.has(input.name)) continue;
      if (input.type === "radio") input.checked = input.value === answers.get(input.name);
      else input.value = answers.get(input.name);
    }
  };
  const showAsked = () => {
    const given = new Map();
    for (const part of fields.querySelectorAll(".asked")) {
      const { if: key, is } = part.dataset;
      part.hidden = Boolean(key) && !JSON.parse(is).includes(given.get(key));
      part.querySelector(".only-if")?.setAttribute("hidden", "");
      if (part.hidden) continue;
      for (const input of part.querySelectorAll("input[type=radio]:checked, select")) {
        given.set(input.name, input.value);
      }
    }
  };
  const bring = async (type) => {
    remember();
    const reply = await fetch(`${form.dataset.fields}?type=${encodeURIComponent(type)}`);
    if (!reply.ok || form.elements.type.value !== type) return;
    fields.innerHTML = await reply.text();
    const promises = fields.querySelector("[data-promises]");
    if (promises) document.getElementById("request-promises").replaceChildren(promises.content);
    promises?.remove();
    recall();
    form.dispatchEvent(new Event("draftgrown"));
    showAsked();
    fields.querySelectorAll("[data-toggle-password]").forEach(toggler);
  };
  const toggler = (button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const secret = document.getElementById(button.dataset.togglePassword);
      secret.type = secret.type === "password" ? "text" : "password";
      button.setAttribute("aria-pressed", String(secret.type === "text"));
    });
  };

  // The draft. A login is never part of it. One save is on its way at a time, so that an older text
  // never overtakes a newer one.
  // What is said comes with the page, in the language of its reader; names stand in it as {name}.
  const words = JSON.parse(form.dataset.words);
  const said = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const tell = (text) => { state.textContent = text; };
  const typed = () => {
    const data = new FormData(form);
    for (const name of [...data.keys()]) {
      if (name.startsWith("login-") || name.startsWith("files")) data.delete(name);
    }
    return data;
  };
  // Two seconds after the last stroke, and every five while one goes on typing.
  const soon = (delay = 2000) => {
    clearTimeout(waiting);
    unsaved ??= Date.now();
    waiting = setTimeout(save, Math.max(0, Math.min(delay, unsaved + 5000 - Date.now())));
  };
  const save = async (options) => {
    clearTimeout(waiting);
    waiting = unsaved = undefined;
    if (onlyLooks) return;
    if (isSent || isSaving) {
      isChanged = isSaving;
      return;
    }
    isSaving = true;
    isChanged = false;
    tell(said("saving"));
    let outcome;
    let isTaken = false;
    try {
      const reply = await fetch(form.dataset.save, { method: "POST", body: typed(), signal: AbortSignal.timeout(15000), ...options });
      isTaken = reply.ok || reply.status === 409;
      outcome = reply.ok
        ? said("saved", { time: (await reply.json()).at })
        : reply.status === 409
          ? said("sent")
          : said("ended");
    } catch {
      outcome = said("offline");
      soon(5000);
    }
    isSaving = false;
    if (isTaken && !isChanged && !waiting) form.dispatchEvent(new Event("drafttaken"));
    if (form.dataset.waits) sendWhenDone();
    else if (isChanged) save();
    else tell(outcome);
  };
  const sendWhenDone = () => {
    if (uploading || isSaving) return;
    delete form.dataset.waits;
    form.requestSubmit();
  };

  // Files go at once, one by one; each says how far it is, and why when it is refused.
  const send = (file, list, key) => new Promise((done) => {
    const row = document.createElement("li");
    const label = document.createElement("label");
    const name = document.createElement("span");
    const bar = document.createElement("progress");
    label.className = "person";
    name.textContent = file.name;
    bar.max = 1;
    bar.setAttribute("aria-label", said("sending", { file: file.name }));
    label.append(name, bar);
    row.append(label);
    list.append(row);
    const end = (text) => {
      bar.remove();
      uploading -= 1;
      if (text) {
        row.className = "field-error";
        row.textContent = text;
      }
      done();
    };
    uploading += 1;
    if (file.size > LARGEST) {
      end(said("large", { file: file.name, size: (file.size / 1048576).toFixed(1) }));
      return;
    }
    const data = new FormData();
    data.append("csrf_token", csrf);
    data.append("key", key);
    data.append("nonce", form.elements.nonce.value);
    data.append("files", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.upload);
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded / event.total; });
    request.addEventListener("error", () => end(said("lost", { file: file.name })));
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* not an answer of ours */ }
      const kept = answer.files?.[0];
      if (!kept) {
        end(answer.problems?.join(" ") || said("refused", { file: file.name }));
        return;
      }
      const box = document.createElement("input");
      Object.assign(box, { type: "checkbox", name: "keep", value: kept.id, checked: true, className: "form-check-input" });
      name.textContent = kept.name;
      label.prepend(box);
      end("");
    });
    request.send(data);
  });
  const take = async (input) => {
    const files = [...input.files];
    const key = input.dataset.key ?? "";
    const list = form.querySelector(`[data-kept="${key}"]`);
    input.value = "";
    input.closest("[data-drop]")?.querySelector(".drop-files")?.replaceChildren();
    for (const file of files) await send(file, list, key);
    if (form.dataset.waits) sendWhenDone();
  };

  // What this browser kept, as the server could not be reached, is brought to it now.
  form.addEventListener("draftback", () => {
    const type = form.elements.type?.value;
    if (type) bring(type);
    soon();
  });
  form.addEventListener("input", () => soon());
  form.addEventListener("focusout", () => { if (waiting) save(); });
  form.addEventListener("change", (event) => {
    const input = event.target;
    if (input.type === "file" && !onlyLooks) take(input);
    if (input.name === "type") bring(input.value);
    if (input.name?.startsWith("field-")) showAsked();
  });
  form.addEventListener("submit", (event) => {
    if (uploading || isSaving) {
      event.preventDefault();
      form.dataset.waits = "yes";
      if (uploading) tell(said("waits"));
      return;
    }
    isSent = true;
    clearTimeout(waiting);
  });
  // What was typed within the last two seconds goes along when the page is left or put away.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && waiting) save({ keepalive: true });
  });
  showAsked();
})();

// The one-page ticket: the page says that it is looked at and shows who else is there, a canned reply
// goes where one writes, and a work type that is free of charge switches "billable" off.
(() => {
  const others = document.querySelector("#others");
  if (!others) return;
  let typed = 0;
  let asking = null;
  const beat = () => {
    if (document.hidden) return;
    const body = new FormData(others);
    body.append("seq", others.dataset.seq);
    if (Date.now() - typed < 30_000) body.append("writing", "y");
    asking?.abort();
    asking = new AbortController();
    fetch(others.action, { method: "POST", body, signal: asking.signal })
      .then((answer) => (answer.ok ? answer.text() : ""))
      .then((html) => {
        const place = others.querySelector("[data-others]");
        if (place.innerHTML.trim() !== html.trim()) place.innerHTML = html;
      })
      .catch(() => {});
  };
  document.querySelector("#composer textarea")?.addEventListener("input", () => {
    const begins = Date.now() - typed > 30_000;
    typed = Date.now();
    if (begins) beat();
  });
  beat();
  setInterval(beat, 20_000);
  // A late answer would bring back the session as it was before the form, without what it says.
  addEventListener("submit", () => asking?.abort());
  document.addEventListener("visibilitychange", beat);
})();

(() => {
  const form = document.querySelector("#composer");
  if (!form) return;
  const text = form.querySelector("[name=text]");

  form.addEventListener("click", (event) => {
    const canned = event.target.closest("[data-canned]");
    if (!canned) return;
    event.preventDefault();
    canned.closest("details").open = false;
    fetch(canned.dataset.canned)
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer)))
      .then((words) => {
        text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
        text.dispatchEvent(new Event("input", { bubbles: true }));
        text.focus();
      })
      .catch(() => window.location.assign(canned.href));
  });

  const kind = form.querySelector("[name=work_type]");
  const billable = form.querySelector("[name=billable]");
  kind?.addEventListener("change", () => {
    const free = kind.selectedOptions[0]?.dataset.free !== undefined;
    if (billable.checked === free) billable.click();
    const reason = form.querySelector("[name=reason]");
    if (free && !reason.value) reason.value = kind.selectedOptions[0].text.replace(/ \(.*/, "");
  });

  if (form.querySelector(".composer-problems") || location.hash === "#composer") {
    form.scrollIntoView({ block: "end" });
  }
})();

// The one-page ticket: what is typed is kept until it is sent, and a work type that is free of
// charge switches "billable" off.
(() => {
  const form = document.querySelector("#composer");
  if (!form) return;
  const text = form.querySelector("[data-draft]");
  const key = `draft:${text.dataset.draft}`;
  const kept = sessionStorage.getItem(key);
  if (sessionStorage.getItem(`${key}:sent`)) {
    sessionStorage.removeItem(`${key}:sent`);
    if (!text.value) sessionStorage.removeItem(key);
  } else if (kept && !text.value) {
    text.value = kept;
  }
  text.addEventListener("input", () => sessionStorage.setItem(key, text.value));
  form.addEventListener("submit", () => sessionStorage.setItem(`${key}:sent`, "1"));

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

// The running timer ticks between page loads; the server keeps the time. While its person works
// the page says so now and then, so that a timer left alone can be told from one in use.
(() => {
  if (window.deskTimer) return;
  window.deskTimer = true;
  let from = Date.now();
  let shown = null;
  const pad = (number) => String(number).padStart(2, "0");

  setInterval(() => {
    const box = document.querySelector("#timer[data-timer]");
    if (!box) return;
    if (box !== shown) {
      shown = box;
      from = Date.now();
    }
    const seconds = Number(box.dataset.timer) + Math.floor((Date.now() - from) / 1000);
    const text = `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}`;
    const place = box.querySelector("[data-timer-text]");
    if (place.textContent !== text) place.textContent = text;
    const field = document.querySelector("[data-timer-minutes]");
    if (field && !field.dataset.touched && document.activeElement !== field) {
      field.value = Math.ceil(seconds / 60);
    }
  }, 1000);

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-timer-minutes]")) event.target.dataset.touched = "1";
  });

  let told = Date.now();
  const seen = () => {
    if (Date.now() - told < 5 * 60_000 || !document.querySelector("#timer[data-timer]")) return;
    told = Date.now();
    const token = document.querySelector("#timer [name=csrf_token]");
    const body = new URLSearchParams(token ? { csrf_token: token.value } : {});
    fetch("/timer/seen", { method: "POST", body, keepalive: true }).catch(() => {});
  };
  for (const type of ["keydown", "pointerdown"]) document.addEventListener(type, seen);
})();

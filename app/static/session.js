// Two minutes before a session ends for want of use, the page offers to keep it; the server knows when
// that is, as other tabs and what a page asks by itself count or do not count there.
(() => {
  const box = document.querySelector("[data-alive]");
  if (!box) return;
  const NOTICE = 120;
  const AGAIN = 30;
  const [soon, over] = box.children;
  let timer;

  function show(part) {
    soon.hidden = part !== soon;
    over.hidden = part !== over;
    box.hidden = !part;
  }

  async function look(query = "") {
    try {
      const reply = await fetch(box.dataset.alive + query, { redirect: "manual" });
      tell(reply.ok ? (await reply.json()).left : 0);
    } catch {
      wait(AGAIN); // no line: nothing is known
    }
  }

  function tell(left) {
    show(left <= 0 ? over : left > NOTICE ? null : soon);
    if (left > 0) wait(left > NOTICE ? left - NOTICE : left + 1);
  }

  function wait(seconds) {
    clearTimeout(timer);
    timer = setTimeout(look, seconds * 1000);
  }

  box.querySelector("[data-stay]").addEventListener("click", () => look("?stay"));
  document.addEventListener("visibilitychange", () => document.hidden || look());
  tell(Number(box.dataset.left));
})();

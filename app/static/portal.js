// The portal without scripts works too: this adds pasted and dropped files, themes and dismissing.
(() => {
  // A picture pasted anywhere on a page with a form for files joins those chosen.
  const form = document.querySelector("[data-paste-files]");
  if (form) {
    const input = document.getElementById(form.dataset.pasteFiles);
    const take = (files) => {
      const all = new DataTransfer();
      [...input.files, ...files].forEach((file) => all.items.add(file));
      input.files = all.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    // Browsers call every picture that is no file "image.png": each gets a number of its own.
    const named = (file) => {
      if (!/^image\.\w+$/.test(file.name)) return file;
      const seen = document.body.textContent;
      const ending = file.name.slice("image".length);
      let number = 1;
      const name = () => `${form.dataset.pasteName} ${number}${ending}`;
      while (seen.includes(name())) number += 1;
      return new File([file], name(), { type: file.type });
    };
    document.addEventListener("paste", (event) => {
      const pasted = [...event.clipboardData.files];
      if (!pasted.length) return;
      event.preventDefault();
      take(pasted.map(named));
    });
    // A file dropped beside its field is meant for it too; a field takes what falls on it itself.
    document.addEventListener("dragover", (event) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    });
    document.addEventListener("drop", (event) => {
      if (event.defaultPrevented || !event.dataTransfer.files.length) return;
      event.preventDefault();
      take([...event.dataTransfer.files]);
    });
  }

  for (const box of document.querySelectorAll("[data-themes]")) {
    box.hidden = false;
    for (const button of box.querySelectorAll("[data-theme]")) {
      const mark = () => {
        button.setAttribute("aria-pressed", String(window.deskTheme.get() === button.dataset.theme));
      };
      button.addEventListener("click", () => window.deskTheme.set(button.dataset.theme));
      document.addEventListener("desk:theme", mark);
      mark();
    }
  }

  // Staff who look as a client: the server refuses what is sent, so nothing invites to send it.
  if (document.body.classList.contains("is-viewing")) {
    for (const button of document.querySelectorAll("main form[method=post] button:not([type=button])")) {
      button.disabled = true;
      button.title = "Only the client can do this";
    }
  }

  // What is ticked of an offer changes what it comes to; the server says to how much.
  for (const offer of document.querySelectorAll("[data-offer]")) {
    offer.querySelector("[data-without-scripts]").remove();
    let latest = 0;
    offer.addEventListener("change", async ({ target }) => {
      if (target.name !== "chosen") return;
      latest += 1;
      const turn = latest;
      const keys = new FormData(offer).getAll("chosen").map((key) => ["chosen", key]);
      const address = new URL(offer.getAttribute("action") || "", document.baseURI);
      address.search = new URLSearchParams(keys);
      const answer = await fetch(address).catch(() => null);
      if (!answer?.ok || turn !== latest) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-offer]");
      for (const part of offer.querySelectorAll("[data-live]")) {
        const other = now?.querySelector(`[data-live="${part.dataset.live}"]`);
        if (!other) continue;
        if (part.type === "hidden") part.value = other.value;
        else part.replaceChildren(...other.childNodes);
      }
      // As a whole: a line that is ticked may bring a tax of its own.
      const sums = now?.querySelector("tfoot");
      if (sums) offer.querySelector("tfoot").replaceWith(sums);
    });
  }

  // Of views that do not fit beside one another, the present one is in sight.
  const view = document.querySelector(".tabs [aria-current]");
  if (view) {
    const row = view.closest(".tabs");
    row.scrollLeft += Math.max(view.getBoundingClientRect().right - row.getBoundingClientRect().right, 0);
  }

  document.addEventListener("click", (event) => {
    event.target.closest("[data-dismiss-notice]")?.closest(".notice").remove();
  });
  document.querySelector("[data-focus-first]")?.focus();
})();

// Fields that help while one types: look-up, files, rows to tick.
(() => {
  const LARGEST = 25 * 1024 * 1024; // of all that is sent at once

  const each = (root, selector, run) => {
    if (root.matches?.(selector)) run(root);
    root.querySelectorAll?.(selector).forEach(run);
  };

  // A search-as-you-type field. Without this script the plain text is sent and resolved by name.
  function lookUp(box) {
    const text = box.querySelector("[role=combobox]");
    const id = box.querySelector("[data-lookup-id]");
    const list = box.querySelector("[role=listbox]");
    let chosen = text.value;
    let at = -1;
    let waiting;
    let asked = 0;

    const options = () => [...list.children].filter((row) => row.dataset.id !== undefined);
    const close = () => {
      list.hidden = true;
      text.setAttribute("aria-expanded", "false");
      text.removeAttribute("aria-activedescendant");
    };
    const mark = (index) => {
      at = index;
      options().forEach((row, n) => row.setAttribute("aria-selected", String(n === at)));
      const row = options()[at];
      if (!row) return;
      text.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    };
    const choose = (row) => {
      id.value = row.dataset.id;
      chosen = text.value = row.dataset.text;
      close();
      id.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const line = (found, n) => {
      const row = document.createElement("li");
      row.role = "option";
      row.id = `${list.id}-${n}`;
      row.textContent = found.text;
      row.dataset.id = found.id;
      row.dataset.text = found.text;
      if (found.note) {
        const note = document.createElement("small");
        note.textContent = found.note;
        row.append(note);
      }
      return row;
    };
    const search = async () => {
      const mine = ++asked;
      const reply = await fetch(`${box.dataset.lookup}?q=${encodeURIComponent(text.value.trim())}`);
      if (!reply.ok || mine !== asked) return;
      const { results } = await reply.json();
      const rows = results.map(line);
      if (!rows.length) {
        const none = document.createElement("li");
        none.role = "option";
        none.setAttribute("aria-disabled", "true");
        none.className = "muted";
        none.textContent = list.dataset.none;
        rows.push(none);
      }
      list.replaceChildren(...rows);
      list.hidden = false;
      text.setAttribute("aria-expanded", "true");
      mark(results.length ? 0 : -1);
    };

    text.addEventListener("input", () => {
      id.value = "";
      clearTimeout(waiting);
      waiting = setTimeout(search, 180);
    });
    text.addEventListener("focus", () => text.select());
    text.addEventListener("click", () => list.hidden && search());
    text.addEventListener("keydown", (event) => {
      const count = options().length;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) search();
        else if (count) mark((at + (event.key === "ArrowDown" ? 1 : count - 1)) % count);
      } else if (event.key === "Enter" && !list.hidden && options()[at]) {
        event.preventDefault();
        choose(options()[at]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.stopPropagation();
        close();
      }
    });
    text.addEventListener("blur", () => setTimeout(() => {
      if (id.value && text.value !== chosen) id.value = "";
      close();
    }, 150));
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const row = event.target.closest("[data-id]");
      if (row) choose(row);
    });
  }

  function dropZone(zone) {
    const input = zone.querySelector("input[type=file]");
    const names = zone.querySelector(".drop-files");
    const size = (bytes) =>
      bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} kB` : `${(bytes / 1048576).toFixed(1)} MB`;
    const show = () => {
      names.replaceChildren(...[...input.files].map((file) => {
        const row = document.createElement("li");
        row.textContent = `${file.name} · ${size(file.size)}`;
        return row;
      }));
    };
    for (const type of ["dragover", "dragleave", "drop"]) {
      zone.addEventListener(type, (event) => {
        event.preventDefault();
        zone.classList.toggle("is-over", type === "dragover");
        if (type === "drop" && event.dataTransfer.files.length) {
          input.files = event.dataTransfer.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    }
    // Said before anything is sent, so that what else was typed stays.
    const weigh = () => {
      const bytes = [...input.files].reduce((sum, file) => sum + file.size, 0);
      input.setCustomValidity(bytes > LARGEST ? zone.dataset.tooLarge : "");
      input.reportValidity();
    };
    input.addEventListener("change", show);
    if (!input.closest("[data-request]")) input.addEventListener("change", weigh); // request.js weighs
  }

  // Rows to tick, the box that ticks all, and the bar that says how many.
  function ticks(root) {
    const all = root.querySelector("[data-check-all]");
    const bar = root.querySelector(".bulk-bar");
    const show = () => {
      const boxes = [...root.querySelectorAll(".row-check")];
      const count = boxes.filter((box) => box.checked).length;
      if (all) {
        all.checked = count > 0 && count === boxes.length;
        all.indeterminate = count > 0 && count < boxes.length;
      }
      if (!bar) return;
      bar.hidden = count === 0;
      const said = bar.querySelector("[data-count]");
      if (said) said.textContent = count;
    };
    root.addEventListener("change", (event) => {
      if (event.target === all) {
        root.querySelectorAll(".row-check").forEach((box) => { box.checked = all.checked; });
      }
      if (event.target.matches(".row-check, [data-check-all]")) show();
    });
    show();
  }

  function start(root) {
    each(root, "[data-lookup]", lookUp);
    each(root, "[data-drop]", dropZone);
    each(root, "[data-ticks]", ticks);
    each(root, "[data-submit-on-change]", (form) => {
      form.addEventListener("change", () => form.requestSubmit());
    });
    each(root, "[data-toggle-password]", (button) => {
      button.hidden = false;
      button.addEventListener("click", () => {
        const field = document.getElementById(button.dataset.togglePassword);
        field.type = field.type === "password" ? "text" : "password";
        button.setAttribute("aria-pressed", String(field.type === "text"));
      });
    });
  }

  start(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) start(event.detail.elt);
  });
})();

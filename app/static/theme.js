// Runs before the page paints: the theme chosen here, else the system's.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => document.cookie.match(/(?:^|; )theme=(light|dark)/)?.[1];
  const page = document.documentElement;
  // All turns at once: what fades by itself would be hard to read on its way.
  const show = () => {
    page.classList.add("is-turning");
    page.dataset.bsTheme = chosen() ?? (dark.matches ? "dark" : "light");
    requestAnimationFrame(() => requestAnimationFrame(() => page.classList.remove("is-turning")));
  };
  dark.addEventListener("change", show);
  show();

  window.deskTheme = {
    get: () => chosen() ?? "system",
    set: (name) => {
      const life = name === "system" ? 0 : 31536000;
      document.cookie = `theme=${name}; path=/; max-age=${life}; SameSite=Lax`;
      show();
      document.dispatchEvent(new CustomEvent("desk:theme"));
    },
  };
})();

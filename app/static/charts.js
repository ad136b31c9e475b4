// Live charts over the drawings of the page: the figures come without colours, the theme is added
// here, and a click on a mark opens the rows behind it. Without this script the tables do all that.
// The library takes a second to run on a busy machine, so it comes when the page can be used already.
(() => {
  const source = document.getElementById("chart-data");
  if (!source) return;
  const { figures, theme } = JSON.parse(source.textContent);
  const phone = matchMedia("(max-width: 599.98px)");
  const places = [...document.querySelectorAll("[data-chart]")];

  const themeName = () => (document.documentElement.dataset.bsTheme === "dark" ? "dark" : "light");

  // A trace is coloured by what it means, never by its place.
  function coloured(figure) {
    const colours = theme.meanings[themeName()];
    return figure.data.map((trace, at) => {
      const meaning = figure.layout.meta.meanings[at];
      const line = trace.type === "scatter" ? { color: colours[meaning], width: 2, dash: "dot" } : undefined;
      return { ...trace, marker: { color: colours[meaning] }, ...(line && { line }) };
    });
  }

  function laidOut(figure) {
    const template = structuredClone(theme.templates[themeName()]);
    const labels = figure.layout.yaxis.type === "category" ? figure.data[0].y : figure.data[0].x;
    const sideways = figure.layout.yaxis.type === "category";
    const layout = { ...structuredClone(figure.layout), template, showlegend: false, clickmode: "event" };
    layout.height = phone.matches ? theme.phoneHeight : template.layout.height;
    if (sideways) {
      layout.height = Math.max(layout.height, 24 * labels.length + 48);
    } else {
      const every = Math.max(1, Math.ceil(labels.length / (phone.matches ? 5 : 8)));
      layout.xaxis.tickvals = labels.filter((_, at) => at % every === 0);
    }
    return layout;
  }

  function draw(place) {
    const figure = figures[place.dataset.chart];
    if (!place.classList.contains("is-live")) {
      place.textContent = "";
      place.classList.add("is-live");
    }
    const layout = laidOut(figure);
    place.style.minHeight = `${layout.height}px`; // when the window changes the drawing fills its place
    Plotly.react(place, coloured(figure), layout, theme.config).then(() => {
      if (place.dataset.listens) return;
      place.dataset.listens = "yes";
      place.on("plotly_click", (event) => openRows(place, event.points[0]));
    });
  }

  function openRows(place, point) {
    const query = point.customdata?.[1];
    if (!query) return;
    const link = document.createElement("a");
    link.href = place.dataset.rows.replace("?&", `?${query}&`);
    link.dataset.drawer = "";
    document.body.append(link);
    link.click();
    link.remove();
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "200px" });

  const library = document.createElement("script");
  library.src = source.dataset.library;
  library.addEventListener("load", () => places.forEach((place) => seen.observe(place)));
  document.head.append(library);

  const again = () => places.filter((place) => place.classList.contains("is-live")).forEach(draw);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  phone.addEventListener("change", again);
})();

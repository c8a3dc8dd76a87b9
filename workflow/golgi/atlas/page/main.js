// Starts the atlas: theme, header, the first page.

const THEMES = ["auto", "light", "dark"];

function storedTheme() {
  try {
    const theme = window.localStorage.getItem("golgi-theme");
    return THEMES.includes(theme) ? theme : "auto";
  } catch (error) {
    return "auto"; // a browser may refuse storage to a page from a folder
  }
}

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    window.localStorage.setItem("golgi-theme", theme);
  } catch (error) {
    // Then it lasts as long as the page.
  }
  themeChanged();
}

// Paper is white: charts, which have their colours in them, are drawn again for it.
function printInLight() {
  window.addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = "light";
    themeChanged();
  });
  window.addEventListener("afterprint", () => setTheme(storedTheme()));
}

function themePicker() {
  const on = { change: (event) => setTheme(event.target.value) };
  return el("div", { class: "theme" }, el("label", { for: "theme" }, "Theme"),
    el("select", { id: "theme", value: storedTheme(), on },
      THEMES.map((theme) => el("option", { value: theme }, theme))));
}

function pagesOfAtlas() {
  const { model, checkpoint } = currentPlace();
  const pages = [
    { text: "Map", name: "map", href: link("map", [model, checkpoint]) },
    { text: "Find", name: "find", href: link("find") },
    { text: "Concepts", name: "concepts", href: link("concepts", [model, checkpoint]) },
    { text: "Overlap", name: "overlap", href: link("overlap", [model, checkpoint]) },
    { text: "Compare", name: "compare", href: link("compare") },
  ];
  const there = pages.filter(({ name }) => views.has(name) && (name !== "overlap" || study().has.overlap));
  return [...there, { text: "Report", name: "", href: study().report }];
}

const PARENTS = { concept: "concepts", unit: "map" };

function drawNavigation() {
  const nav = document.getElementById("nav");
  const current = PARENTS[shown] || shown;
  fill(nav, pagesOfAtlas().map(({ text, name, href }) =>
    el("a", { href, "aria-current": name === current ? (name === shown ? "page" : "true") : null }, text)));
}

// Which categories get a colour is settled once, by the first model's last checkpoint, and never changes.
async function settleColours() {
  if (study().categories.length <= CATEGORY_COLOURS) return;
  const model = study().models[0];
  const units = await loadUnits(model, lastTrained(model));
  const experts = new Float64Array(study().categories.length);
  units.best.forEach((concept, row) => {
    if (isExpert(units, row)) experts[study().concepts[concept].category] += 1;
  });
  orderCategories(experts);
}

function drawNotes() {
  const notes = study().notes || [];
  if (!notes.length) return;
  fill(document.getElementById("notes"), el("details", {}, el("summary", {}, "What this atlas leaves out"),
    el("ul", {}, notes.map((note) => el("li", {}, note)))));
}

async function startAtlas() {
  const theme = storedTheme();
  if (theme !== "auto") document.documentElement.dataset.theme = theme;
  document.getElementById("tools").append(themePicker());
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);
  printInLight();
  // A jump inside the page would be read as an address.
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  try {
    await loadStudy();
    await settleColours();
  } catch (error) {
    fill(document.getElementById("main"), el("h1", {}, "This atlas could not be opened"),
      el("p", { role: "alert" }, error.message));
    return;
  }
  drawNotes();
  await startRouter();
}

startAtlas();

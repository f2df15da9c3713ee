// Draws each chart from the rows of its answer, and lists these rows, in the currency that is chosen.
"use strict";

const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
const answers = parsed("answers");
const { sections, currencies } = parsed("sections");
const select = document.getElementById("currency");
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const rowsOf = (model) => {
  const { columns, rows } = answers[model];
  return rows.map((row) => Object.fromEntries(columns.map((column, nth) => [column, row[nth]])));
};

// The page's own colours and letters.
function look() {
  const [text, muted, line, accent] = ["text", "muted", "line", "accent"].map(colour);
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: null,
    font,
    view: { stroke: null },
    bar: { color: accent, cornerRadiusEnd: 2 },
    line: { color: accent, strokeWidth: 2 },
    point: { color: accent, fill: accent, size: 40 },
    style: { "mark-before": { color: colour("mark"), thickness: 2, strokeWidth: 1.5 } },
    range: { category: [accent, colour("second")] },
    axis: {
      labelColor: text, titleColor: muted, gridColor: line, domainColor: line, tickColor: line,
      labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: innerWidth < 520 ? 130 : 200, titlePadding: 8,
    },
    axisY: { grid: false, ticks: false, domain: false, labelPadding: 6 },
    axisXQuantitative: { tickCount: 4 },
    axisYQuantitative: { grid: true, tickCount: 5 },
    axisXOrdinal: { grid: false },
    legend: { labelColor: text, labelFontSize: 12, orient: "top", offset: 4, symbolType: "square" },
  };
}

async function draw(section, currency) {
  const { title, is_empty: isEmpty } = section.says[currency];
  const element = document.getElementById(section.model);
  element.querySelector("h2").textContent = title;
  const chart = element.querySelector(".chart");
  const spec = JSON.parse(JSON.stringify(section.chart).replaceAll("{currency}", currency));
  spec.data = { values: rowsOf(section.model) };
  spec.width = "container";
  spec.autosize = { type: "fit-x", contains: "padding" };
  spec.description = title;
  chart.hidden = isEmpty;
  if (!chart.hidden) {
    await vegaEmbed(chart, spec, { actions: false, renderer: "svg", ast: true, config: look(), tooltip: { theme: dark.matches ? "dark" : "light" } });
  }
  const details = element.querySelector("details");
  details.hidden = answers[section.model].rows.length === 0;
  details.ontoggle = () => details.open && list(section, currency, details);
  list(section, currency, details);
}

// The rows as a table: all of them, or those of the currency where there is one to choose.
function list(section, currency, details) {
  const { columns, rows, is_by_currency: isByCurrency } = answers[section.model];
  const nth = columns.indexOf("currency");
  const shown = isByCurrency ? rows.filter((row) => row[nth] === currency) : rows;
  details.querySelector("summary").textContent = `${shown.length.toLocaleString("en")} rows${isByCurrency ? ` in ${currency}` : ""}`;
  if (!details.open) return;
  const cell = (value, name = "td") => {
    const made = document.createElement(name);
    const isNumber = typeof value === "number";
    made.textContent = isNumber ? value.toLocaleString("en", { useGrouping: Math.abs(value) >= 10000, maximumFractionDigits: 9 }) : (value ?? "");
    if (isNumber) made.className = "number";
    return made;
  };
  const line = (cells) => {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  };
  const table = document.createElement("table");
  const isNumber = columns.map((_, at) => shown.some((row) => typeof row[at] === "number"));
  const heads = columns.map((column, at) => {
    const made = cell(column.replaceAll("_", " "), "th");
    if (isNumber[at]) made.className = "number";
    return made;
  });
  const head = table.createTHead();
  head.append(line(heads));
  table.createTBody().append(...shown.map((row) => line(row.map((value) => cell(value)))));
  details.querySelector(".table").replaceChildren(table);
}

async function drawAll() {
  document.documentElement.dataset.drawn = "";
  await Promise.all(sections.map((section) => draw(section, select.value)));
  document.documentElement.dataset.drawn = select.value;
}

select.append(...currencies.map((currency) => new Option(currency)));
select.onchange = drawAll;
dark.onchange = drawAll;
drawAll();

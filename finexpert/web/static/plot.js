// Plots by uPlot, fetched when the first is drawn. Each has a name for screen readers, and a table beside it.
import { day, moment } from "./format.js";
import { html, useEffect, useRef, useState } from "./lib.js";

const HEIGHT = 260;
const FEW_DAYS = 6;
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
let library = null;

function load() {
  library ??= Promise.all([
    element("script", { src: "/vendor/uplot.js" }),
    element("link", { rel: "stylesheet", href: "/vendor/uplot.css" }),
  ]).then(() => globalThis.uPlot ?? Promise.reject(new Error("uPlot did not start")));
  return library;
}

function element(kind, attributes) {
  return new Promise((resolve, reject) => {
    const made = Object.assign(document.createElement(kind), attributes);
    made.onload = resolve;
    made.onerror = reject;
    document.head.append(made);
  });
}

/**
 * Lines over a common x.
 *
 * @param {string} label what the plot shows, in a sentence
 * @param {number[][]} data x first (in seconds if it is time), then a list for each line; null is a gap
 * @param {{color: string, dash?: number[], fill?: string}[]} lines colours are CSS variables
 * @param {(value: number) => string} format of a value
 * @param {number|null} top the highest value to show; null: as high as the lines go
 * @param {[number, number]|null} time x is time, and this is the span to show; null: x is a number, `xLabel`
 */
export function Plot({ label, data, lines, format, top = null, time = null, xLabel = "" }) {
  const box = useRef(null), plot = useRef(null), given = useRef(data);
  const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  const [failed, setFailed] = useState(false);
  given.current = data;

  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);

  useEffect(() => {
    let over = false;
    const resize = ([{ contentRect: { width } }]) => plot.current?.setSize({ width, height: HEIGHT });
    const sized = new ResizeObserver(resize);
    load().then((UPlot) => {
      if (over) return;
      const options = optionsOf({ lines, format, top, time, xLabel, width: box.current.clientWidth });
      plot.current = new UPlot(options, given.current, box.current);
      sized.observe(box.current);
    }, () => setFailed(true));
    return () => {
      over = true;
      sized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [dark]);

  useEffect(() => plot.current?.setData(data), [data]);

  if (failed) return html`<p class="quiet">The plot could not be loaded; the table has its figures.</p>`;
  return html`<div class="plot" role="img" aria-label=${label} ref=${box}></div>`;
}

/** How moments are written below a plot: days, or hours too where it shows few days. */
function timed([begin, end]) {
  if (end - begin > FEW_DAYS * 86400) return { values: (_, values) => values.map(day) };
  return { space: 110, values: (_, values) => values.map((value) => moment(value * 1000)) };
}

function optionsOf({ lines, format, top, time, xLabel, width }) {
  const css = getComputedStyle(document.documentElement);
  const color = (name) => css.getPropertyValue(name).trim();
  const grid = { stroke: color("--rule"), width: 1 };
  const axis = { stroke: color("--soft"), font: "12px system-ui", grid, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [null, time ? 40 : null, null, null], // half of the last time's text
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { show: false }, // each plot has its own beside it, which shows the strokes
    scales: { x: time ? { range: time } : { time: false }, y: top ? { range: [0, top] } : {} },
    axes: [
      time ? { ...axis, ...timed(time) } : { ...axis, incrs: WHOLE, label: xLabel },
      { ...axis, size: 64, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: color(line.color),
        fill: line.fill && color(line.fill),
        dash: line.dash,
        width: 2,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}

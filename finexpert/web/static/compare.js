// Two runs side by side: the metrics in pairs, what differs in their settings, and what they cost.
import { range, signed, usd } from "./format.js";
import { html } from "./lib.js";
import { Bullets, Note, Problem, RunLink, Table, Waiting } from "./parts.js";
import { usePolled } from "./polling.js";

const NONE = "–";

export function Compare({ a, b }) {
  const { data: pair, error } = usePolled(`/compare?${new URLSearchParams({ a, b })}`, () => null);
  return html`
    <p><a href="#/runs">All models</a></p>
    <section class="card" aria-labelledby="compare-title">
      <h2 id="compare-title">Two runs compared</h2>
      ${error && html`<${Problem} error=${error} />`}
      ${!pair && !error && html`<${Waiting}>Comparing …</${Waiting}>`}
      ${pair && html`<${Pair} pair=${pair} />`}
    </section>`;
}

const METRICS = [
  { name: "Fine-tuned models", of: ({ title, unit }) => `${title} (${unit})` },
  { name: "A", of: ({ a }) => a.toFixed(3), end: true },
  { name: "B", of: ({ b }) => b.toFixed(3), end: true },
  { name: "B − A", of: ({ difference }) => (difference === null ? NONE : signed(difference)), end: true },
  { name: "95 % interval", of: ({ interval }) => (interval ? range(interval) : NONE), end: true },
  { name: "Items", of: ({ shared }) => shared || NONE, end: true },
  { name: "Finding", of: ({ finding }) => finding ?? "not comparable" },
];

const DIFFERENCES = [
  { name: "Differs", of: ([name]) => name },
  { name: "A", of: ([, [a]]) => shown(a), end: true },
  { name: "B", of: ([, [, b]]) => shown(b), end: true },
];

function Pair({ pair }) {
  const costs = pair.usd.map(usd);
  const differences = [
    ...Object.entries({ ...pair.settings, ...pair.versions }),
    ...(costs[0] === costs[1] ? [] : [["cost of the job", costs]]),
  ];
  const letter = (name, index) => html`<li><strong>${"AB"[index]}</strong> <${RunLink} name=${name} title=${pair.titles[index]} />
    ${" "}<${Verdict} passed=${pair.passed[index]} /></li>`;
  return html`
    <ul class="letters">${pair.runs.map(letter)}</ul>
    <p class="verdict">${pair.sentence}</p>
    <${Table} caption="Metrics of both runs" columns=${METRICS} rows=${pair.metrics}
      empty="The runs have no metric in common." />
    ${pair.warnings.length > 0 &&
      html`<${Note} kind="warn" title="Note"><${Bullets} lines=${pair.warnings} /></${Note}>`}
    <h3>Settings and cost</h3>
    <${Table} caption="What differs between the runs" columns=${DIFFERENCES} rows=${differences}
      empty="Settings, versions and cost are the same." />`;
}

function Verdict({ passed }) {
  const word = passed ? "accepted" : "rejected";
  return html`<span class="badge ${word}">${word}</span>`;
}

function shown(value) {
  if (value === null || value === undefined) return NONE;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

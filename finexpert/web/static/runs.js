// The Runs tab: what ran, with results; two of them may be compared; a new one starts here.
import { duration, moment, secondsSince, usd } from "./format.js";
import { html, useState } from "./lib.js";
import { Problem, RunLink, Table, Waiting } from "./parts.js";
import { usePolled } from "./polling.js";
import { StartRun } from "./start_run.js";

const PAUSE_SECONDS = 60;

export function Runs({ session }) {
  const local = session.on.kind === "local";
  const pause = ({ runs }) => {
    if (runs.every(({ status }) => status !== "RUNNING")) return PAUSE_SECONDS;
    return local ? 3 : 15;
  };
  const { data, error } = usePolled("/runs", pause);
  return html`
    <${StartRun} limits=${session.limits} local=${local} />
    <section class="card" aria-labelledby="runs-title">
      <h2 id="runs-title">Runs</h2>
      ${error && html`<${Problem} error=${error} quiet />`}
      ${!data && !error && html`<${Waiting}>Looking for runs …</${Waiting}>`}
      ${data?.runs.length === 0 && html`<${NoRuns} />`}
      ${data?.runs.length > 0 && html`<${List} runs=${data.runs} compares=${session.can.compare} />`}
    </section>`;
}

function NoRuns() {
  return html`<div class="empty">
    <p><strong>No runs yet.</strong></p>
    <p>Drop a file with your own text above: it is checked and priced before anything is paid for.</p>
  </div>`;
}

const COLUMNS = [
  { name: "Run", of: ({ name }) => html`<${RunLink} name=${name} />` },
  { name: "Result", of: (run) => html`<${Result} run=${run} />` },
  { name: "Started", of: ({ started }) => moment(started) },
  { name: "Took", of: ({ started, stopped }) => duration(secondsSince(started, endOf(stopped))), end: true },
  { name: "Dollars", of: ({ usd: amount }) => usd(amount), end: true },
];

function List({ runs, compares }) {
  const [chosen, setChosen] = useState([]);
  const toggle = (name) => {
    const others = chosen.filter((other) => other !== name);
    setChosen(others.length < chosen.length ? others : [...others, name].slice(-2));
  };
  const box = ({ name, outcome }) => outcome && html`<input type="checkbox" aria-label=${`Compare ${name}`}
    checked=${chosen.includes(name)} onChange=${() => toggle(name)} />`;
  const offered = compares && runs.filter(({ outcome }) => outcome).length > 1;
  const columns = offered ? [{ name: "Compare", of: box }, ...COLUMNS] : COLUMNS;
  const both = `#/compare/${chosen.map(encodeURIComponent).join("/")}`;
  return html`
    <${Table} caption="Runs, newest first" columns=${columns} rows=${runs} />
    ${offered && html`<div class="actions">
      ${chosen.length === 2
        ? html`<a class="button primary" href=${both}>Compare the two</a>`
        : html`<p class="quiet small">Tick two finished runs to compare them.</p>`}
    </div>`}`;
}

const STATUSES = {
  RUNNING: "running",
  SUCCEEDED: "done",
  FAILED: "failed",
  TIMED_OUT: "timed out",
  ABORTED: "stopped",
};

/** A run's result as a badge: the quality gate's word, or how the execution stands. */
export function Result({ run }) {
  const word = run.outcome || STATUSES[run.status];
  return html`<span class="badge ${word.replace(" ", "-")}">${word}</span>`;
}

function endOf(stopped) {
  return stopped ? Date.parse(stopped) : Date.now();
}

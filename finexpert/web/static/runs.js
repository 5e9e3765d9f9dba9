// The Models tab: who answers now, what was trained, with results; two may be compared; a new run starts here.
import { duration, moment, secondsSince, usd } from "./format.js";
import { html, useState } from "./lib.js";
import { Problem, RunLink, Table, Waiting } from "./parts.js";
import { usePolled } from "./polling.js";
import { WhoAnswers } from "./start.js";
import { StartRun } from "./start_run.js";

const PAUSE_SECONDS = 60;

export function Runs({ session, hosting: { endpoint } }) {
  const local = session.on.kind === "local";
  const pause = ({ runs }) => {
    if (runs.every(({ status }) => status !== "RUNNING")) return PAUSE_SECONDS;
    return local ? 3 : 15;
  };
  const { data, error } = usePolled("/runs", pause);
  return html`
    ${endpoint && html`<section class="card" aria-labelledby="who-title">
      <h2 id="who-title">Model in use</h2>
      <${WhoAnswers} endpoint=${endpoint} />
      <div class="actions">
        <a class="button" href="#/endpoint">Wake, keep awake or put to sleep</a>
        <a class="button" href="#/questions">Your own questions</a>
      </div>
    </section>`}
    <${StartRun} limits=${session.limits} local=${local} />
    <section class="card" aria-labelledby="runs-title">
      <h2 id="runs-title">Trained models</h2>
      ${error && html`<${Problem} error=${error} quiet />`}
      ${!data && !error && html`<${Waiting}>Looking for runs …</${Waiting}>`}
      ${data?.runs.length === 0 && html`<${NoRuns} />`}
      ${data?.runs.length > 0 && html`<${List} runs=${data.runs} compares=${session.can.compare} />`}
    </section>
    <${Benchmark} />`;
}

const CONTESTANTS = [
  { name: "Model", of: ({ name }) => name },
  { name: "Correct", of: ({ correct }) => correct, end: true },
  { name: "Wrong", of: ({ wrong }) => wrong, end: true },
  { name: "Refused", of: ({ refused }) => refused, end: true },
  { name: "Dollars", of: ({ usd: amount }) => usd(amount), end: true },
  { name: "Dollars per correct answer", of: ({ usd_per_correct: each }) => (each === null ? "–" : usd(each)), end: true },
];

/** The newest comparison with other models; nothing where none was made. */
function Benchmark() {
  const { data } = usePolled("/benchmark", () => null);
  if (!data?.benchmark) return null;
  return html`<section class="card" aria-labelledby="benchmark-title">
    <h2 id="benchmark-title">Compared with other models</h2>
    <p class="verdict">${data.benchmark.sentence}</p>
    <${Table} caption="Models on the same questions" columns=${CONTESTANTS} rows=${data.benchmark.contestants} />
    <p class="quiet small">The whole report: <code>out/benchmark/benchmark.html</code></p>
  </section>`;
}

function NoRuns() {
  return html`<div class="empty">
    <p><strong>Nothing trained yet.</strong></p>
    <p>Drop files with your own text above: it is checked and priced before anything is paid for.</p>
  </div>`;
}

const COLUMNS = [
  { name: "Run", of: ({ name, title }) => html`<${RunLink} name=${name} title=${title} />` },
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
  const box = ({ name, title, outcome }) => outcome && html`<input type="checkbox" aria-label=${`Compare ${title || name}`}
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

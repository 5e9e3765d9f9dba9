// The Runs tab: what ran, with results; two of them may be compared; a new one starts here.
import { duration, moment, secondsSince, usd } from "./format.js";
import { html, useState } from "./lib.js";
import { Problem } from "./parts.js";
import { usePolled } from "./polling.js";
import { StartRun } from "./start_run.js";

export function Runs({ session }) {
  const local = session.on.kind === "local";
  const { data, error } = usePolled("/runs", (document) => {
    const running = document.runs.some(({ status }) => status === "RUNNING");
    return running ? (local ? 3 : 15) : 60;
  });
  return html`
    <${StartRun} limits=${session.limits} local=${local} />
    <section class="card" aria-labelledby="runs-title">
      <h2 id="runs-title">Runs</h2>
      ${error && html`<${Problem} error=${error} quiet />`}
      ${data ? html`<${List} runs=${data.runs} canCompare=${session.can.compare} />` : !error && html`<p class="quiet">Looking for runs …</p>`}
    </section>`;
}

function List({ runs, canCompare }) {
  const [chosen, setChosen] = useState([]);
  if (runs.length === 0) {
    return html`<div class="empty"><p><strong>No runs yet.</strong></p><p>Drop a file with your own text above: it is checked and priced before anything is paid for.</p></div>`;
  }
  const toggle = (name) => setChosen((before) => (before.includes(name) ? before.filter((other) => other !== name) : [...before, name].slice(-2)));
  const measured = runs.filter(({ outcome }) => outcome).length;
  return html`
    <div class="scroll"><table class="cards">
      <caption class="unseen">Runs, newest first</caption>
      <thead><tr>
        ${canCompare && html`<th scope="col"><span class="unseen">Compare</span></th>`}
        <th scope="col">Run</th><th scope="col">Result</th><th scope="col">Started</th><th scope="col" class="end">Took</th><th scope="col" class="end">Dollars</th>
      </tr></thead>
      <tbody>${runs.map((run) => html`<tr key=${run.name}>
        ${canCompare && html`<td class="choose">${run.outcome && html`<input type="checkbox" aria-label=${`Compare ${run.name}`}
          checked=${chosen.includes(run.name)} onChange=${() => toggle(run.name)} />`}</td>`}
        <td data-name="Run"><a href=${`#/runs/${encodeURIComponent(run.name)}`}>${run.name}</a></td>
        <td data-name="Result"><${Result} run=${run} /></td>
        <td data-name="Started">${moment(run.started)}</td>
        <td data-name="Took" class="end">${duration(secondsSince(run.started, run.stopped ? Date.parse(run.stopped) : Date.now()))}</td>
        <td data-name="Dollars" class="end">${usd(run.usd)}</td>
      </tr>`)}</tbody>
    </table></div>
    ${canCompare && measured > 1 && html`<div class="actions">
      ${chosen.length === 2
        ? html`<a class="button primary" href=${`#/compare/${chosen.map(encodeURIComponent).join("/")}`}>Compare the two</a>`
        : html`<p class="quiet small">Tick two finished runs to compare them.</p>`}
    </div>`}`;
}

const STATUSES = { RUNNING: "running", FAILED: "failed", TIMED_OUT: "timed out", ABORTED: "stopped", SUCCEEDED: "done" };

/** A run's result as a badge: the quality gate's word, or how the execution stands. */
export function Result({ run }) {
  const word = run.outcome || STATUSES[run.status] || run.status.toLowerCase();
  return html`<span class="badge ${word.replace(" ", "-")}">${word}</span>`;
}

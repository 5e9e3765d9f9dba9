// One run: live while it goes on, then its result, its report, and what may be done with it.
import { call, request } from "./api.js";
import { about, count, signed, usd } from "./format.js";
import { html, useEffect, useMemo, useState } from "./lib.js";
import { Confirmed, download, Problem, Table, Tile } from "./parts.js";
import { Plot } from "./plot.js";
import { usePolled } from "./polling.js";
import { Result } from "./runs.js";

const STAGES = { check: "Data", admit: "Budget", train: "Training", judge: "Quality gate", serve: "Serving", notify: "Notice" };
const POINTS_IN_TABLE = 40;

export function RunView({ name, session, hosting }) {
  const local = session.on.kind === "local";
  const path = `/runs/${encodeURIComponent(name)}`;
  const { data: run, error, refresh } = usePolled(path, ({ status }) => (status !== "RUNNING" ? null : local ? 1 : 5));
  if (!run) return error ? html`<${Back} /><${Problem} error=${error} />` : html`<p class="quiet">Looking at the run …</p>`;
  const running = run.status === "RUNNING";
  return html`
    <${Back} />
    <section class="card" aria-labelledby="run-title">
      <div class="heading"><h2 id="run-title">${run.name}</h2><${Result} run=${run} /></div>
      ${error && html`<${Problem} error=${error} quiet />`}
      ${running && html`<${Progress} run=${run} />`}
      ${!running && !run.error && html`<p class="verdict">${run.sentence}</p>`}
      ${run.error && html`<${Problem} error=${{ code: "failed", message: run.error }} quiet />`}
      <${Figures} run=${run} running=${running} local=${local} />
      ${run.evaluation && html`<${Evaluation} evaluation=${run.evaluation} />`}
      <${Actions} run=${run} path=${path} hosting=${hosting} refresh=${refresh} />
      <${Losses} losses=${run.losses} steps=${run.steps} />
    </section>
    ${run.has_report && html`<${Report} path=${path} name=${run.name} />`}`;
}

function Back() {
  return html`<p><a href="#/runs">All runs</a></p>`;
}

function Progress({ run }) {
  const stages = Object.keys(STAGES);
  const at = stages.indexOf(run.stage);
  const eta = run.eta_seconds ? `, ${about(run.eta_seconds)} of training left` : "";
  return html`
    <ol class="stages" aria-label="Stages">${stages.map((stage, index) => html`<li class=${index < at ? "past" : index === at ? "now" : ""}
      aria-current=${index === at ? "step" : undefined}>${STAGES[stage]}${index < at && html`<span class="unseen"> (done)</span>`}</li>`)}</ol>
    <p class="doing" role="status">${run.stage_words}</p>
    ${run.steps > 0 && html`<progress max=${run.steps} value=${run.step} aria-label="Optimizer steps"></progress>
      <p class="quiet small">Step ${count(run.step)} of ${count(run.steps)}${eta}</p>`}`;
}

function Figures({ run, running, local }) {
  const loss = run.losses[run.losses.length - 1]?.[1];
  return html`<dl class="tiles">
    <${Tile} name=${local ? "Would cost on AWS" : "Costs"} value=${usd(run.usd)}>${running ? "so far" : "in all"}</${Tile}>
    ${loss !== undefined && html`<${Tile} name="Training loss" value=${loss.toFixed(3)}>${running ? "of the last step" : "at the end"}</${Tile}>`}
    ${run.tokens_per_second > 0 && html`<${Tile} name="Speed" value=${count(run.tokens_per_second)}>tokens a second</${Tile}>`}
  </dl>`;
}

function Evaluation({ evaluation: { metric, base, tuned, difference, interval } }) {
  return html`<h3>Held-out result</h3>
    <dl class="tiles">
      <${Tile} name=${words(metric)} value=${`${base.toFixed(3)} → ${tuned.toFixed(3)}`}>base → fine-tuned</${Tile}>
      <${Tile} name="Change" value=${signed(difference)}>95 % interval ${signed(interval[0])} to ${signed(interval[1])}</${Tile}>
    </dl>`;
}

function Losses({ losses, steps }) {
  const data = useMemo(() => [losses.map(([step]) => step), losses.map(([, loss]) => loss)], [losses]);
  if (losses.length < 2) return null;
  const [first, last] = [losses[0], losses[losses.length - 1]];
  const every = Math.ceil(losses.length / POINTS_IN_TABLE);
  return html`<h3>Loss</h3>
    <${Plot} label=${`Training loss from ${first[1].toFixed(3)} at step ${first[0]} to ${last[1].toFixed(3)} at step ${last[0]} of ${steps}.`}
      data=${data} format=${(value) => value.toFixed(2)} xLabel="Step" lines=${[{ label: "Loss", color: "--accent" }]} />
    <details><summary>The same as a table</summary>
      <${Table} caption="Training loss by step" rows=${losses.filter((_, index) => index % every === 0)} columns=${[
        { name: "Step", of: ([step]) => count(step), end: true },
        { name: "Loss", of: ([, loss]) => loss.toFixed(3), end: true },
      ]} /></details>`;
}

function Actions({ run, path, hosting, refresh }) {
  const [error, setError] = useState(null);
  const post = async (action, then) => {
    setError(null);
    try {
      await call(`${path}/${action}`, { method: "POST", json: {} });
      await then();
    } catch (problem) {
      setError(problem);
    }
  };
  const served = hosting.endpoint?.run === run.name;
  const price = hosting.endpoint && hosting.endpoint.state !== "awake" ? ` The endpoint wakes and costs ${usd(hosting.endpoint.usd_per_hour)} an hour.` : "";
  const promote = () => post("promote", () => {
    location.hash = "#/endpoint";
    return hosting.refresh();
  });
  return html`
    ${error && html`<${Problem} error=${error} />`}
    <div class="actions">
      ${run.status === "RUNNING" && html`<${Confirmed} label="Stop this run" question="Stop it? What it has learnt is lost." danger act=${() => post("stop", refresh)} />`}
      ${served && html`<p class="quiet">The endpoint serves this one.</p>`}
      ${run.can_promote && !served && html`<${Confirmed} label="Serve this one" question=${`Serve this run's model?${price}`} act=${promote} />`}
    </div>`;
}

/** The report that the training job wrote: another document, so it is shown where it can do nothing. */
function Report({ path, name }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (!open || text !== null) return;
    request(`${path}/report`).then((answer) => answer.text()).then(setText, setError);
  }, [open, text, path]);
  return html`<section class="card" aria-labelledby="report-title">
    <div class="heading"><h2 id="report-title">Report</h2>
      <div class="actions">
        <button type="button" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? "Close" : "Open"}</button>
        ${text && html`<button type="button" onClick=${() => download(`${name}.html`, "text/html", text)}>Save</button>`}
      </div>
    </div>
    ${open && error && html`<${Problem} error=${error} />`}
    ${open && !error && text === null && html`<p class="quiet">Fetching …</p>`}
    ${open && text !== null && html`<iframe class="report" title=${`Report of ${name}`} sandbox="" srcdoc=${text}></iframe>`}
  </section>`;
}

function words(metric) {
  return metric.replace("held_out", "held-out").replaceAll("_", " ");
}

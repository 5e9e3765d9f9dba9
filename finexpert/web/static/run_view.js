// One run: live while it goes on, then its result, its report, and what may be done with it.
import { call, request } from "./api.js";
import { about, count, hourly, range, signed, usd } from "./format.js";
import { html, useEffect, useMemo, useState } from "./lib.js";
import { Answers, BeforeAfter } from "./questions.js";
import { Bullets, Confirmed, download, Note, Problem, Table, Tile, useAttempt, Waiting } from "./parts.js";
import { Plot } from "./plot.js";
import { usePolled } from "./polling.js";
import { Result } from "./runs.js";

const STAGES = {
  check: "Data",
  admit: "Budget",
  train: "Training",
  judge: "Quality gate",
  serve: "Serving",
  notify: "Notify",
};
const POINTS_IN_TABLE = 40;

export function RunView({ name, local, hosting }) {
  const path = `/runs/${encodeURIComponent(name)}`;
  const pause = ({ status }) => (status === "RUNNING" ? (local ? 1 : 5) : null);
  const { data: run, error, refresh } = usePolled(path, pause);
  return html`
    <p><a href="#/runs">All models</a></p>
    ${error && html`<${Problem} error=${error} quiet=${run !== null} />`}
    ${!run && !error && html`<${Waiting}>Looking at the run …</${Waiting}>`}
    ${run && html`<${Run} run=${run} path=${path} local=${local} hosting=${hosting} refresh=${refresh} />`}
    ${run?.has_report && html`<${Report} path=${path} name=${name} />`}`;
}

function Run({ run, path, local, hosting, refresh }) {
  const running = run.status === "RUNNING";
  return html`<section class="card" aria-labelledby="run-title">
    <div class="heading"><h2 id="run-title">${run.title || run.name}</h2><${Result} run=${run} /></div>
    <${Named} run=${run} path=${path} refresh=${refresh} />
    ${running && html`<${Progress} run=${run} />`}
    ${run.error && html`<${Problem} error=${{ code: "failed", message: run.error }} quiet />`}
    ${run.own_questions && html`<${BeforeAfter} ...${run.own_questions} />`}
    ${!running && !run.error && html`<p class="verdict">${run.sentence}</p>`}
    ${run.several_tries && html`<${Note} kind="warn" title="Not the first try">${run.several_tries}</${Note}>`}
    ${run.evaluation?.failed.length > 0 && html`<${Note} kind="warn" title="Why the gate said no">
      <${Bullets} lines=${run.evaluation.failed} /></${Note}>`}
    <${Figures} run=${run} running=${running} local=${local} />
    ${run.evaluation && html`<${Evaluation} evaluation=${run.evaluation} />`}
    ${run.own_questions?.questions.length > 0 && html`<h3>Your own questions</h3>
      <${Answers} rows=${run.own_questions.questions} />`}
    <${Actions} run=${run} path=${path} hosting=${hosting} refresh=${refresh} />
    ${run.losses.length > 1 && html`<${Losses} losses=${run.losses} steps=${run.steps} />`}
  </section>`;
}

/** What it was trained on, its id, and the name that people give it. */
function Named({ run, path, refresh }) {
  const [title, setTitle] = useState(null);
  const [error, attempt] = useAttempt();
  const save = (event) => {
    event.preventDefault();
    attempt(async () => {
      await call(`${path}/name`, { method: "POST", json: { name: title } });
      await refresh();
      setTitle(null);
    });
  };
  const facts = [run.data && `trained on ${run.data}`, run.title && run.name].filter(Boolean).join(" · ");
  return html`
    ${error && html`<${Problem} error=${error} />`}
    ${title === null
      ? html`<div class="actions"><span class="quiet small">${facts}</span>
          <button type="button" class="plain" onClick=${() => setTitle(run.title)}>${run.title ? "Rename" : "Give it a name"}</button></div>`
      : html`<form class="joined" onSubmit=${save}>
          <label for="title">Name</label>
          <input id="title" maxlength="80" value=${title} onInput=${({ target }) => setTitle(target.value)} />
          <button class="primary" disabled=${!title.trim()}>Save</button>
          <button type="button" onClick=${() => setTitle(null)}>Cancel</button>
        </form>`}`;
}

function Progress({ run }) {
  const stages = Object.keys(STAGES);
  const at = stages.indexOf(run.stage);
  const stage = (name, index) => {
    if (index < at) return html`<li class="past">${STAGES[name]}<span class="unseen"> (done)</span></li>`;
    return index === at ? html`<li class="now" aria-current="step">${STAGES[name]}</li>` : html`<li>${STAGES[name]}</li>`;
  };
  return html`
    <ol class="stages" aria-label="Stages">${stages.map(stage)}</ol>
    <p class="doing" role="status">${run.stage_words}</p>
    ${run.steps > 0 && html`
      <progress max=${run.steps} value=${run.step} aria-label="Optimizer steps"></progress>
      <p class="quiet small">Step ${count(run.step)} of ${count(run.steps)}
        ${run.eta_seconds > 0 && `, ${about(run.eta_seconds)} of training left`}</p>`}`;
}

function Figures({ run, running, local }) {
  const loss = run.losses.at(-1)?.[1];
  return html`<dl class="tiles">
    <${Tile} name=${local ? "This machine's time at AWS's price" : "Costs"} value=${usd(run.usd)}>
      ${running ? "so far" : "in all"}</${Tile}>
    ${loss !== undefined && html`<${Tile} name="Training loss" value=${loss.toFixed(3)}>
      ${running ? "of the last step" : "at the end"}</${Tile}>`}
    ${run.tokens_per_second > 0 && html`<${Tile} name="Speed" value=${count(run.tokens_per_second)}>
      tokens a second</${Tile}>`}
  </dl>`;
}

function Evaluation({ evaluation: { base, tuned, difference, interval } }) {
  return html`
    <h3>Held-out result</h3>
    <dl class="tiles">
      <${Tile} name="Surprise at unseen text" value=${`${base.toFixed(3)}, then ${tuned.toFixed(3)}`}>
        base model, then fine-tuned, in bits per byte: 0 is perfect, 8 is blind guessing</${Tile}>
      <${Tile} name="Change" value=${signed(difference)}>95 % interval ${range(interval)}</${Tile}>
    </dl>`;
}

const LOSS = [{ label: "Loss", color: "--accent" }];
const STEPS = [
  { name: "Step", of: ([step]) => count(step), end: true },
  { name: "Loss", of: ([, loss]) => loss.toFixed(3), end: true },
];

function Losses({ losses, steps }) {
  const data = useMemo(() => [losses.map(([step]) => step), losses.map(([, loss]) => loss)], [losses]);
  const at = ([step, loss]) => `${loss.toFixed(3)} at step ${step}`;
  const label = `Training loss from ${at(losses[0])} to ${at(losses.at(-1))} of ${steps}.`;
  const every = Math.ceil(losses.length / POINTS_IN_TABLE);
  const rows = losses.filter((_, index) => index % every === 0);
  return html`
    <h3>Loss</h3>
    <${Plot} label=${label} data=${data} lines=${LOSS} format=${(value) => value.toFixed(2)} xLabel="Step" />
    <details><summary>Show as a table</summary>
      <${Table} caption="Training loss by step" rows=${rows} columns=${STEPS} /></details>`;
}

function Actions({ run, path, hosting, refresh }) {
  const [error, attempt] = useAttempt();
  const { endpoint } = hosting;
  const served = run.can_promote && endpoint?.run === run.name;
  const sleeping = endpoint && endpoint.state !== "awake";
  const price = sleeping ? ` The endpoint wakes and costs ${hourly(endpoint.usd_per_hour)}.` : "";
  const post = (action, then) => attempt(async () => {
    await call(`${path}/${action}`, { method: "POST", json: {} });
    await then();
  });
  const stop = () => post("stop", refresh);
  const promote = () => post("promote", () => {
    location.hash = "#/endpoint";
    return hosting.refresh();
  });
  return html`
    ${error && html`<${Problem} error=${error} />`}
    <div class="actions">
      ${run.status === "RUNNING" && html`<${Confirmed} label="Stop this run" danger act=${stop}
        question="Stop it? What it has learned is lost." />`}
      ${served && html`<p class="quiet">The endpoint serves this one.</p>`}
      ${run.can_promote && !served && html`<${Confirmed} label="Serve this one" act=${promote}
        question=${`Serve this run's model?${price}`} />`}
    </div>`;
}

/** Show the report alone. It is sealed: its own policy lets nothing in it run. */
function openTab(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  open(address, "_blank", "noopener");
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The report that the training job wrote: another document, so it is shown where it can do nothing. */
function Report({ path, name }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (!open || text !== null) return;
    setError(null);
    request(`${path}/report`).then((answer) => answer.text()).then(setText, setError);
  }, [open, text, path]);
  const save = () => download(`${name}.html`, "text/html", text);
  const toggle = () => setOpen(!open);
  return html`<section class="card" aria-labelledby="report-title">
    <div class="heading">
      <h2 id="report-title">Report</h2>
      <div class="actions">
        <button type="button" aria-expanded=${open} onClick=${toggle}>${open ? "Close" : "Open"}</button>
        ${text && html`<button type="button" onClick=${save}>Save</button>
          <button type="button" onClick=${() => openTab(text)}>Open in a tab</button>`}
      </div>
    </div>
    ${open && error && html`<${Problem} error=${error} />`}
    ${open && !error && text === null && html`<${Waiting}>Fetching …</${Waiting}>`}
    ${open && text && html`<iframe class="report" title=${`Report of ${name}`} sandbox="" srcdoc=${text}></iframe>`}
  </section>`;
}

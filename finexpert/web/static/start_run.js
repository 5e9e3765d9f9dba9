// Start a run: a file is dropped or chosen, checked, priced, and only then confirmed.
import { call } from "./api.js";
import { size, usd } from "./format.js";
import { html, useRef, useState } from "./lib.js";
import { announce, Bullets, Note, Problem, Tile } from "./parts.js";

const KINDS = ".txt,.csv,.tsv,.json,.jsonl,.ndjson,.parquet,.xlsx,.docx,.pdf,.html";

export function StartRun({ limits, local }) {
  const [file, setFile] = useState(null);
  const [checked, setChecked] = useState(null);
  const [error, setError] = useState(null);
  const latest = useRef(null);

  const check = async (chosen) => {
    latest.current = chosen;
    setFile(chosen);
    setChecked(null);
    setError(null);
    announce(`Checking ${chosen.name}.`);
    try {
      if (chosen.size > limits.upload_bytes) throw tooLarge(chosen, limits.upload_bytes);
      const path = `/datasets?name=${encodeURIComponent(chosen.name)}`;
      const found = await call(path, { method: "POST", body: chosen });
      if (latest.current !== chosen) return;
      setChecked(found);
      announce(`${chosen.name} can be used.`);
    } catch (problem) {
      if (latest.current === chosen) setError(problem);
    }
  };
  const forget = () => {
    latest.current = null;
    setFile(null);
    setChecked(null);
    setError(null);
  };

  return html`<section class="card" aria-labelledby="start-title">
    <h2 id="start-title">Start a run</h2>
    <${DropZone} take=${check} most=${limits.upload_bytes} />
    ${file && !checked && !error && html`
      <p class="doing">Checking ${file.name} …</p>
      <progress aria-label="Checking the data"></progress>`}
    ${error && html`<${Problem} error=${error}>
      <button type="button" onClick=${forget}>Close</button></${Problem}>`}
    ${checked && html`<${Plan} file=${file} checked=${checked} local=${local} forget=${forget} />`}
  </section>`;
}

/** Files by drag and drop; the same by the keyboard, as it is a file input too. */
function DropZone({ take, most }) {
  const [over, setOver] = useState(false);
  const drag = (event) => {
    event.preventDefault();
    setOver(event.type === "dragover");
  };
  const drop = (event) => {
    drag(event);
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  };
  const chosen = ({ target }) => {
    if (target.files.length) take(target.files[0]);
    target.value = "";
  };
  const kind = over ? "drop over" : "drop";
  return html`<div class=${kind} onDragOver=${drag} onDragLeave=${drag} onDrop=${drop}>
    <label for="data-file">Drop a file with your own text here, or choose one</label>
    <input id="data-file" type="file" accept=${KINDS} aria-describedby="data-help" onChange=${chosen} />
    <p id="data-help" class="quiet small">Text, tables, JSON, PDF, Word or Excel, up to ${size(most)}.
      It is checked first; nothing is paid for until you confirm.</p>
  </div>`;
}

function Plan({ file, checked: { dataset, report, plan }, local, forget }) {
  const [wake, setWake] = useState(false);
  const [starting, setStarting] = useState(false);
  const [error, setError] = useState(null);
  const start = async () => {
    setStarting(true);
    setError(null);
    try {
      const { run } = await call("/runs", { method: "POST", json: { dataset, hyperparameters: {}, wake } });
      location.hash = `#/runs/${encodeURIComponent(run)}`;
    } catch (problem) {
      setError(problem);
      setStarting(false);
    }
  };
  return html`<div class="plan">
    <h3>${file.name} can be used</h3>
    <p>${report.sentence}</p>
    <${Understood} report=${report} />
    ${report.warnings.length > 0 &&
      html`<${Note} kind="warn" title="Before you start"><${Bullets} lines=${report.warnings} /></${Note}>`}
    ${plan.fits ? html`<${Price} plan=${plan} local=${local} />` : html`<${TooDear} plan=${plan} />`}
    <label class="check">
      <input type="checkbox" checked=${wake} onChange=${({ target }) => setWake(target.checked)} />
      Wake the endpoint with the result, if it is better than the base model
    </label>
    ${error && html`<${Problem} error=${error} />`}
    <div class="actions">
      <button type="button" class="primary" disabled=${starting || !plan.fits} onClick=${start}>
        ${starting ? "Starting …" : "Start the run"}</button>
      <button type="button" onClick=${forget}>Another file</button>
    </div>
  </div>`;
}

/** How the file was read, and its first document as the model will see it. */
function Understood({ report: { understood, first } }) {
  return html`<details open><summary>What was understood</summary>
    <${Bullets} lines=${understood} />
    ${first && html`<p>The first document:</p>
      ${first.prompt && html`<pre>${first.prompt}</pre><p>The model learns to answer:</p>`}
      <pre>${first.text}</pre>`}
  </details>`;
}

function Price({ plan, local }) {
  return html`
    <dl class="tiles">
      <${Tile} name="Expected" value=${usd(plan.expected_usd)}>
        ${local ? "on AWS; here it costs nothing" : "for the training job"}</${Tile}>
      <${Tile} name="At most" value=${usd(plan.worst_case_usd)}>then it is stopped</${Tile}>
      <${Tile} name="Left of the budget" value=${usd(plan.remaining_usd)}>this month</${Tile}>
    </dl>
    <details><summary>How this is calculated</summary><p>${plan.takes}</p><p>${plan.sentence}</p></details>`;
}

/** Why it would be refused, and the same job for less where there is such a way. */
function TooDear({ plan: { sentence, cheaper } }) {
  const fitting = cheaper.filter(({ fits }) => fits);
  const ways = fitting.map(({ what, worst_case_usd: most }) => `${what}, at most ${usd(most)}`);
  return html`<${Note} kind="bad" title="The budget does not allow it">
    <p>${sentence}</p>
    ${ways.length > 0 && html`<p>It would fit as: ${ways.join("; ")}.</p>`}
    <p><a href="#/money">See where the money went</a></p>
  </${Note}>`;
}

function tooLarge(file, most) {
  return {
    code: "too_large",
    message: `${file.name} has ${size(file.size)}; this page takes files up to ${size(most)}.`,
    fix: `Upload it on the command line: \`finexpert train ${file.name}\``,
  };
}

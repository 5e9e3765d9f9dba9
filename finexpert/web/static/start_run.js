// Start a run: files are dropped or chosen, checked, priced, and only then confirmed.
import { call } from "./api.js";
import { size, usd } from "./format.js";
import { html, useEffect, useRef, useState } from "./lib.js";
import { announce, Bullets, Note, Problem, Tile, useAttempt } from "./parts.js";

const KINDS = ".txt,.csv,.tsv,.json,.jsonl,.ndjson,.parquet,.xlsx,.docx,.pdf,.html,.htm";
/** The settings that the check advises to change, by the names it uses. */
const SETTINGS = {
  epoch: "How often the whole text is read (epoch)",
  learning_rate: "Learning rate (learning_rate)",
  per_device_train_batch_size: "Texts per step (per_device_train_batch_size)",
  validation_split_ratio: "Share held out to judge by (validation_split_ratio)",
};

/** @param {boolean} example check the texts of the invented company that come with the product at once */
export function StartRun({ limits, local, example = false }) {
  const [chosen, setChosen] = useState(null); // the files, and what they are called
  const [checked, setChecked] = useState(null);
  const [error, setError] = useState(null);
  const latest = useRef(null);

  const check = async (next, settings = {}) => {
    latest.current = next;
    setChosen(next);
    setChecked(null);
    setError(null);
    announce(`Checking ${next.name}.`);
    try {
      const found = await checkedBy(next, settings, limits.upload_bytes);
      if (latest.current !== next) return;
      setChecked({ ...found, settings });
      announce(`${next.name} can be used.`);
    } catch (problem) {
      if (latest.current === next) setError(problem);
    }
  };
  const forget = () => {
    latest.current = null;
    setChosen(null);
    setChecked(null);
    setError(null);
  };
  const take = (files) => files.length > 0 && check({ files, name: nameOf(files) });
  const tryExample = () => check({ files: null, name: "The example company" });
  useEffect(() => { if (example) tryExample(); }, [example]);

  return html`<section class="card" aria-labelledby="start-title">
    <h2 id="start-title">Train a model</h2>
    <${DropZone} take=${take} most=${limits.upload_bytes} />
    ${!chosen && html`<div class="actions"><button type="button" onClick=${tryExample}>
      Use the example company</button><span class="quiet small">Texts of an invented company.</span></div>`}
    ${chosen && !checked && !error && html`
      <p class="doing">Checking ${chosen.name} …</p>
      <progress aria-label="Checking the data"></progress>`}
    ${error && html`<${Problem} error=${error}>
      <button type="button" onClick=${forget}>Close</button></${Problem}>`}
    ${checked && html`<${Plan} chosen=${chosen} checked=${checked} local=${local} forget=${forget}
      again=${chosen.files && ((settings) => check({ ...chosen }, settings))} />`}
  </section>`;
}

/** Send the files in one body: a line that names them, then one after the other. */
function checkedBy({ files, name }, hyperparameters, most) {
  if (!files) return call("/datasets/example", { method: "POST", json: {} });
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  if (bytes > most) throw tooLarge(name, bytes, most);
  const head = { files: files.map(({ path, file }) => ({ name: path, bytes: file.size })), hyperparameters };
  const body = new Blob([JSON.stringify(head), "\n", ...files.map(({ file }) => file)]);
  return call("/datasets", { method: "POST", body });
}

function nameOf(files) {
  return files.length === 1 ? files[0].file.name : `${files.length} files`;
}

/** Files and folders by drag and drop; the same by the keyboard, as they are file inputs too. */
function DropZone({ take, most }) {
  const [over, setOver] = useState(false);
  const drag = (event) => {
    event.preventDefault();
    setOver(event.type === "dragover");
  };
  const drop = async (event) => {
    drag(event);
    take(await dropped(event.dataTransfer));
  };
  const chosen = ({ target }) => {
    take(visible([...target.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }))));
    target.value = "";
  };
  return html`<div class=${over ? "drop over" : "drop"} onDragOver=${drag} onDragLeave=${drag} onDrop=${drop}>
    <label for="data-file">Drop files or folders with your own text here, or choose files</label>
    <input id="data-file" type="file" multiple accept=${KINDS} aria-describedby="data-help" onChange=${chosen} />
    <label for="data-folder">or a whole folder</label>
    <input id="data-folder" type="file" webkitdirectory aria-describedby="data-help" onChange=${chosen} />
    <p id="data-help" class="quiet small">Text, tables, JSON, PDF, Word or Excel, up to ${size(most)} together.
      They are checked first; nothing is paid for until you confirm.</p>
  </div>`;
}

/** What was dropped, folders with all that is in them. */
async function dropped({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return visible([...files].map((file) => ({ path: file.name, file })));
  return visible((await Promise.all(entries.map(inside))).flat());
}

async function inside(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return (await Promise.all(found.map(inside))).flat();
    found.push(...some);
  }
}

/** Without what systems hide in folders, such as .DS_Store. */
function visible(files) {
  return files.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
}

function Plan({ chosen, checked: { dataset, report, plan, settings }, local, forget, again }) {
  const [wake, setWake] = useState(false);
  const [title, setTitle] = useState("");
  const [anyway, setAnyway] = useState(false);
  const [starting, setStarting] = useState(false);
  const [error, attempt] = useAttempt();
  const start = async () => {
    setStarting(true);
    const json = { dataset, hyperparameters: settings, wake, title, unjudged: anyway };
    const begun = await attempt(() => call("/runs", { method: "POST", json }));
    if (begun) location.hash = `#/runs/${encodeURIComponent(begun.run)}`;
    else setStarting(false);
  };
  const notes = [...report.left_out, ...report.warnings];
  return html`<div class="plan">
    <h3>${chosen.name} can be used</h3>
    <p>${report.sentence}</p>
    <${Understood} report=${report} />
    ${notes.length > 0 &&
      html`<${Note} kind="warn" title="Before you start"><${Bullets} lines=${notes} /></${Note}>`}
    ${again && html`<${Settings} key=${dataset} chosen=${settings} again=${again} />`}
    ${plan.fits ? html`<${Price} plan=${plan} local=${local} />` : html`<${TooDear} plan=${plan} />`}
    <div class="field">
      <label for="run-title">Name of the model (may be left empty)</label>
      <input id="run-title" maxlength="80" value=${title} placeholder="Calls of 2025, first try"
        onInput=${({ target }) => setTitle(target.value)} />
    </div>
    ${report.unjudged && html`<${Note} kind="bad" title="The quality gate would refuse it">
      <p>${report.unjudged} Bring more texts, or hold out a larger share.</p>
      <label class="check"><input type="checkbox" checked=${anyway} onChange=${({ target }) => setAnyway(target.checked)} />
        Train all the same</label></${Note}>`}
    <label class="check">
      <input type="checkbox" checked=${wake} onChange=${({ target }) => setWake(target.checked)} />
      Wake the endpoint with the result, if it is better than the base model
    </label>
    ${error && html`<${Problem} error=${error} />`}
    <div class="actions">
      <button type="button" class="primary" disabled=${starting || !plan.fits || (report.unjudged && !anyway)}
        onClick=${start}>
        ${starting ? "Starting …" : "Start the run"}</button>
      <button type="button" onClick=${forget}>Other files</button>
    </div>
  </div>`;
}

/** What the check's advice may name, to be changed here; the data is then checked and priced again. */
function Settings({ chosen, again }) {
  const [values, setValues] = useState(chosen);
  const field = (name) => html`<div class="field">
    <label for=${`s-${name}`}>${SETTINGS[name]}</label>
    <input id=${`s-${name}`} inputmode="decimal" value=${values[name] ?? ""} placeholder="as set up"
      onInput=${({ target }) => setValues({ ...values, [name]: target.value })} />
  </div>`;
  const given = () => Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim()));
  return html`<details open=${Object.keys(chosen).length > 0}><summary>Training settings</summary>
    <div class="fields">${Object.keys(SETTINGS).map(field)}</div>
    <div class="actions"><button type="button" onClick=${() => again(given())}>Check again with these</button></div>
  </details>`;
}

/** How the files were read, and the first document as the model will see it. */
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
      <${Tile} name="Available this month" value=${usd(plan.available_usd)}>budget without what is spent and reserved</${Tile}>
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
    <p><a href="#/money">See what it was spent on</a></p>
  </${Note}>`;
}

function tooLarge(name, bytes, most) {
  return {
    code: "too_large",
    message: `${name} has ${size(bytes)}; this page takes up to ${size(most)} together.`,
    fix: "Give a part of it, or start the run on the command line: `finexpert train PATH`",
  };
}

// Small things that every tab uses.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";

const TITLES = {
  asleep: "The endpoint is asleep",
  busy: "Another change is in progress",
  bad_input: "This cannot be used",
  too_large: "Too large for this page",
  throttled: "Too many requests at the moment",
  budget_reached: "The budget does not allow it",
  unavailable: "Not reachable at the moment",
  no_model: "There is no model to serve yet",
  not_deployed: "The app is not deployed",
  failed: "It did not work",
  not_found: "Not found",
  not_here: "Only on the command line",
  forbidden: "Not allowed",
  denied: "Not allowed",
  gone: "No answer from the server",
};

/** An error as a person can act on it. Alerts by default; `quiet` for what a poll runs into repeatedly. */
export function Problem({ error, quiet = false, children }) {
  return html`<section class="notice bad" role=${quiet ? "status" : "alert"}>
    <h2>${TITLES[error.code] ?? "Something went wrong"}</h2>
    <p>${error.message}</p>
    <${Bullets} lines=${error.problems} />
    ${error.fix && html`<p class="fix">${marked(error.fix)}</p>`}
    ${error.where && html`<p class="quiet small">Where: ${error.where}</p>`}
    ${error.code === "budget_reached" && html`<p><a href="#/money">See what it was spent on</a></p>`}
    ${children && html`<div class="actions">${children}</div>`}
  </section>`;
}

/** Text with `commands` in backticks set as code; still only text. */
function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part));
}

/** A box with a heading, for what is neither an error nor a result. */
export function Note({ title, kind = "", children }) {
  return html`<section class="notice ${kind}"><h2>${title}</h2>${children}</section>`;
}

const REFUSED = "Not accepted by the quality gate";

/** What a reader must know of a model; that the gate did not accept it is a badge. */
export function Warnings({ lines = [], small = false }) {
  return lines.map((text) => (text.startsWith(REFUSED)
    ? html`<p><span class="badge rejected" title=${text}>not accepted by the gate</span></p>`
    : html`<p class=${small ? "cut small" : "cut"}>${text}</p>`));
}

/** A list of sentences; nothing where there are none. */
export function Bullets({ lines = [] }) {
  return lines.length > 0 && html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

/**
 * What a button asks for, and the problem that it ran into, which the next attempt forgets.
 *
 * @returns {[Error|null, (work: () => Promise<any>) => Promise<any>]} an attempt that fails gives undefined
 */
export function useAttempt() {
  const [problem, setProblem] = useState(null);
  const attempt = async (work) => {
    setProblem(null);
    try {
      return await work();
    } catch (error) {
      setProblem(error);
      return undefined;
    }
  };
  return [problem, attempt];
}

/** What stands where something is being fetched. */
export function Waiting({ children }) {
  return html`<p class="quiet">${children}</p>`;
}

/** A run that leads to itself: by what people call it, else by its id. */
export function RunLink({ name, title = "" }) {
  return html`<a href=${`#/runs/${encodeURIComponent(name)}`} title=${name}>${title || name}</a>`;
}

/** A button that asks once more before it acts; Escape takes it back. */
export function Confirmed({ label, question, act, danger = false }) {
  const [asking, setAsking] = useState(null); // null: not once asked
  const first = useRef(null);
  useLayoutEffect(() => {
    if (asking !== null) first.current?.focus();
  }, [asking]);
  const ask = () => setAsking(true);
  if (!asking) return html`<button key="ask" type="button" ref=${first} onClick=${ask}>${label}</button>`;
  const back = () => setAsking(false);
  const yes = () => {
    back();
    act();
  };
  const escape = (event) => event.key === "Escape" && back();
  return html`<span key="answer" class="confirm" role="group" aria-label=${question} onKeyDown=${escape}>
    <span>${question}</span>
    <button type="button" ref=${first} class=${danger ? "danger" : "primary"} onClick=${yes}>Yes</button>
    <button type="button" onClick=${back}>No</button>
  </span>`;
}

/** A figure with its name, and a line of explanation. */
export function Tile({ name, value, children }) {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd><strong>${value}</strong>${children && html`<span>${children}</span>`}</dd>
  </div>`;
}

/**
 * A table that becomes a list of cards on a phone: every cell carries its column's name.
 *
 * @param {{name: string, of: (row: any) => any, end?: boolean}[]} columns `end` aligns figures
 * @param {string} empty what to say when there are no rows
 */
export function Table({ caption, columns, rows, empty }) {
  if (rows.length === 0) return html`<${Waiting}>${empty}</${Waiting}>`;
  const side = ({ end }) => (end ? "end" : "");
  const head = (column) => html`<th scope="col" class=${side(column)}>${column.name}</th>`;
  const cell = (column, row) =>
    html`<td data-name=${column.name} class=${side(column)}><span>${column.of(row)}</span></td>`;
  return html`<div class="scroll"><table class="cards">
    <caption class="unseen">${caption}</caption>
    <thead><tr>${columns.map(head)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${columns.map((column) => cell(column, row))}</tr>`)}</tbody>
  </table></div>`;
}

/** Say something to screen readers, once; sighted readers see it elsewhere. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** A button that copies a text, and says for two seconds whether it could. */
export function CopyButton({ text, label = "Copy" }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = said && setTimeout(() => setSaid(""), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    const done = await navigator.clipboard.writeText(text()).then(() => true, () => false);
    setSaid(done ? "Copied" : "Not allowed");
    announce(done ? "Copied." : "The browser does not allow copying.");
  };
  return html`<button type="button" class="plain" onClick=${copy}>${said || label}</button>`;
}

/** Hand the reader a file. */
export function download(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

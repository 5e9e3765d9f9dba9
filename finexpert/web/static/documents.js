// Documents: what the index holds, questions answered with their page, and the page with the quote marked.
import { call } from "./api.js";
import { html, useEffect, useRef, useState } from "./lib.js";
import { announce, Bullets, CopyButton, Note, Problem, Table, Waiting } from "./parts.js";
import { usePolled } from "./polling.js";

const KINDS = ".pdf,.htm,.html,.txt,.md,.csv,.tsv,.xlsx,.docx";

const COLUMNS = [
  { name: "Document", of: ({ name, problems }) => html`${name}<${Bullets} lines=${problems} />` },
  { name: "Company", of: ({ company }) => company || "–" },
  { name: "Form", of: ({ form }) => form || "–" },
  { name: "Period", of: ({ fiscal_period, fiscal_year }) => [fiscal_period, fiscal_year].filter(Boolean).join(" ") || "–" },
  { name: "Pages", of: ({ pages }) => pages, end: true },
];

export function Documents() {
  const { data: index, error, refresh } = usePolled("/documents", () => null);
  const [turns, setTurns] = useState([]);
  if (error) return html`<${Problem} error=${error} />`;
  if (!index) return html`<${Waiting}>Reading the index …</${Waiting}>`;
  const answered = (turn) => setTurns((before) => [...before, turn]);
  return html`
    ${index.documents.length > 0 && html`<${Question} last=${turns.at(-1)} answered=${answered} />`}
    ${turns.toReversed().map((turn, number) => html`<${Turn} key=${turns.length - number} turn=${turn} />`)}
    <section class="card" aria-labelledby="documents-title">
      <h2 id="documents-title">Your documents</h2>
      <${Table} caption="Documents of the index" columns=${COLUMNS} rows=${index.documents}
        empty="No documents yet. Add filings or reports: PDF, HTML, text, CSV, XLSX, DOCX." />
      ${index.adds
        ? html`<${Add} most=${index.most_bytes} added=${refresh} />`
        : html`<p class="quiet small">They are added on your own machine: <code>finexpert docs add PATH</code>, then
            ${" "}<code>finexpert docs push</code>.</p>`}
    </section>`;
}

function Question({ last, answered }) {
  const [text, setText] = useState("");
  const [state, setState] = useState({});
  const submit = async (event) => {
    event.preventDefault();
    const question = text.trim();
    if (!question || state.asking) return;
    setState({ asking: true });
    try {
      const json = { question, previous: last?.filter };
      answered(await call("/documents/ask", { method: "POST", json }));
      setText("");
      setState({});
      announce("The answer is there.");
    } catch (error) {
      setState({ error });
    }
  };
  return html`<section class="card" aria-labelledby="ask-documents">
    <h2 id="ask-documents">Ask your documents</h2>
    <form onSubmit=${submit}>
      <label for="document-question">Question</label>
      <textarea id="document-question" rows="2" maxlength="2000" value=${text}
        placeholder="What was revenue in fiscal 2024?"
        onInput=${(event) => setText(event.target.value)}></textarea>
      <div class="actions">
        <button type="submit" class="primary" disabled=${!text.trim() || state.asking}>Ask</button>
        ${last && html`<span class="quiet small">A follow-up keeps company and year, unless it names others.</span>`}
      </div>
    </form>
    ${state.error && html`<${Problem} error=${state.error} />`}
  </section>`;
}

function Turn({ turn }) {
  const [shown, setShown] = useState(null);
  const sources = turn.citations.map(({ document, page, text }, n) => `[${n + 1}] ${document}${page ? `, page ${page}` : ""}: ${text}`);
  const text = () => [turn.question, turn.answer || turn.reason, ...sources].join("\n");
  return html`<section class="card" aria-label=${turn.question}>
    <h3>${turn.question}</h3>
    ${turn.refused
      ? html`<${Note} kind="warn" title="No answer"><p>${turn.reason}.</p></${Note}>`
      : html`<p>${turn.answer}</p>${turn.calculation && html`<p class="quiet">${turn.calculation}</p>`}`}
    <ol class="sources">
      ${turn.citations.map(
        (citation) => html`<li><button type="button" class="plain" onClick=${() => setShown(citation)}>
          ${citation.document}${citation.page && `, page ${citation.page}`}</button>
          <q>${citation.text.trim().slice(0, 200)}</q></li>`,
      )}
    </ol>
    ${!turn.refused && html`<div class="actions"><${CopyButton} text=${text} /></div>`}
    ${shown && html`<${Place} citation=${shown} close=${() => setShown(null)} />`}
  </section>`;
}

/** The text of a page with the quote marked, scrolled to it. */
function Place({ citation, close }) {
  const parameters = { name: citation.document, ...(citation.page && { page: citation.page }) };
  const { data, error } = usePolled(`/documents/page?${new URLSearchParams(parameters)}`, () => null);
  const mark = useRef(null);
  useEffect(() => mark.current?.scrollIntoView({ block: "center" }), [data]);
  if (error) return html`<${Problem} error=${error} />`;
  if (!data) return html`<${Waiting}>Opening the page …</${Waiting}>`;
  const [start, end] = citation.span;
  const points = [...data.text]; // spans count characters, JavaScript's strings count halves of some
  const part = (from, to) => points.slice(from, to).join("");
  return html`<div class="place">
    <pre tabindex="0" aria-label="The page">${part(0, start)}<mark ref=${mark}>${part(start, end)}</mark>${part(end)}</pre>
    <div class="actions"><button type="button" onClick=${close}>Close the page</button></div>
  </div>`;
}

function Add({ most, added }) {
  const [lines, setLines] = useState([]);
  const [busy, setBusy] = useState(false);
  const chosen = async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    setBusy(true);
    for (const file of files) {
      const line = await outcome(file, most);
      setLines((before) => [...before, line]);
    }
    setBusy(false);
    added();
    announce(`${files.length} files handled.`);
  };
  return html`<div class="drop">
      <label for="documents-file">Add documents: PDF, HTML, text, CSV, XLSX or DOCX</label>
      <input id="documents-file" type="file" multiple accept=${KINDS} onChange=${chosen} disabled=${busy} />
      <p class="quiet small">They are read on this machine and stay on it.</p>
    </div>
    ${busy && html`<${Waiting}>Reading …</${Waiting}>`}
    <${Bullets} lines=${lines} />`;
}

async function outcome(file, most) {
  if (file.size > most) return `${file.name}: larger than ${(most / 1e6).toFixed(0)} MB; use finexpert docs add.`;
  try {
    const query = new URLSearchParams({ name: file.name });
    const { outcome: done, why } = await call(`/documents?${query}`, { method: "POST", body: file });
    return `${file.name}: ${done}${why ? ` (${why})` : ""}`;
  } catch (error) {
    return `${file.name}: ${error.message} ${error.fix}`;
  }
}

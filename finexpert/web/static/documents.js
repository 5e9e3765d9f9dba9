// Documents: what the index holds, questions answered from it, and adding files.
import { Composer, Thread } from "./ask.js";
import { call } from "./api.js";
import { html, useState } from "./lib.js";
import { announce, Bullets, Problem, Table, Waiting } from "./parts.js";

const KINDS = ".pdf,.htm,.html,.txt,.md,.csv,.tsv,.xlsx,.docx";

const FIGURES = ["revenue", "net income"];
const DOCUMENTS = 2;
const EXAMPLES = 4;

const COLUMNS = [
  { name: "Document", of: ({ name, problems }) => html`${name}<${Bullets} lines=${problems} />` },
  { name: "Company", of: ({ company }) => company || "–" },
  { name: "Form", of: ({ form }) => form || "–" },
  { name: "Period", of: ({ fiscal_period, fiscal_year }) => [fiscal_period, fiscal_year].filter(Boolean).join(" ") || "–" },
  { name: "Pages", of: ({ pages }) => pages, end: true },
];

export function Documents({ session, asking, shelf: { data: index, error, refresh } }) {
  if (error) return html`<${Problem} error=${error} />`;
  if (!index) return html`<${Waiting}>Reading the index …</${Waiting}>`;
  const some = index.documents.length > 0;
  return html`
    ${some && html`
      <${Thread} session=${session} asking=${asking} />
      <${Composer} session=${session} asking=${asking} only=${["documents"]} label="Ask your documents"
        examples=${{ from: "your documents", prompts: examplesOf(index.documents) }} />
      <p class="quiet small">Each figure is quoted from a page, or there is no answer. A follow-up keeps company and
        year. Earlier questions: <a href="#/ask">History</a>.</p>`}
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

/** Questions that these documents may answer. */
function examplesOf(documents) {
  const known = documents.filter(({ company, fiscal_year: year }) => company && year).slice(0, DOCUMENTS);
  return known.flatMap(({ company, fiscal_year: year }) =>
    FIGURES.map((figure) => `What was ${figure} of ${company} in fiscal ${year}?`)).slice(0, EXAMPLES);
}

function Add({ most, added }) {
  const [lines, setLines] = useState([]);
  const [busy, setBusy] = useState(false);
  const chosen = async (event) => {
    const files = [...event.target.files].filter(({ name }) => !name.startsWith("."));
    event.target.value = "";
    setLines([]);
    setBusy(true);
    for (const file of files) {
      const line = await outcome(file, most);
      setLines((before) => [...before, line]);
    }
    setBusy(false);
    await added();
    announce(files.length === 1 ? "1 file handled." : `${files.length} files handled.`);
  };
  return html`<div class="drop">
      <label for="documents-file">Add documents: PDF, HTML, text, CSV, XLSX or DOCX</label>
      <input id="documents-file" type="file" multiple accept=${KINDS} onChange=${chosen} disabled=${busy} />
      <label for="documents-folder">or a whole folder</label>
      <input id="documents-folder" type="file" webkitdirectory onChange=${chosen} disabled=${busy} />
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

// The sources of an answer from documents, and a page of a document with the quote marked.
import { html, useEffect, useRef, useState } from "./lib.js";
import { Problem, Waiting } from "./parts.js";
import { usePolled } from "./polling.js";

const QUOTED = 200;

/** Numbered sources; a click opens the page with the quote marked. */
export function Sources({ citations }) {
  const [shown, setShown] = useState(null);
  return html`
    <ol class="sources">
      ${citations.map((citation) => html`<li>
        <button type="button" class="plain" onClick=${() => setShown(citation)}>
          ${citation.document}${citation.page && `, page ${citation.page}`}</button>
        <q>${citation.text.trim().slice(0, QUOTED)}</q></li>`)}
    </ol>
    ${shown && html`<${Place} citation=${shown} close=${() => setShown(null)} />`}`;
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

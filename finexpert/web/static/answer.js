// One question with its answers: who answers, the text while it is written, its sources, and what the reader
// thinks of it.
import { turnAsMarkdown } from "./export.js";
import { duration, elapsed } from "./format.js";
import { html, useEffect, useRef, useState } from "./lib.js";
import { CopyButton, Problem, Warnings } from "./parts.js";
import { Sources } from "./place.js";
import { useNow } from "./polling.js";

export const NAMES = {
  base: "Base model", tuned: "Fine-tuned model", documents: "Your documents",
  "base-with-documents": "Base model with your documents",
  "tuned-with-documents": "Fine-tuned model with your documents",
};
const SILENCE_SECONDS = 8;

/**
 * A question with all its answers side by side.
 *
 * @param {object} turn that is kept, or the draft of one on its way (which has `began`)
 * @param {(rating: object) => Promise<boolean>|null} rate null: it is not kept yet
 */
export function Turn({ turn, streams, rate, children }) {
  const draft = turn.began !== undefined;
  const box = useRef(null);
  useEffect(() => draft && box.current.scrollIntoView({ block: "nearest" }), [turn.began]);
  const shown = turn.answers.filter((answer) => !turn.error || answer.text || answer.error);
  return html`<div class="turn" role="group" aria-label=${turn.prompt.slice(0, 100)} ref=${box}>
    <h2 class="unseen">Question</h2>
    <blockquote>${turn.prompt}</blockquote>
    ${draft && turn.error && turn.error.code !== "asleep" && html`<${Problem} error=${turn.error} />`}
    ${draft && turn.stopped && html`<p class="quiet">Stopped; what had come by then is kept.</p>`}
    ${turn.forgotten > 0 && html`<p class="quiet small">
      The first ${turn.forgotten} of this thread no longer fit into what the model can read, and were left out.</p>`}
    <div class="pair">${shown.map((answer) => html`<${Answer} key=${answer.model} answer=${answer} turn=${turn}
      streams=${streams} rate=${rate} />`)}</div>
    <div class="actions">
      ${(!draft || turn.over) && html`<${CopyButton} label="Copy all" text=${() => turnAsMarkdown(turn)} />`}
      ${children}
    </div>
  </div>`;
}

function Answer({ answer, turn, streams, rate }) {
  const { model, text, seconds, error, refused, calculation, cut, stopped, citations = [] } = answer;
  const name = NAMES[model] ?? model;
  const draft = turn.began !== undefined;
  const writing = draft && !turn.over && seconds === null && !error;
  const id = `${turn.id}-${model}`;
  return html`<article class="answer ${model}" aria-busy=${writing} aria-labelledby=${id}>
    <header>
      <h3 id=${id}>${name}</h3>
      <span class="quiet small">${seconds !== null && seconds !== undefined && duration(seconds)}</span>
    </header>
    ${answer.who && html`<p class="who quiet small">${answer.who}</p>`}
    <${Warnings} lines=${answer.warnings} small />
    ${refused && html`<p><strong>No answer.</strong></p>`}
    <${LongText} text=${text} writing=${writing} label=${`${name}'s answer`} />
    ${calculation && html`<p class="quiet">${calculation}</p>`}
    ${writing && html`<${Writing} current=${turn} started=${text !== ""} streams=${streams && !model.endsWith("documents")} />`}
    ${cut && html`<p class="cut small">Cut off at ${turn.parameters.max_new_tokens} tokens, the longest answer set.</p>`}
    ${stopped && html`<p class="cut small">Stopped before its end.</p>`}
    ${error && html`<${Problem} error=${error} />`}
    ${draft && turn.over && !text && !error && html`<p class="quiet">No answer came.</p>`}
    ${citations.length > 0 && html`<${Sources} citations=${citations} />`}
    ${text && !writing && html`<footer class="actions">
      ${rate && html`<${Rating} answer=${answer} rate=${rate} name=${name} />`}
      <${CopyButton} text=${() => text} />
    </footer>`}
  </article>`;
}

/** Thumbs, and a note for oneself. */
function Rating({ answer: { model, thumb, note }, rate, name }) {
  const [writing, setWriting] = useState(false);
  const [text, setText] = useState(note ?? "");
  const keep = (change) => rate({ model, thumb, note, ...change });
  const press = (word) => keep({ thumb: thumb === word ? "" : word });
  const save = async (event) => {
    event.preventDefault();
    if (await keep({ note: text })) setWriting(false);
  };
  const button = (word, label) => html`<button type="button" class="plain thumb ${word}" aria-pressed=${thumb === word}
    aria-label=${`${label}: ${name}`} title=${label} onClick=${() => press(word)}><${Thumb} /></button>`;
  return html`
    ${button("up", "Good answer")}${button("down", "Poor answer")}
    ${writing
      ? html`<form class="note" onSubmit=${save}>
          <label for=${`note-${model}`} class="unseen">Note on the answer</label>
          <textarea id=${`note-${model}`} rows="2" maxlength="2000" value=${text}
            onInput=${({ target }) => setText(target.value)}></textarea>
          <button>Keep the note</button>
        </form>`
      : html`<button type="button" class="plain" onClick=${() => setWriting(true)}>${note ? "Change note" : "Note"}</button>`}
    ${note && !writing && html`<p class="said small">${note}</p>`}`;
}

function Thumb() {
  return html`<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" fill="currentColor">
    <path d="M2 10h4v11H2zM8 21V10l5-8c1.500 0 2.500 1 2.500 2.500L14.500 9H20c1.200 0 2 1 1.800 2.200l-1.500 8C20.100 20.300 19.300 21 18.300 21z" /></svg>`;
}

/** Text of any length in a window that follows the end while it grows, unless the reader has scrolled up. */
function LongText({ text, writing = false, label }) {
  const box = useRef(null);
  const follows = useRef(true);
  useEffect(() => {
    if (writing && follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, writing]);
  const scrolled = ({ target }) => {
    follows.current = target.scrollHeight - target.scrollTop - target.clientHeight < 24;
  };
  return html`<div class="text" role="group" aria-label=${label} tabindex="0"
    ref=${box} onScroll=${scrolled}>${text}</div>`;
}

/** How long it has taken so far; and that nothing came for a while, which is no reason to give up. */
function Writing({ current: { began, heard }, started, streams }) {
  const now = useNow(1);
  const silent = (now - heard) / 1000;
  const waiting = streams ? "Waiting for the first word" : "Waiting for the whole answer";
  return html`<p class="quiet small writing">
    ${started ? "Writing" : waiting}, ${elapsed((now - began) / 1000)} so far.
    ${streams && silent > SILENCE_SECONDS &&
      html` Nothing new for ${elapsed(silent)}; the connection is still open.`}</p>`;
}

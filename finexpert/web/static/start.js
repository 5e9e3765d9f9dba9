// The start: what this is, who answers, and three steps with their state.
import { html } from "./lib.js";
import { Problem, RunLink, Waiting, Warnings } from "./parts.js";
import { usePolled } from "./polling.js";

const PAUSE_SECONDS = 15;
const WORDS = {
  asleep: "The models are asleep. Your question wakes them, after a price and a yes.",
  waking: "The models are waking.",
  awake: "The models are awake.",
  going_to_sleep: "The models are going to sleep.",
  failed: "The models are off: the last change failed.",
};

export function Start({ session, hosting: { endpoint }, shelf }) {
  const { data, error } = usePolled("/runs", () => PAUSE_SECONDS);
  const documents = shelf.data?.documents.length ?? 0;
  const runs = data?.runs ?? [];
  return html`
    <section class="card" aria-labelledby="what-title">
      <h2 id="what-title">An expert in your own financial text</h2>
      <p>Train a language model on your text, see in figures whether it got better, and ask it. Or ask your documents:
        each answer shows the page it stands on.</p>
      <${WhoAnswers} endpoint=${endpoint} />
    </section>
    ${error && html`<${Problem} error=${error} quiet />`}
    ${!data && !error && html`<${Waiting}>Looking …</${Waiting}>`}
    <ol class="steps">
      <${Step} number="1" title="Bring text or documents" done=${runs.length > 0 || documents > 0}
        state=${broughtWords(runs, documents)}>
        <a class=${runs.length ? "button" : "button primary"} href="#/train">Bring text</a>
        <a class="button" href="#/documents">Add documents</a>
        <a class="button" href="#/train/example">Use the example company</a>
      </${Step}>
      <${Step} number="2" title="Train" done=${runs.some(({ outcome }) => outcome === "accepted")}
        state=${html`<${Trained} runs=${runs} />`}>
        <a class="button" href="#/train">Train</a>
        <a class="button" href="#/runs">See the models</a>
        <a class="button" href="#/questions">Your own questions</a>
      </${Step}>
      <${Step} number="3" title="Ask" done=${endpoint?.state === "awake"} state=${WORDS[endpoint?.state] ?? ""}>
        <a class=${runs.length || documents ? "button primary" : "button"} href="#/ask">Ask</a>
        <a class="button" href="#/money">What it costs</a>
      </${Step}>
    </ol>`;
}

/** The models behind the endpoint, each with what a reader must know of it. */
export function WhoAnswers({ endpoint }) {
  if (!endpoint) return null;
  const warnings = [...new Set(endpoint.answerers.flatMap((each) => each.warnings))];
  const tuned = endpoint.answerers.find(({ model }) => model === "tuned");
  const who = tuned?.run ? tuned : endpoint.answerers[0];
  return html`
    <p><strong>Who answers:</strong> ${who.description}${who.run ? ", beside the base model." : "."}
      ${tuned?.run === "" && " Nothing has been trained and accepted yet."}
      ${!tuned && " The base model answers alone."}</p>
    <${Warnings} lines=${warnings} />`;
}

function Step({ number, title, done, state, children }) {
  return html`<li class=${done ? "card step done" : "card step"}>
    <h2><span class="number" aria-hidden="true">${done ? html`<${Check} />` : number}</span> ${title}
      <span class="unseen">${done ? " (done)" : " (open)"}</span></h2>
    <p class="quiet">${state}</p>
    <div class="actions">${children}</div>
  </li>`;
}

/** A tick, drawn: not every font has one. */
function Check() {
  return html`<svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="3">
    <path d="M5 13l5 5L19 7" /></svg>`;
}

function broughtWords(runs, documents) {
  const read = documents === 1 ? "1 document can be asked." : `${documents} documents can be asked.`;
  const texts = runs.length > 0
    ? "Text was brought; more can be added."
    : "No text yet. It is checked and priced before anything is paid for.";
  return [texts, documents > 0 && read].filter(Boolean).join(" ");
}

function Trained({ runs: [newest] }) {
  if (!newest) return "Nothing has been trained yet.";
  const link = html`<${RunLink} name=${newest.name} title=${newest.title} />`;
  if (newest.status === "RUNNING") return html`Under way: ${link}.`;
  if (newest.outcome === "accepted") return html`Better than the base model, and accepted: ${link}.`;
  if (newest.outcome) return html`Not shown to be better than the base model: ${link}.`;
  return html`The newest run did not finish: ${link}.`;
}

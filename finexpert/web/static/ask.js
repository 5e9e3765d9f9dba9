// Asking: a thread of questions, the answers of models and documents side by side, and the history.
import { Turn } from "./answer.js";
import { expectation, waitWords } from "./endpoint.js";
import { hourly } from "./format.js";
import { html, useEffect, useRef, useState } from "./lib.js";
import { Problem } from "./parts.js";
import { useNow, usePolled } from "./polling.js";
import { defaults, numbers, refusal, Sampling } from "./sampling.js";
import { History, ThreadHeading } from "./threads.js";

const FEW_CHARACTERS = 200;
const WARM = "0.7";
const FOLLOW_UPS = { Shorter: "Say that again, but shorter.", "As a table": "Write that as a table." };

/** The tab: `id` is the thread of the address; `route` changes with every address. */
export function Ask({ session, asking, hosting, id, route, documents }) {
  useEffect(() => { if (id) asking.show(id); }, [route]);
  return html`
    <${Thread} session=${session} asking=${asking} />
    <${Composer} session=${session} asking=${asking} documents=${documents}
      label=${asking.thread.id ? "Your next question" : "Your question, or the beginning of a sentence"} />
    ${asking.queued && html`<${Queued} asking=${asking} hosting=${hosting} />`}
    <${History} asking=${asking} local=${session.on.kind === "local"} />`;
}

/** The open thread with what is being answered. */
export function Thread({ session, asking }) {
  const { thread, current, problem } = asking;
  const earlier = thread.turns.filter(({ id }) => id !== current?.id);
  const kept = thread.turns.find(({ id }) => id === current?.id);
  const turns = current ? [...earlier, shownOf(current, kept)] : earlier;
  if (turns.length === 0 && !problem) return null;
  return html`<section class="thread" aria-label="Thread">
    ${thread.id && html`<${ThreadHeading} asking=${asking} />`}
    ${problem && html`<${Problem} error=${problem} />`}
    ${turns.map((turn, index) => html`<${Turn} key=${turn.id} turn=${turn} streams=${session.can.stream}
      rate=${turn.id === current?.id && !kept ? null : (rating) => asking.rate(turn.id, rating)}>
      ${index === turns.length - 1 && html`<${Further} turn=${turn} until=${beginOf(turns)} asking=${asking} />`}
    </${Turn}>`)}
  </section>`;
}

/** Where the last question was asked first: trying again knows no more than it did then. */
function beginOf(turns) {
  let begin = turns.length - 1;
  while (begin > 0 && turns[begin - 1].prompt === turns[begin].prompt) begin -= 1;
  return begin;
}

/** What was just answered, with the thumbs and notes of the turn that is kept. */
function shownOf(current, kept) {
  if (!kept) return current;
  const rated = ({ model }) => kept.answers.find((answer) => answer.model === model);
  return { ...current, answers: current.answers.map((answer) => ({
    ...answer, thumb: rated(answer)?.thumb, note: rated(answer)?.note,
  })) };
}

/** What can be asked next of the last answer, with one click. */
function Further({ turn, until, asking }) {
  if (turn.began !== undefined && !turn.over) return html`<button type="button" onClick=${asking.stop}>Stop</button>`;
  const sources = sourcesOf(turn);
  const { parameters } = turn;
  const ask = (prompt) => asking.submit({ prompt, parameters, sources: ["models"] }); // it means nothing to documents
  const warmer = parameters.temperature === 0;
  const other = { ...parameters, ...(warmer && { temperature: Number(WARM) }), seed: (parameters.seed ?? 0) + 1 };
  const again = () => asking.submit({
    prompt: turn.prompt, sources, until, parameters: sources.includes("models") && !turn.error ? other : parameters,
  });
  const label = turn.error || !sources.includes("models") ? "Ask again"
    : `Try again ${warmer ? `(temperature ${WARM})` : `(seed ${other.seed})`}`;
  return html`
    ${!turn.error && sources.includes("models") && Object.entries(FOLLOW_UPS).map(([name, prompt]) =>
      html`<button type="button" onClick=${() => ask(prompt)}>${name}</button>`)}
    <button type="button" onClick=${again}>${label}</button>`;
}

function sourcesOf({ answers }) {
  const names = answers.map(({ model }) => model);
  return [names.some((name) => name !== "documents") && "models", names.includes("documents") && "documents"]
    .filter(Boolean);
}

/**
 * A question with its settings.
 *
 * @param {boolean} documents whether there are documents, which may answer as well
 * @param {string[]|null} only the sources that are asked, where there is no choice
 * @param {{from: string, prompts: string[]}|null} examples null: beginnings of one's own held-out text
 */
export function Composer({ session, asking, documents, label, only = null, examples = null }) {
  const [prompt, setPrompt] = useState("");
  const [values, setValues] = useState(() => defaults(session.parameters));
  const [refused, setRefused] = useState(null);
  const [sources, setSources] = useState(["models", "documents"]);
  const busy = asking.current !== null && asking.current.over === null;
  const chosen = only ?? (documents ? sources : ["models"]);
  const most = session.limits.prompt_characters;
  const left = most - prompt.length;

  const submit = (text) => {
    const wrong = refusal(session.parameters, values);
    setRefused(wrong);
    if (wrong || busy || !text.trim() || chosen.length === 0) return;
    setPrompt("");
    asking.submit({ prompt: text, parameters: numbers(values), sources: chosen });
  };
  const send = (event) => {
    event.preventDefault();
    submit(prompt);
  };
  const key = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send(event);
  const toggle = (name) => setSources(sources.includes(name)
    ? sources.filter((each) => each !== name) : [...sources, name]);
  const source = (name, words) => html`<label class="check"><input type="checkbox" checked=${sources.includes(name)}
    onChange=${() => toggle(name)} /> ${words}</label>`;
  return html`<form class="card question" onSubmit=${send}>
    <label for="prompt">${label}</label>
    <textarea id="prompt" rows="3" maxlength=${most} value=${prompt} aria-describedby="prompt-help"
      onInput=${(event) => setPrompt(event.target.value)} onKeyDown=${key}></textarea>
    ${refused && html`<p class="notice bad" role="alert">${refused}</p>`}
    <div class="actions">
      <button class="primary" disabled=${busy || !prompt.trim() || chosen.length === 0}>
        ${busy ? "Asking …" : "Ask"}</button>
      ${!only && documents && html`${source("models", "both models")}${source("documents", "your documents")}`}
      <p id="prompt-help" class="quiet small"><span class="keys">or press Ctrl + Enter</span>
        ${left < FEW_CHARACTERS && html` ${left} characters left.`}</p>
    </div>
    ${!asking.thread.id && (examples
      ? html`<${Examples} examples=${examples} busy=${busy} ask=${submit} />`
      : html`<${HeldOut} busy=${busy} ask=${submit} />`)}
    ${!only && html`<${Sampling} known=${session.parameters} values=${values} change=${setValues}
      context=${session.limits.context_tokens} open=${refused !== null} />`}
  </form>`;
}

/** Beginnings of one's own text that the model has not seen. */
function HeldOut(props) {
  const { data } = usePolled("/prompts", () => null);
  return data && html`<${Examples} examples=${data} ...${props} />`;
}

function Examples({ examples: { from, prompts }, busy, ask }) {
  if (prompts.length === 0) return null;
  return html`<fieldset class="prompts">
    <legend>Try an example, from ${from}</legend>
    <div>${prompts.map((text) =>
      html`<button type="button" disabled=${busy} onClick=${() => ask(text)}>${text}</button>`)}</div>
  </fieldset>`;
}

const OFFERS = {
  asleep: "The models are asleep",
  going_to_sleep: "The models are going to sleep",
  failed: "The models are off: the last change failed",
};

/** The question that waits for the endpoint: to be woken, or to be ready. */
function Queued({ asking, hosting }) {
  const { endpoint, failure } = hosting;
  const { offered, prompt } = asking.queued;
  return html`<section class="notice waiting" aria-labelledby="queued-title">
    <h2 id="queued-title" tabindex="-1" ref=${useFocus(offered)}>
      ${offered ? (OFFERS[endpoint?.state] ?? OFFERS.asleep) : "Waiting to ask"}</h2>
    <blockquote>${prompt}</blockquote>
    ${failure && html`<${Problem} error=${failure} />`}
    ${offered
      ? html`<${Offer} asking=${asking} hosting=${hosting} />`
      : html`<${Wait} asking=${asking} endpoint=${endpoint} />`}
  </section>`;
}

function Offer({ asking, hosting: { endpoint, acting, wake } }) {
  const confirm = async () => (await wake()) && asking.confirm();
  const takes = endpoint && expectation(endpoint);
  return html`
    <p>Wake them, and your question is asked as soon as the models are ready.
      ${endpoint && html` Waking takes ${takes.value}, ${takes.children}.
        Awake they cost <strong>${hourly(endpoint.usd_per_hour)}</strong>.`}</p>
    <div class="actions">
      <button type="button" class="primary" disabled=${acting !== ""} onClick=${confirm}>
        Wake and ask</button>
      <button type="button" onClick=${asking.cancel}>Not now</button>
    </div>`;
}

function Wait({ asking, endpoint }) {
  const now = useNow(1);
  return html`
    <p>Your question is asked as soon as the models are awake. ${endpoint && waitWords(endpoint, now)}</p>
    <progress aria-label="Waiting for the endpoint"></progress>
    <div class="actions"><button type="button" onClick=${asking.cancel}>Cancel</button></div>`;
}

function useFocus(wanted) {
  const element = useRef(null);
  useEffect(() => {
    if (wanted) element.current?.focus();
  }, [wanted]);
  return element;
}

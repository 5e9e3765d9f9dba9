// The Ask tab: a question, the models' answers side by side as they are written, and what was asked before.
import { expectation, waitWords } from "./endpoint.js";
import { duration, elapsed, moment, usd } from "./format.js";
import { toCsv, toMarkdown } from "./history.js";
import { html, useEffect, useRef, useState } from "./lib.js";
import { Confirmed, CopyButton, download, Problem } from "./parts.js";
import { useNow } from "./polling.js";
import { defaults, Sampling } from "./sampling.js";

const NAMES = { base: "Base model", tuned: "Fine-tuned model" };
const SILENCE_SECONDS = 8;
const FEW_CHARACTERS = 200;

export function Ask({ session, asking, hosting }) {
  const { current, queued, history } = asking;
  const [prompt, setPrompt] = useState("");
  const [parameters, setParameters] = useState(() => defaults(session.parameters));
  const busy = current !== null && current.over === null;
  const submit = (text) => {
    setPrompt(text);
    if (text.trim()) asking.submit({ prompt: text, parameters });
  };
  return html`
    <${Question} session=${session} prompt=${prompt} setPrompt=${setPrompt} submit=${submit} busy=${busy}>
      <${Sampling} known=${session.parameters} values=${parameters} change=${setParameters} />
    </${Question}>
    ${queued && html`<${Queued} asking=${asking} hosting=${hosting} />`}
    ${current && html`<${Answers} current=${current} asking=${asking} streams=${session.can.stream} />`}
    ${history.length > 0 && html`<${History} entries=${history} asking=${asking} again=${submit} />`}`;
}

function Question({ session, prompt, setPrompt, submit, busy, children }) {
  const most = session.limits.prompt_characters;
  const left = most - prompt.length;
  const send = (event) => {
    event.preventDefault();
    submit(prompt);
  };
  const key = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send(event);
  const example = (text) =>
    html`<button type="button" disabled=${busy} onClick=${() => submit(text)}>${text}</button>`;
  return html`<form class="card question" onSubmit=${send}>
    <label for="prompt">Your question, or the beginning of a sentence</label>
    <textarea id="prompt" rows="3" maxlength=${most} value=${prompt} aria-describedby="prompt-help"
      onInput=${(event) => setPrompt(event.target.value)} onKeyDown=${key}></textarea>
    <div class="actions">
      <button class="primary" disabled=${busy || !prompt.trim()}>${busy ? "Asking …" : "Ask"}</button>
      <p id="prompt-help" class="quiet small">or press Ctrl + Enter
        ${left < FEW_CHARACTERS && html` ${left} characters left.`}</p>
    </div>
    <fieldset class="prompts">
      <legend>Try an example</legend>
      <div>${session.prompts.map(example)}</div>
    </fieldset>
    ${children}
  </form>`;
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
        Awake they cost <strong>${usd(endpoint.usd_per_hour)} an hour</strong>.`}</p>
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

function Answers({ current, asking, streams }) {
  const models = Object.keys(current.answers);
  const shown = !current.error || models.some((model) => current.answers[model].text);
  const failed = current.error && current.error.code !== "asleep"; // that one is offered to be woken
  const again = () => asking.submit(current);
  const section = useRef(null);
  useEffect(() => section.current.scrollIntoView({ block: "nearest" }), [current.began]);
  return html`<section aria-labelledby="answers-title" ref=${section}>
    <div class="heading">
      <h2 id="answers-title">Answers</h2>
      ${!current.over && html`<button type="button" onClick=${asking.stop}>Stop</button>`}
    </div>
    <blockquote>${current.prompt}</blockquote>
    ${failed && html`<${Problem} error=${current.error}>
      <button type="button" onClick=${again}>Ask again</button></${Problem}>`}
    ${current.stopped && html`<p class="quiet">Stopped; what had come by then is kept.</p>`}
    ${shown && html`<div class="pair">${models.map((model) =>
      html`<${Answer} key=${model} model=${model} current=${current} streams=${streams} />`)}</div>`}
  </section>`;
}

function Answer({ model, current, streams }) {
  const answer = current.answers[model];
  const name = NAMES[model] ?? model;
  const writing = !current.over && answer.seconds === null && !answer.error;
  return html`<article class="answer ${model}" aria-busy=${writing} aria-labelledby=${`answer-${model}`}>
    <header>
      <h3 id=${`answer-${model}`}>${name}</h3>
      <span class="quiet small">${answer.seconds !== null && duration(answer.seconds)}</span>
    </header>
    <${LongText} text=${answer.text} writing=${writing} label=${`${name}'s answer`} />
    ${writing && html`<${Writing} current=${current} started=${answer.text !== ""} streams=${streams} />`}
    ${answer.error && html`<${Problem} error=${answer.error} />`}
    ${current.over && !answer.text && !answer.error && html`<p class="quiet">No answer came.</p>`}
    ${answer.text && !writing && html`<footer><${CopyButton} text=${() => answer.text} /></footer>`}
  </article>`;
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

function History({ entries, asking, again }) {
  const name = `answers-${new Date().toISOString().slice(0, 10)}`;
  const markdown = () => download(`${name}.md`, "text/markdown", toMarkdown(entries));
  const csv = () => download(`${name}.csv`, "text/csv", toCsv(entries));
  return html`<section aria-labelledby="history-title">
    <div class="heading">
      <h2 id="history-title">History</h2>
      <div class="actions">
        <button type="button" onClick=${markdown}>Markdown</button>
        <button type="button" onClick=${csv}>CSV</button>
        <${Confirmed} label="Clear" question="Delete the whole history?" danger act=${asking.clear} />
      </div>
    </div>
    <p class="quiet small">Kept in this browser only, the newest 200.</p>
    <ul class="history">${entries.map((entry) =>
      html`<li key=${entry.id}><${Entry} entry=${entry} again=${again} remove=${asking.remove} /></li>`)}</ul>
  </section>`;
}

function Entry({ entry, again, remove }) {
  return html`<details>
    <summary>
      <span class="prompt">${entry.prompt}</span>
      <time class="quiet small" datetime=${entry.at}>${moment(entry.at)}</time>
    </summary>
    <div class="pair">${entry.answers.map((answer) => html`<${Said} ...${answer} />`)}</div>
    <div class="actions">
      <button type="button" onClick=${() => again(entry.prompt)}>Ask again</button>
      <${CopyButton} text=${() => toMarkdown([entry])} />
      <button type="button" class="plain" onClick=${() => remove(entry.id)}>Delete</button>
    </div>
  </details>`;
}

/** An answer of the history. */
function Said({ model, text, seconds }) {
  const name = NAMES[model] ?? model;
  return html`<article class="answer ${model}">
    <header><h3>${name}</h3><span class="quiet small">${duration(seconds)}</span></header>
    <${LongText} text=${text} label=${`${name}'s answer`} />
  </article>`;
}

function useFocus(wanted) {
  const element = useRef(null);
  useEffect(() => {
    if (wanted) element.current?.focus();
  }, [wanted]);
  return element;
}

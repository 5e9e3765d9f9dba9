// The history: threads by their names, found by words, exported, deleted; and the name of the open one.
import { call } from "./api.js";
import { toCsv, toMarkdown } from "./export.js";
import { moment } from "./format.js";
import { html, useEffect, useState } from "./lib.js";
import { Confirmed, CopyButton, download, Problem, useAttempt, Waiting } from "./parts.js";
import { usePolled } from "./polling.js";

const SEARCH_MS = 300;

/** The open thread's name and what can be done with it. */
export function ThreadHeading({ asking }) {
  const { thread } = asking;
  const [naming, setNaming] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    if (await asking.rename(naming)) setNaming(null);
  };
  const link = () => `${location.origin}${location.pathname}#/ask/${thread.id}`;
  if (naming !== null) {
    return html`<form class="joined" onSubmit=${save}>
      <label for="thread-name">Name of the thread</label>
      <input id="thread-name" maxlength="80" value=${naming} onInput=${({ target }) => setNaming(target.value)} />
      <button class="primary" disabled=${!naming.trim()}>Save</button>
      <button type="button" onClick=${() => setNaming(null)}>Cancel</button>
    </form>`;
  }
  const fresh = () => {
    asking.fresh();
    location.hash = "#/ask";
  };
  return html`<div class="heading">
    <h2 id="thread-title">${thread.name}</h2>
    <div class="actions">
      <button type="button" onClick=${fresh}>New thread</button>
      <button type="button" class="plain" onClick=${() => setNaming(thread.name)}>Rename</button>
      <${CopyButton} label="Copy link" text=${link} />
      <${Exports} threads=${async () => [thread]} name="thread" what="this thread" />
    </div>
  </div>`;
}

/** Threads as Markdown or CSV, put together when asked for. */
function Exports({ threads, name, what }) {
  const [error, attempt] = useAttempt();
  const save = (kind, type, write) => attempt(async () =>
    download(`${name}-${new Date().toISOString().slice(0, 10)}.${kind}`, type, write(await threads())));
  const button = (label, ...how) => html`<button type="button" class="plain" aria-label=${`${label} of ${what}`}
    onClick=${() => save(...how)}>${label}</button>`;
  return html`
    ${button("Markdown", "md", "text/markdown", toMarkdown)}${button("CSV", "csv", "text/csv", toCsv)}
    ${error && html`<${Problem} error=${error} />`}`;
}

/** All threads, newest first, or those that hold the words that are looked for. */
export function History({ asking, local }) {
  const [search, setSearch] = useState("");
  const wanted = useLater(search, SEARCH_MS);
  const { data, error, refresh } = usePolled(`/threads?${new URLSearchParams({ search: wanted })}`, () => null);
  useEffect(() => { if (asking.changes > 0) refresh(); }, [asking.changes, refresh]);
  const threads = data?.threads ?? [];
  const whole = () => Promise.all(threads.map(({ id }) => call(`/threads/${encodeURIComponent(id)}`)));
  if (data && threads.length === 0 && !search && !wanted) return null;
  return html`<section class="card" aria-labelledby="history-title">
    <div class="heading">
      <h2 id="history-title">History</h2>
      <div class="actions">
        <${Exports} threads=${whole} name="history" what="the history" />
        <${Confirmed} label="Clear" question="Delete the whole history?" danger act=${asking.clear} />
      </div>
    </div>
    <div class="field">
      <label for="history-search">Search</label>
      <input id="history-search" type="search" value=${search} maxlength="200"
        onInput=${({ target }) => setSearch(target.value)} />
    </div>
    ${error && html`<${Problem} error=${error} quiet />`}
    ${!data && !error && html`<${Waiting}>Looking …</${Waiting}>`}
    ${data && threads.length === 0 && html`<p class="quiet">Nothing holds these words.</p>`}
    <ul class="history">${threads.map((each) => html`<li key=${each.id}>
      <a href=${`#/ask/${each.id}`} aria-current=${each.id === asking.thread.id ? "true" : undefined}>${each.name}</a>
      <span class="quiet small">${each.turns === 1 ? "1 question" : `${each.turns} questions`}, ${moment(each.changed)}</span>
      <${Confirmed} label="Delete" question=${`Delete “${each.name.slice(0, 40)}”?`} danger
        act=${() => asking.remove(each.id)} />
    </li>`)}</ul>
    <p class="quiet small">${local
      ? "Kept on this machine, for you alone."
      : "Kept in this project's bucket, under your sign-in."} The newest 200 are listed.</p>
  </section>`;
}

/** A value once it has rested for some milliseconds. */
function useLater(value, milliseconds) {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return late;
}

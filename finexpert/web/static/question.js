// A question on its way: sent, streamed, or queued until the endpoint is awake. It lives beside the tabs, so
// that looking at another tab loses nothing, and the queue outlives a reload.
import { ask } from "./api.js";
import { load, save } from "./history.js";
import { useCallback, useEffect, useRef, useState } from "./lib.js";
import { announce } from "./parts.js";

const QUEUED = "finexpert.queued";
const REDRAW_MS = 60;

/**
 * @param {string[]} models whose answers are awaited
 * @param {string|undefined} state of the endpoint
 * @returns what the Ask tab shows and can do: `current` question, `queued` question, `history`
 */
export function useAsking(models, state) {
  const [current, setCurrent] = useState(null);
  const [queued, setQueued] = useState(() => JSON.parse(sessionStorage.getItem(QUEUED) ?? "null"));
  const [entries, setEntries] = useState(load);
  const running = useRef(null);
  const earlier = useRef(undefined);

  const requeue = useCallback((change) => setQueued((now) => {
    const next = change(now);
    sessionStorage.setItem(QUEUED, JSON.stringify(next));
    return next;
  }), []);
  const queue = useCallback((question) => requeue(() => question), [requeue]);

  const keep = useCallback((change) => setEntries((before) => save(change(before))), []);

  const send = useCallback(async (question) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const draft = begin(question, models);
    const show = throttled(() => running.current === controller && setCurrent({ ...draft }));
    show.now();
    announce(`Asking ${models.join(" and ")}.`);
    try {
      for await (const event of ask(question.prompt, question.parameters, controller.signal)) {
        take(draft, event);
        show();
      }
    } catch (error) {
      if (error.name !== "AbortError") draft.error = error;
      draft.stopped = error.name === "AbortError";
    }
    draft.over = Date.now();
    if (draft.error?.code === "asleep") queue({ ...question, offered: true });
    show.now();
    const said = Object.entries(draft.answers).filter(([, answer]) => answer.text);
    if (said.length === 0) return;
    announce(draft.stopped ? "Stopped." : `Answered by ${said.map(([model]) => model).join(" and ")}.`);
    keep((before) => [entryOf(draft, said), ...before]);
  }, [models.join(), queue, keep]);

  // What is known of the endpoint may be older than the server's "asleep": that must not ask again at once.
  useEffect(() => {
    const woke = state === "awake" && earlier.current !== "awake";
    earlier.current = state;
    if (queued && (woke || (state === "awake" && !queued.offered))) {
      queue(null);
      send(queued);
    }
  }, [queued, state, queue, send]);

  const submit = useCallback((question) => {
    if (state && state !== "awake") queue({ ...question, offered: state !== "waking" });
    else send(question);
  }, [state, queue, send]);

  return {
    current,
    queued,
    history: entries,
    submit,
    stop: () => running.current?.abort(),
    confirm: () => requeue((now) => now && { ...now, offered: false }), // it may have been asked meanwhile
    cancel: () => queue(null),
    remove: (id) => keep((before) => before.filter((entry) => entry.id !== id)),
    clear: () => keep(() => []),
  };
}

function begin({ prompt, parameters }, models) {
  const answers = Object.fromEntries(models.map((model) => [model, nothingYet()]));
  const now = Date.now();
  return { prompt, parameters, answers, began: now, heard: now, over: null, error: null, stopped: false };
}

function nothingYet() {
  return { text: "", seconds: null, error: null };
}

/** One event of the stream into the draft; an error without a model concerns the whole question. */
function take(draft, { event, model, text, seconds, error }) {
  draft.heard = Date.now();
  const answer = model && (draft.answers[model] ??= nothingYet());
  if (event === "text") answer.text = text;
  if (event === "answer") Object.assign(answer, { text, seconds });
  if (event === "error" && answer) answer.error = error;
  else if (event === "error") draft.error = error;
}

function entryOf({ prompt, parameters, began, over }, said) {
  const all = (over - began) / 1000;
  const answers = said.map(([model, { text, seconds }]) => ({ model, text, seconds: seconds ?? all }));
  return { id: crypto.randomUUID(), at: new Date(began).toISOString(), prompt, parameters, answers };
}

/** Tokens come faster than a reader needs them drawn. */
function throttled(draw) {
  let timer = null;
  const now = () => {
    clearTimeout(timer);
    timer = null;
    draw();
  };
  return Object.assign(() => { timer ??= setTimeout(now, REDRAW_MS); }, { now });
}

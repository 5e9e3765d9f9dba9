// The open thread, and a question on its way: sent, streamed, or queued until the endpoint is awake. It lives
// beside the tabs, so that looking at another tab loses nothing, and the queue outlives a reload.
import { ask, call } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./lib.js";
import { announce } from "./parts.js";

const QUEUED = "finexpert.queued";
const REDRAW_MS = 60;
const WITH_DOCUMENTS = "-with-documents";
const EMPTY = { id: null, name: "", turns: [] };

/**
 * A question is {prompt, parameters, sources, until}: `sources` holds "models" and "documents"; `until` is the
 * number of turns that the models know of, all of them where it is missing.
 *
 * @param {string[]} models whose answers are awaited
 * @param {object|null} endpoint its document
 * @returns what the tabs show and can do: the open `thread`, `current` and `queued` question
 */
export function useAsking(models, endpoint) {
  const [thread, setThread] = useState(EMPTY);
  const [current, setCurrent] = useState(null);
  const [queued, setQueued] = useState(() => JSON.parse(sessionStorage.getItem(QUEUED) ?? "null"));
  const [problem, setProblem] = useState(null);
  const [changes, setChanges] = useState(0);
  const running = useRef(null);
  const place = useRef(0); // grows whenever another thread is opened
  const keeping = useRef(Promise.resolve()); // a question that follows must know the answer before it
  const earlier = useRef(undefined);
  const open = useRef(thread);
  open.current = thread;
  const known = useRef(endpoint);
  known.current = endpoint;
  const state = endpoint?.state;

  const requeue = useCallback((change) => setQueued((now) => {
    const next = change(now);
    sessionStorage.setItem(QUEUED, JSON.stringify(next));
    return next;
  }), []);
  const queue = useCallback((question) => requeue(() => question), [requeue]);

  /** Change the open thread on the server; its answer is the thread as it is kept. */
  const change = useCallback(async (path, json) => {
    setProblem(null);
    try {
      const kept = await call(`/threads/${path}`, { method: "POST", json });
      setChanges((count) => count + 1);
      return kept;
    } catch (error) {
      setProblem(error);
      return null;
    }
  }, []);

  const keep = useCallback(async (id, turn, at) => {
    const kept = await change(`${id}/turns`, turn);
    if (!kept || place.current !== at) return;
    open.current = kept;
    setThread(kept);
    if (location.hash.startsWith("#/ask")) history.replaceState(null, "", `#/ask/${id}`);
  }, [change]);

  const send = useCallback(async (question) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const draft = begin(question, models);
    const show = throttled(() => running.current === controller && setCurrent({ ...draft }));
    show.now();
    const names = draft.answers.map(({ model }) => model);
    announce(`Asking ${names.join(" and ")}.`);
    await keeping.current;
    name(draft, (known.current ?? (await call("/endpoint").catch(() => null)))?.answerers ?? []);
    const at = place.current;
    const { id, turns } = open.current;
    const followed = id ? { thread: id, turns: question.until ?? turns.length } : {};
    const parts = [];
    if (question.sources.includes("models")) parts.push(fromModels(draft, followed, controller.signal, show));
    if (question.sources.includes("documents")) parts.push(fromDocuments(draft, turns, controller.signal, show));
    if (question.sources.length > 1) parts.push(fromPassages(draft, turns, controller.signal, show));
    await Promise.all(parts);
    draft.over = Date.now();
    if (draft.error?.code === "asleep") queue({ ...question, offered: true });
    show.now();
    const said = draft.answers.filter(({ text }) => text);
    if (said.length === 0) return;
    announce(draft.stopped ? "Stopped." : `Answered by ${said.map(({ model }) => model).join(" and ")}.`);
    keeping.current = keep(id ?? crypto.randomUUID(), turnOf(draft, said), at);
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
    const waits = state && state !== "awake" && question.sources.includes("models");
    if (waits) queue({ ...question, offered: state !== "waking" });
    else send(question);
  }, [state, queue, send]);

  const leave = useCallback(() => {
    place.current += 1;
    running.current?.abort();
    running.current = null;
    setCurrent(null);
    setProblem(null);
  }, []);

  const show = useCallback(async (id) => {
    if (id === open.current.id) return;
    leave();
    try {
      setThread(await call(`/threads/${encodeURIComponent(id)}`));
    } catch (error) {
      setThread(EMPTY);
      setProblem(error);
    }
  }, [leave]);

  const fresh = useCallback(() => {
    leave();
    setThread(EMPTY);
  }, [leave]);

  const replace = async (path, json) => {
    const kept = await change(`${thread.id}/${path}`, json);
    if (kept) setThread(kept);
    return kept !== null;
  };

  return {
    thread,
    current,
    queued,
    problem,
    changes,
    submit,
    show,
    fresh,
    stop: () => running.current?.abort(),
    confirm: () => requeue((now) => now && { ...now, offered: false }), // it may have been asked in the meantime
    cancel: () => queue(null),
    rename: (name) => replace("name", { name }),
    rate: (turn, rating) => replace(`turns/${turn}/rating`, rating),
    remove: async (id) => {
      if ((await change(`${id}/remove`, {})) && id === open.current.id) fresh();
    },
    clear: async () => {
      if (await change("clear", {})) fresh();
    },
  };
}

function begin({ prompt, parameters, sources }, models) {
  const both = sources.length > 1;
  const asked = [sources.includes("documents") && ["documents"], sources.includes("models") && models,
    both && [`${models.at(-1)}${WITH_DOCUMENTS}`]];
  const answers = asked.filter(Boolean).flat().map(nothingYet);
  const now = Date.now();
  return {
    id: crypto.randomUUID(), prompt, parameters, sources, answers,
    began: now, heard: now, over: null, error: null, stopped: false, forgotten: 0,
  };
}

function nothingYet(model) {
  return { model, text: "", seconds: null, error: null, who: "", warnings: [] };
}

/** Say of each answer who gives it. */
function name({ answers }, answerers) {
  for (const answer of answers) {
    const who = answerers.find(({ model }) => model === answer.model.replace(WITH_DOCUMENTS, ""));
    if (who) Object.assign(answer, { who: who.description, warnings: who.warnings });
  }
}

/** What base and tuned model answer, while it is written. */
async function fromModels(draft, followed, signal, show) {
  try {
    for await (const event of ask({ prompt: draft.prompt, parameters: draft.parameters, ...followed }, signal)) {
      take(draft, event);
      show();
    }
  } catch (error) {
    if (error.name !== "AbortError") draft.error = error;
    draft.stopped = error.name === "AbortError";
  }
}

/** What the documents say; a follow-up keeps company and period of the last answer from them. */
async function fromDocuments(draft, turns, signal, show) {
  const answer = draft.answers.find(({ model }) => model === "documents");
  await fromShelf("ask", draft, answer, turns, signal);
  show();
}

/** What a model answers from the passages found; figures that stand in none of them are struck. */
async function fromPassages(draft, turns, signal, show) {
  const answer = draft.answers.find(({ model }) => model.endsWith(WITH_DOCUMENTS));
  const found = await fromShelf("read", draft, answer, turns, signal);
  if (found?.reason && !found.refused) answer.warnings = [...answer.warnings, `${found.reason}.`];
  show();
}

async function fromShelf(path, draft, answer, turns, signal) {
  const last = turns.flatMap((turn) => turn.answers).findLast(({ model }) => model === "documents");
  const began = Date.now();
  try {
    const parameters = path === "read" && { parameters: draft.parameters };
    const json = { question: draft.prompt, previous: last?.filter, ...parameters };
    const found = await call(`/documents/${path}`, { method: "POST", json, signal });
    const { refused, calculation, filter, citations, cut, note } = found;
    Object.assign(answer, { text: found.answer || found.reason, refused, calculation, filter, citations, cut });
    if (note) answer.warnings = [...(answer.warnings ?? []), note];
    answer.seconds = (Date.now() - began) / 1000;
    return found;
  } catch (error) {
    if (error.name === "AbortError") draft.stopped = true;
    else if (error.code !== "asleep") answer.error = error; // the models say so themselves
  }
}

/** One event of the stream into the draft; an error without a model concerns the whole question. */
function take(draft, { event, model, text, seconds, cut, error, forgotten }) {
  draft.heard = Date.now();
  let answer = model && draft.answers.find((each) => each.model === model);
  if (model && !answer) draft.answers.push((answer = nothingYet(model)));
  if (event === "text") answer.text = text;
  if (event === "answer") Object.assign(answer, { text, seconds, cut });
  if (event === "end") draft.forgotten = forgotten;
  if (event === "error" && answer) answer.error = error;
  else if (event === "error") draft.error = error;
}

/** The turn as it is kept. */
function turnOf({ id, prompt, parameters, began, over, stopped }, said) {
  const answers = said.map(({ error, seconds, ...answer }) => ({
    ...answer,
    seconds: seconds ?? (over - began) / 1000,
    stopped: stopped && seconds === null,
  }));
  return { id, prompt, parameters, answers };
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

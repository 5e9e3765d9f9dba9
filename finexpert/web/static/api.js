// Calls of the page's own server: JSON in and out, answers to a question as a stream of lines.
import { forget, token } from "./auth.js";

/** What went wrong, as the server says it: `code`, `message`, `where`, `fix`, and `problems` of bad data. */
export class ApiError extends Error {
  constructor({ code, message, where = "", fix = "", problems = [] }) {
    super(message);
    Object.assign(this, { code, where, fix, problems });
  }
}

const GONE = {
  code: "gone",
  message: "The server behind this page does not answer.",
  fix:
    "Is this machine online? If you started the page with `finexpert web`: does that still run in its terminal?" +
    " The page goes on as soon as it is answered.",
};

const LATER = "Wait a moment, then try again.";

let refused = () => {};

/** `tell` is called whenever the server does not accept the token. */
export function onRefused(tell) {
  refused = tell;
}

/**
 * One request.
 *
 * @param {string} path below /api
 * @param {{method?: string, json?: object, body?: Blob, signal?: AbortSignal}} options
 * @throws {ApiError} with the server's own words, or code "gone" if it could not be reached
 */
export async function request(path, { method = "GET", json, body, signal } = {}) {
  const headers = { Authorization: `Bearer ${token()}` };
  if (json) headers["Content-Type"] = "application/json";
  // Else a text file goes through AWS's API as characters, and what is not UTF-8 in it is lost.
  else if (body) headers["Content-Type"] = "application/octet-stream";
  let answer;
  try {
    const sent = json ? JSON.stringify(json) : body;
    answer = await fetch(`/api${path}`, { method, headers, body: sent, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(GONE);
  }
  if (answer.ok) return answer;
  throw await errorOf(answer);
}

/** The JSON document that `request` brings. */
export async function call(path, options) {
  return (await request(path, options)).json();
}

/** A question's events, one after the other: {event: "text" | "answer" | "error" | "end", …}. */
export async function* ask(question, signal) {
  const answer = await request("/ask", { method: "POST", json: question, signal });
  let ended = false;
  try {
    for await (const event of lines(answer.body)) {
      ended ||= event.event === "end";
      yield event;
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(GONE);
  }
  if (!ended) throw new ApiError({ ...GONE, message: "The connection ended before the answers did." });
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const whole = (rest + (value ?? "")).split("\n");
    rest = done ? "" : whole.pop();
    for (const line of whole) if (line.trim()) yield JSON.parse(line);
    if (done) return;
  }
}

async function errorOf(answer) {
  if (answer.status === 401) {
    forget();
    refused();
  }
  try {
    const document = await answer.json();
    if (document.error) return new ApiError(document.error);
  } catch {
    // not from our API: what stands before it (a gateway) answered in its own words
  }
  if (answer.status === 429) {
    return new ApiError({ code: "throttled", message: "The server takes no more just now.", fix: LATER });
  }
  const message = `The server answered with status ${answer.status}.`;
  return new ApiError({ code: "unavailable", message, fix: LATER });
}

// The questions asked before, kept in this browser only, and what they are exported as. Model output is data
// here: nothing of it may become markup in Markdown, or a formula in a spreadsheet.

const KEY = "finexpert.history";
const MOST = 200;

/** Entries, newest first: {id, at, prompt, parameters, answers: [{model, text, seconds}]}. */
export function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** Keep the newest entries; when the browser's space is used up, half of them. Returns what is kept. */
export function save(entries) {
  for (let kept = entries.slice(0, MOST); ; kept = kept.slice(0, Math.floor(kept.length / 2))) {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
      return kept;
    } catch (error) {
      if (kept.length === 0) return kept;
    }
  }
}

/** Entries as a Markdown document; prompts and answers are fenced, so they show as they are. */
export function toMarkdown(entries) {
  const parts = entries.map(({ at, prompt, parameters, answers }) =>
    [
      `## ${at}`,
      fenced(prompt),
      `Settings: ${settings(parameters)}`,
      ...answers.map((answer) => `### ${answer.model} (${answer.seconds.toFixed(1)} s)\n\n${fenced(answer.text)}`),
    ].join("\n\n"),
  );
  return ["# Questions and answers", ...parts].join("\n\n") + "\n";
}

/** Entries as CSV (RFC 4180), a line an answer. */
export function toCsv(entries) {
  const rows = entries.flatMap(({ at, prompt, parameters, answers }) => {
    const chosen = settings(parameters);
    return answers.map(({ model, text, seconds }) => [at, prompt, model, text, seconds.toFixed(2), chosen]);
  });
  const head = ["asked", "prompt", "model", "answer", "seconds", "settings"];
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** A cell in quotes. What a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises. */
function cell(value) {
  const text = String(value);
  const harmless = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}

/** A fence longer than any that the text holds itself. */
function fenced(text) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

function settings(parameters) {
  return Object.entries(parameters).map(([name, value]) => `${name}=${value}`).join(" ");
}

// Threads as files. What models write is data here: nothing of it may become markup in Markdown, or a formula
// in a spreadsheet.

/** Threads as a Markdown document; questions and answers are fenced, so they show as they are. */
export function toMarkdown(threads) {
  const parts = threads.flatMap(({ name, turns }) => [`# ${oneLine(name)}`, ...turns.map(turnAsMarkdown)]);
  return parts.join("\n\n") + "\n";
}

/** One question with its answers as Markdown. */
export function turnAsMarkdown({ at, prompt, parameters, answers }) {
  return [
    `## ${at ?? "Question"}`,
    fenced(prompt),
    Object.keys(parameters).length > 0 && `Settings: ${settings(parameters)}`,
    ...answers.map(answerAsMarkdown),
  ].filter(Boolean).join("\n\n");
}

function answerAsMarkdown({ model, who, text, seconds, cut, warnings = [], citations = [], thumb, note }) {
  const took = seconds === undefined ? "" : ` (${seconds.toFixed(1)} s)`;
  const rated = [thumb && `Rated: ${thumb}`, note && `Note: ${oneLine(note)}`].filter(Boolean).join(". ");
  return [
    `### ${model}${took}`,
    who && oneLine(who),
    ...warnings.map(oneLine),
    fenced(text),
    cut && "Cut off: it reached its longest length.",
    citations.length > 0 && citations.map((each, n) => `Source ${n + 1}:\n\n${fenced(source(each))}`).join("\n\n"),
    rated,
  ].filter(Boolean).join("\n\n");
}

const COLUMNS = [
  ..."thread asked prompt model who answer cut seconds settings rating note sources".split(" "),
];

/** Threads as CSV (RFC 4180), a line an answer. */
export function toCsv(threads) {
  const rows = threads.flatMap(({ name, turns }) => turns.flatMap(({ at, prompt, parameters, answers }) =>
    answers.map(({ model, who, text, cut, seconds, thumb, note, citations = [] }) => [
      name, at, prompt, model, who ?? "", text, cut ? "yes" : "no", seconds?.toFixed(2) ?? "",
      settings(parameters), thumb ?? "", note ?? "", citations.map(source).join("\n"),
    ])));
  return [COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Where a quote stands, and the quote. */
export function source({ document, page, text }) {
  return `${document}${page ? `, page ${page}` : ""}: ${text.trim()}`;
}

// What a spreadsheet may read as the beginning of a formula, in all widths and heights; and what it may skip.
const FORMULA = "[=+\\-@＝＋－＠﹦﹢﹣﹫−⁼⁺⁻₌₊₋]";
const SKIPPED = '[\\s"\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069]*';
const BEGINS = new RegExp(`^[\\t\\r\\n]|^${SKIPPED}${FORMULA}`);
const BEGINS_LATER = new RegExp(`([;|\\t\\r\\n\\v\\f\\x85\\u2028\\u2029])(${SKIPPED})(?=${FORMULA})`, "g");

/** A cell in quotes. What a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises: at
 * the cell's beginning, and behind every mark that a spreadsheet of another country takes for its end. */
function cell(value) {
  const inside = String(value).replace(BEGINS_LATER, "$1$2'");
  const harmless = BEGINS.test(inside) ? `'${inside}` : inside;
  return `"${harmless.replaceAll('"', '""')}"`;
}

/** A fence longer than any that the text holds itself. */
function fenced(text) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** Text on one line, with what Markdown takes for marks escaped. */
function oneLine(text) {
  return text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>#|!]/g, "\\$&");
}

function settings(parameters) {
  return Object.entries(parameters).map(([name, value]) => `${name}=${value}`).join(" ");
}

// Own questions with their right answers: typed or from a file, asked of the live models, and counted.
import { call } from "./api.js";
import { html, useEffect, useState } from "./lib.js";
import { announce, Problem, Table, useAttempt } from "./parts.js";
import { usePolled } from "./polling.js";

const ROWS = 10;
const KINDS = ".csv,.tsv,.json,.jsonl,.ndjson";
const EMPTY = { question: "", answer: "" };

export function Questions({ hosting }) {
  const { data, error } = usePolled("/questions", () => null);
  const [rows, setRows] = useState(null);
  const [problem, attempt] = useAttempt();
  const [kept, setKept] = useState(false);
  useEffect(() => { if (data) setRows(padded(data.questions)); }, [data]);
  if (error) return html`<${Problem} error=${error} />`;
  if (!rows) return null;
  const filled = rows.filter(({ question, answer }) => question.trim() || String(answer).trim());
  const change = (index, part) => {
    setKept(false);
    setRows(rows.map((row, place) => (place === index ? { ...row, ...part } : row)));
  };
  const save = async (event) => {
    event.preventDefault();
    const answer = await attempt(() => call("/questions", { method: "POST", json: { questions: filled } }));
    if (answer) {
      setRows(padded(answer.questions));
      setKept(true);
      announce("The questions are kept.");
    }
  };
  const read = async ({ target }) => {
    const [file] = target.files;
    target.value = "";
    const query = new URLSearchParams({ name: file.name });
    const found = await attempt(() => call(`/questions/read?${query}`, { method: "POST", body: file }));
    if (found) {
      setRows(padded([...filled, ...found.questions]));
      setKept(false);
    }
  };
  return html`
    <section class="card" aria-labelledby="questions-title">
      <h2 id="questions-title">Your own questions</h2>
      <p>Write ten questions with their right answers. Each new run is examined on them before and after, and never
        trained on them. You can also ask the live models now.</p>
      ${problem && html`<${Problem} error=${problem} />`}
      <form onSubmit=${save}>
        <ol class="own">${rows.map((row, index) => html`<li key=${index}>
          <label class="unseen" for=${`question-${index}`}>Question ${index + 1}</label>
          <input id=${`question-${index}`} placeholder="Question" value=${row.question} maxlength="2000"
            onInput=${({ target }) => change(index, { question: target.value })} />
          <label class="unseen" for=${`answer-${index}`}>Right answer ${index + 1}</label>
          <input id=${`answer-${index}`} placeholder="Right answer" value=${shown(row)} maxlength="500"
            readonly=${Boolean(row.choices)} onInput=${({ target }) => change(index, { answer: target.value })} />
        </li>`)}</ol>
        <div class="actions">
          <button class="primary" disabled=${kept}>${kept ? "Kept" : "Keep the questions"}</button>
          <button type="button" onClick=${() => setRows([...rows, EMPTY])}>One more row</button>
        </div>
      </form>
      <div class="field">
        <label for="questions-file">Or add them from a file: a table with the columns question and answer</label>
        <input id="questions-file" type="file" accept=${KINDS} onChange=${read} />
      </div>
    </section>
    ${data.questions.length + filled.length > 0 && html`<${AskNow} questions=${filled} hosting=${hosting} />`}`;
}

function padded(questions) {
  return [...questions, ...Array.from({ length: Math.max(0, ROWS - questions.length) }, () => EMPTY)];
}

function shown({ answer, choices }) {
  if (choices) return choices[answer];
  return Array.isArray(answer) ? answer.join("; ") : answer;
}

/** Put all questions to the live models, one after the other, and count the right answers. */
function AskNow({ questions, hosting: { endpoint } }) {
  const [graded, setGraded] = useState([]);
  const [asking, setAsking] = useState(false);
  const [problem, attempt] = useAttempt();
  const run = async () => {
    setAsking(true);
    setGraded([]);
    await attempt(async () => {
      for (const question of questions) {
        const { answers } = await call("/questions/ask", { method: "POST", json: { question } });
        setGraded((before) => [...before, { question: question.question, right: shown(question), ...sides(answers) }]);
      }
    });
    setAsking(false);
  };
  const awake = endpoint?.state === "awake";
  return html`<section class="card" aria-labelledby="now-title">
    <h2 id="now-title">How the live models do</h2>
    ${problem && html`<${Problem} error=${problem} />`}
    ${!awake && html`<p class="quiet">The models are asleep. <a href="#/endpoint">Wake them</a> to ask.</p>`}
    <div class="actions"><button type="button" disabled=${!awake || asking || questions.length === 0} onClick=${run}>
      ${asking ? `Asking ${graded.length + 1} of ${questions.length} …` : "Ask them now"}</button></div>
    ${graded.length > 0 && html`<${BeforeAfter} asked=${graded.length}
      base=${graded.filter(({ base_right }) => base_right).length}
      tuned=${graded.filter(({ tuned_right }) => tuned_right).length} /><${Answers} rows=${graded} />`}
  </section>`;
}

function sides(answers) {
  const of = (name) => answers.find(({ model }) => model === name);
  return {
    base: of("base")?.text ?? "–", base_right: of("base")?.outcome === "right",
    tuned: of("tuned")?.text ?? "–", tuned_right: of("tuned")?.outcome === "right",
  };
}

/** The headline: how many of the own questions are right before and after training. */
export function BeforeAfter({ asked, base, tuned }) {
  return html`<p class="headline" role="status">Your own questions: before <strong>${base}</strong>, after
    ${" "}<strong>${tuned}</strong> of ${asked}</p>`;
}

const COLUMNS = [
  { name: "Question", of: ({ question }) => question },
  { name: "Right", of: ({ right }) => right },
  { name: "Base model", of: ({ base, base_right }) => marked(base, base_right) },
  { name: "Fine-tuned", of: ({ tuned, tuned_right }) => marked(tuned, tuned_right) },
];

/** All questions with both answers. */
export function Answers({ rows }) {
  return html`<${Table} caption="Your own questions with both answers" columns=${COLUMNS} rows=${rows} />`;
}

function marked(text, right) {
  if (right === undefined) return text;
  return html`<span class="badge ${right ? "accepted" : "rejected"}">${right ? "right" : "wrong"}</span> ${text}`;
}

// The Costs tab: what is spent, how fast, how far the budget reaches, what it went to, and what the reaper
// decided.
import { about, duration, hourly, moment, span, usd } from "./format.js";
import { html, useMemo } from "./lib.js";
import { Bullets, Note, Problem, RunLink, Table, Tile, Waiting } from "./parts.js";
import { Plot } from "./plot.js";
import { usePolled } from "./polling.js";

const PAUSE_SECONDS = 30;
const POINTS_IN_TABLE = 40;
const NEAR = 0.8;
const HEADROOM = 1.15; // a projection far beyond the budget leaves the plot at its top
const SMALL = 0.2; // sums below this share of the limit are drawn larger, without the limit
const DAY = 86400;

export function Money({ local }) {
  const money = usePolled("/money", () => PAUSE_SECONDS);
  const told = usePolled("/decisions", () => PAUSE_SECONDS);
  return html`
    ${money.error && html`<${Problem} error=${money.error} quiet=${money.data !== null} />`}
    ${!money.data && !money.error && html`<${Waiting}>Adding up …</${Waiting}>`}
    ${money.data && html`
      <${Month} money=${money.data} local=${local} />
      <${Lines} lines=${money.data.lines} />`}
    <section class="card" aria-labelledby="decisions-title">
      <h2 id="decisions-title">What the idle reaper decided</h2>
      ${told.error && html`<${Problem} error=${told.error} quiet />`}
      ${told.data && html`<${Table} caption="Decisions of the idle reaper, newest first" columns=${DECISIONS}
        rows=${told.data.decisions} empty="None yet: it has not looked at an endpoint." />`}
    </section>`;
}

const DECISIONS = [
  { name: "When", of: ({ at, since }) => span(since, at) },
  { name: "Endpoint", of: ({ endpoint }) => endpoint },
  { name: "Decision", of: ({ action }) => html`<span class="badge ${action}">${action}</span>` },
  { name: "Why", of: ({ reason }) => reason },
];

const RUNNING = html` <span class="badge running">running</span>`;

const LINES = [
  { name: "What", of: ({ name, kind, title }) => (kind === "training" ? html`<${RunLink} name=${name} title=${title} />` : name) },
  { name: "Kind", of: ({ kind, running }) => [kind, running && RUNNING] },
  { name: "How it is calculated", of: ({ how }) => how },
  { name: "Dollars", of: ({ usd: amount }) => usd(amount), end: true },
];

function Lines({ lines }) {
  return html`<section class="card" aria-labelledby="lines-title">
    <h2 id="lines-title">Where it went</h2>
    <${Table} caption="What ran this month and what each cost" columns=${LINES} rows=${lines}
      empty="Nothing has run this month." />
  </section>`;
}

function Month({ money, local }) {
  const { spent_usd: spent, limit_usd: limit, budget_usd: budget } = money;
  const { burn_usd_per_hour: burn, projected_usd: projected } = money;
  const percent = budget ? Math.min(100, Math.round((spent / budget) * 100)) : 100;
  return html`<section class="card" aria-labelledby="month-title">
    <h2 id="month-title">${monthName(money.month)}</h2>
    ${money.note && html`<p class="quiet">${money.note}</p>`}
    ${spent >= limit && html`<${Reached} />`}
    <dl class="tiles">
      <${Tile} name=${local ? "Would have cost" : "Spent"} value=${usd(spent)}>
        of ${usd(budget)}, ${percent} %</${Tile}>
      <${Tile} name="Running now" value=${burn ? hourly(burn) : "$0"}>
        ${burn ? "as long as it runs" : "nothing runs that bills"}</${Tile}>
      <${Tile} name="Until the limit" value=${hoursWords(money.hours_to_limit)}>
        of ${usd(limit)}: everything stops there</${Tile}>
      <${Tile} name="By the month's end" value=${usd(projected)}>
        ${projected > limit ? "if nothing stopped it" : "if it goes on like this"}</${Tile}>
    </dl>
    <div class="meter" role="meter" aria-label="Share of the budget that is spent, in percent"
      aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent}>
      <div class=${fullness(spent / limit)} style=${{ width: `${percent}%` }}></div>
    </div>
    <${Course} money=${money} />
    ${money.unread.length > 0 &&
      html`<${Note} title="Not in the sum"><${Bullets} lines=${money.unread} /></${Note}>`}
  </section>`;
}

function Reached() {
  return html`<${Note} kind="bad" title="The budget is reached">
    <p>New runs are refused and the endpoint is put to sleep. Raise the setting budget_usd, or wait for the
      next month.</p></${Note}>`;
}

/** Spending over the month against the budget, and the same as a table. */
function Course({ money }) {
  const { history, budget_usd: budget, limit_usd: limit } = money;
  const small = Math.max(money.spent_usd, money.projected_usd) < SMALL * limit;
  const shown = small ? COURSE.slice(0, 2) : COURSE;
  const period = useMemo(() => periodOf(money), [money]);
  const data = useMemo(() => courseOf(money, period).slice(0, 1 + shown.length), [money, period, shown.length]);
  if (history.length === 0) {
    return html`<${Waiting}>Nothing to draw yet: the spend guard measures every few minutes.</${Waiting}>`;
  }
  const every = Math.ceil(history.length / POINTS_IN_TABLE);
  const rows = history.filter((_, index) => index % every === 0 || index === history.length - 1);
  const left = ({ spent_usd: spent }) => usd(Math.max(0, limit - spent));
  return html`
    <${Plot} key=${small} label=${courseWords(money)} data=${data} lines=${shown} format=${usd} time=${period}
      top=${HEADROOM * (small ? Math.max(money.projected_usd, money.spent_usd, 0.01) : Math.max(budget, money.spent_usd))} />
    <${Legend} values=${legendOf(money, small)} />
    <details><summary>Show as a table</summary>
      <${Table} caption="Spending over the month" rows=${rows} columns=${[
        { name: "When", of: ({ at }) => moment(at) },
        { name: "Spent", of: ({ spent_usd: spent }) => usd(spent), end: true },
        { name: "Left until the limit", of: left, end: true },
      ]} /></details>`;
}

/** The lines' names and values, each with the stroke that the plot draws. */
function Legend({ values }) {
  return html`<ul class="legend">${COURSE.map(({ label, color, dash = [] }, index) => html`<li>
    <svg width="30" height="8" aria-hidden="true"><line x1="0" y1="4" x2="30" y2="4" stroke=${`var(${color})`}
      stroke-width="2" stroke-dasharray=${dash.join(" ")} /></svg> ${label}: <strong>${values[index]}</strong></li>`)}</ul>`;
}

function legendOf({ spent_usd: spent, projected_usd: projected, limit_usd: limit, budget_usd: budget }, small) {
  const above = small ? ", above this plot" : "";
  return [usd(spent), `${usd(projected)} at the month's end`, usd(limit) + above, usd(budget) + above];
}

const COURSE = [
  { label: "Spent", color: "--accent", fill: "--accent-wash" },
  { label: "At today's pace", color: "--accent", dash: [6, 5] },
  { label: "Stopped at", color: "--warn", dash: [2, 4] },
  { label: "Budget", color: "--bad" },
];

function courseWords({ history, projected_usd: projected, limit_usd: limit, budget_usd: budget }) {
  const { at, spent_usd: spent } = history[history.length - 1];
  const bounds = `stopped at ${usd(limit)}, budget ${usd(budget)}`;
  return `Spending this month: ${usd(spent)} at ${moment(at)}, going towards ${usd(projected)}; ${bounds}.`;
}

/** Columns for the plot: times, spent, the projection from the last measurement on, limit, budget. */
function courseOf({ history, projected_usd: projected, limit_usd: limit, budget_usd: budget }, [begin, end]) {
  const measured = history.map(({ at, spent_usd: spent }) => [Date.parse(at) / 1000, spent])
    .filter(([at]) => at >= begin);
  const last = measured.length - 1;
  const times = [begin, ...measured.map(([at]) => Math.max(at, begin + 1)), end];
  const spent = [null, ...measured.map(([, amount]) => amount), null];
  const ahead = [null, ...measured.map(([, amount], index) => (index === last ? amount : null)), projected];
  return [times, spent, ahead, times.map(() => limit), times.map(() => budget)];
}

/** What is drawn of the month: from the day before the first dollar to its end. */
function periodOf({ month, history }) {
  const [begin, end] = monthOf(month);
  const first = history.find(({ spent_usd: spent }) => spent > 0) ?? history[0];
  return [Math.max(begin, (first ? Date.parse(first.at) / 1000 : begin) - DAY), end];
}

/** The first seconds of a month such as "2026-11" and of the next, in UTC, as AWS bills. */
function monthOf(month) {
  const [year, number] = month.split("-").map(Number);
  return [Date.UTC(year, number - 1, 1) / 1000, Date.UTC(year, number, 1) / 1000];
}

function monthName(month) {
  const words = { month: "long", year: "numeric", timeZone: "UTC" };
  return new Date(`${month}-01T00:00:00Z`).toLocaleString("en-GB", words);
}

function fullness(share) {
  if (share >= 1) return "over";
  return share >= NEAR ? "much" : "";
}

function hoursWords(hours) {
  if (hours === null) return "not reached at today's pace";
  if (hours <= 0) return "reached";
  return hours < 1 ? about(hours * 3600) : duration(hours * 3600);
}

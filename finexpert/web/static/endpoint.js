// The endpoint: asleep, waking, awake, going to sleep or failed; what it costs, and how long it stays.
import { call } from "./api.js";
import { about, duration, elapsed, hourly, moment, secondsSince, usd } from "./format.js";
import { html, useCallback, useEffect, useRef, useState } from "./lib.js";
import { announce, Note, Problem, RunLink, Tile, Waiting } from "./parts.js";
import { useNow, usePolled } from "./polling.js";
import { WhoAnswers } from "./start.js";

const WORDS = {
  asleep: "Asleep",
  waking: "Waking",
  awake: "Awake",
  going_to_sleep: "Going to sleep",
  failed: "Failed",
};
const MEANINGS = {
  asleep: "The models are switched off. Nothing is being charged.",
  waking: "The models are being started.",
  awake: "The models answer, and are charged by the hour.",
  going_to_sleep: "The models are being removed.",
  failed: "The last change did not succeed.",
};
const HOURS = [1, 2, 4, 8];
const MONEY_SECONDS = 60;

/** Seconds until the next look: a change is watched closely, a state that lasts is not. */
function pause(endpoint, local) {
  const changing = ["waking", "going_to_sleep"].includes(endpoint.state);
  if (changing) return local ? 1 : 5;
  return local ? 5 : 30;
}

/** The endpoint as it stands, and what may be done with it. `acting` names the action that was asked for. */
export function useEndpoint(local) {
  const { data, error, refresh } = usePolled("/endpoint", (endpoint) => pause(endpoint, local));
  const [changed, setChanged] = useState(null);
  const [acting, setActing] = useState("");
  const [failure, setFailure] = useState(null);
  const before = useRef(null);

  const act = useCallback(async (name, body) => {
    setActing(name);
    setFailure(null);
    try {
      setChanged({ over: data, document: await call(`/endpoint/${name}`, { method: "POST", json: body }) });
      await refresh();
      return true;
    } catch (problem) {
      setFailure(problem);
      return false;
    } finally {
      setActing("");
    }
  }, [data, refresh]);

  // What an action answered counts until the next look has brought something newer.
  const endpoint = changed && changed.over === data ? changed.document : data;
  useEffect(() => {
    const state = endpoint?.state ?? before.current;
    const changed = before.current !== null && before.current !== state;
    if (changed) announce(`The endpoint is ${WORDS[state].toLowerCase()}.`);
    // A model that was made need not answer: a wake ends with one question to each.
    if (changed && before.current === "waking" && state === "awake") act("finish", {});
    before.current = state;
  }, [endpoint?.state]);

  return {
    endpoint,
    error,
    acting,
    failure,
    refresh,
    wake: () => act("wake", { run: null }),
    sleep: () => act("sleep", {}),
    keep: (hours) => act("keep", { hours }),
  };
}

/** How long a wake under way will still take, as far as past wakes tell. */
export function waitWords({ wake_began: began, wake_seconds_expected: expected }, now) {
  if (!expected.seconds) return "This is the first wake, so how long it takes is not known.";
  const left = expected.seconds - secondsSince(began, now);
  if (left <= 0) return `It takes longer than usual (${duration(expected.seconds)}).`;
  return `Usually ready in ${about(left)}.`;
}

/** How long a wake takes from its beginning on, as a tile's properties. */
export function expectation({ wake_seconds_expected: { seconds, from } }) {
  if (!seconds) return { value: "some minutes", children: "the first wake" };
  return { value: about(seconds), children: `going by ${from}` };
}

/** The state in the page's header: a word, and the price while something bills. */
export function Pill({ endpoint }) {
  if (!endpoint) return null;
  const price = endpoint.state === "awake" ? ` · ${hourly(endpoint.usd_per_hour)}` : "";
  return html`<a class="pill ${endpoint.state}" href="#/endpoint" title=${MEANINGS[endpoint.state]}>
    <span class="unseen">Endpoint: </span>${WORDS[endpoint.state]}${price}</a>`;
}

/** The tab. */
export function Endpoint({ hosting, local }) {
  const { endpoint, error, failure } = hosting;
  if (!endpoint && error) return html`<${Problem} error=${error} />`;
  if (!endpoint) return html`<${Waiting}>Looking at the endpoint …</${Waiting}>`;
  const View = VIEWS[endpoint.state];
  return html`
    ${error && html`<${Problem} error=${error} quiet />`}
    ${failure && html`<${Problem} error=${failure} />`}
    <section class="card state ${endpoint.state}" aria-labelledby="endpoint-state">
      <h2 id="endpoint-state">${WORDS[endpoint.state]}</h2>
      <${View} ...${hosting} />
      <${WhoAnswers} endpoint=${endpoint} />
    </section>
    ${local && html`<p class="quiet small">
      Nothing is charged on the embedded cloud; prices are those of AWS.</p>`}`;
}

const VIEWS = {
  asleep: Asleep,
  failed: Asleep,
  waking: Waking,
  awake: Awake,
  going_to_sleep: GoingToSleep,
};

function Asleep({ endpoint, acting, wake }) {
  const possible = acting === "" && endpoint.can_wake;
  return html`
    ${endpoint.state === "failed"
      ? html`<${Note} kind="bad" title="The last change did not succeed"><p>${endpoint.reason}</p></${Note}>`
      : html`<p>The models are switched off. Nothing is being charged.</p>`}
    <dl class="tiles">
      <${Tile} name="Waking takes" ...${expectation(endpoint)} />
      <${Tile} name="Awake it costs" value=${hourly(endpoint.usd_per_hour)}>
        until it has been idle for a while, or you put it to sleep</${Tile}>
    </dl>
    <div class="actions">
      <button type="button" class="primary" disabled=${!possible} onClick=${wake}>Wake it</button>
      ${!endpoint.can_wake &&
        html`<span class="quiet">There is no model to serve yet: <a href="#/runs">start a run</a>.</span>`}
    </div>`;
}

function Waking({ endpoint }) {
  const now = useNow(1);
  const passed = secondsSince(endpoint.wake_began, now);
  const expected = endpoint.wake_seconds_expected.seconds;
  const share = expected ? Math.min(0.98, passed / expected) : undefined; // full means done, which it is not
  return html`
    <p>${waitWords(endpoint, now)}</p>
    <progress aria-label="Waking" max="1" value=${share}></progress>
    <p class="quiet">Since ${moment(endpoint.wake_began)}, ${elapsed(passed)} so far. ${served(endpoint)}</p>
    <p class="quiet">Awake it costs ${hourly(endpoint.usd_per_hour)}. You may leave this page; waking goes on.</p>`;
}

function Awake({ endpoint, acting, sleep, keep }) {
  const now = useNow(10);
  const spent = (endpoint.usd_per_hour * secondsSince(endpoint.awake_since, now)) / 3600;
  return html`
    <dl class="tiles">
      <${Tile} name="Costs" value=${hourly(endpoint.usd_per_hour)}>${usd(spent)} since ${moment(endpoint.awake_since)}</${Tile}>
      <${Tile} name="Sleeps" ...${sleepOf(endpoint, now)} />
    </dl>
    <p>${served(endpoint)}</p>
    <div class="actions">
      <${KeepAwake} acting=${acting} keep=${keep} price=${endpoint.usd_per_hour} />
      <button type="button" disabled=${acting !== ""} onClick=${sleep}>Put it to sleep</button>
    </div>`;
}

function GoingToSleep() {
  return html`
    <p>The endpoint is being removed. It bills until that is done, usually a minute or two.</p>
    <progress aria-label="Going to sleep"></progress>`;
}

/** Keep it awake, with what that costs and what the budget still bears. */
function KeepAwake({ acting, keep, price }) {
  const { data: money } = usePolled("/money", () => MONEY_SECONDS);
  const left = money && Math.max(0, money.limit_usd - money.spent_usd);
  const [hours, setHours] = useState(HOURS[0]);
  return html`<div class="joined">
    <label for="keep-hours">Keep awake for</label>
    <select id="keep-hours" value=${hours} onChange=${(event) => setHours(Number(event.target.value))}>
      ${HOURS.map((number) => html`<option value=${number}>${number} ${number === 1 ? "hour" : "hours"}</option>`)}
    </select>
    <button type="button" disabled=${acting !== ""} onClick=${() => keep(hours)}>Keep</button>
    <span class="small">${usd(hours * price)}${left !== null && ` of the ${usd(left)} left until the limit`}.
      ${left !== null && hours * price > left && html`
        <strong>The spend guard puts it to sleep after ${duration((left / price) * 3600)}.</strong>`}</span>
  </div>`;
}

/** When the idle reaper puts it to sleep, as a tile's properties. */
function sleepOf({ sleeps_at: at, kept_until: kept }, now) {
  if (kept === "always") return { value: "Never", children: "it is tagged to stay awake" };
  const value = at ? `in ${about(-secondsSince(at, now))}` : "when it is idle";
  const why = kept ? `kept awake until ${moment(kept)}` : "if no question comes until then";
  return { value, children: why };
}

function served({ run, models }) {
  if (run) return html`The fine-tuned model comes from <${RunLink} name=${run} />.`;
  return models.length === 1 ? `Only the ${models[0]} model is served.` : "";
}

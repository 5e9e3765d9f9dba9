// The page: who is asking, what this is about (the session), and which tab is shown.
import { arrive, signIn, signOut, token } from "./auth.js";
import { onRefused } from "./api.js";
import { Ask } from "./ask.js";
import { useAsking } from "./question.js";
import { Compare } from "./compare.js";
import { Documents } from "./documents.js";
import { Endpoint, Pill, useEndpoint } from "./endpoint.js";
import { html, render, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";
import { Questions } from "./questions.js";
import { Start } from "./start.js";
import { StartRun } from "./start_run.js";
import { Money } from "./money.js";
import { Problem, Waiting } from "./parts.js";
import { usePolled } from "./polling.js";
import { Runs } from "./runs.js";
import { RunView } from "./run_view.js";

const TABS = { start: "Start", ask: "Ask", documents: "Documents", runs: "Models", money: "Costs" };
/** Pages that belong to a tab and have no tab themselves, with their titles. */
const BELOW = {
  compare: ["runs", "Compare"],
  endpoint: ["runs", "Endpoint"],
  train: ["runs", "Train"],
  questions: ["runs", "Own questions"],
};

const AGAIN = "Try again. If it happens again, ask the person who deployed this page.";

function App({ auth, failure }) {
  const [known, setKnown] = useState(token() !== null);
  useEffect(() => onRefused(() => setKnown(false)), []);
  if (!known) return html`<${Frame}><${Stranger} auth=${auth} failure=${failure} /></${Frame}>`;
  return html`<${Opened} auth=${auth} />`;
}

function Opened({ auth }) {
  const { data: session, error } = usePolled("/session", () => null);
  if (session) return html`<${Tabs} session=${session} auth=${auth} />`;
  return html`<${Frame}>
    <h1 class="unseen">Financial Domain Expert</h1>
    ${error ? html`<${Problem} error=${error} />` : html`<${Waiting}>Loading …</${Waiting}>`}
  </${Frame}>`;
}

function Tabs({ session, auth }) {
  const local = session.on.kind === "local";
  const route = useRoute();
  const hosting = useEndpoint(local);
  const asking = useAsking(hosting.endpoint?.models ?? session.models, hosting.endpoint);
  const shelf = usePolled("/documents", () => null);
  const main = useMain(route);
  const tab = BELOW[route[0]]?.[0] ?? route[0];
  return html`<${Frame} tab=${tab} pill=${html`<${Pill} endpoint=${hosting.endpoint} />`}>
    <main id="main" class="wide" tabindex="-1" ref=${main}>
      <h1 class="unseen">${titleOf(route)}</h1>
      ${view(route, { session, hosting, asking, local, shelf })}
    </main>
    <footer class="wide quiet small">
      <p>${session.project} ${session.on.description}</p>
      ${auth.kind === "cognito" &&
        html`<button type="button" class="plain" onClick=${() => signOut(auth)}>Sign out</button>`}
    </footer>
  </${Frame}>`;
}

function view(route, { session, hosting, asking, local, shelf }) {
  const [name, ...rest] = route;
  const documents = shelf.data?.documents.length > 0;
  if (name === "start") return html`<${Start} session=${session} hosting=${hosting} shelf=${shelf} />`;
  if (name === "documents") return html`<${Documents} session=${session} asking=${asking} shelf=${shelf} />`;
  if (name === "train") {
    return html`<${StartRun} key=${rest[0]} limits=${session.limits} local=${local} example=${rest[0] === "example"} />`;
  }
  if (name === "questions") return html`<${Questions} hosting=${hosting} />`;
  if (name === "endpoint") return html`<${Endpoint} hosting=${hosting} local=${local} />`;
  if (name === "money") return html`<${Money} local=${local} />`;
  if (name === "runs" && rest.length === 0) return html`<${Runs} session=${session} hosting=${hosting} />`;
  if (name === "runs") return html`<${RunView} key=${rest[0]} name=${rest[0]} local=${local} hosting=${hosting} />`;
  if (name === "compare") return html`<${Compare} key=${rest.join("/")} a=${rest[0]} b=${rest[1]} />`;
  return html`<${Ask} session=${session} asking=${asking} hosting=${hosting} id=${rest[0]} route=${route}
    documents=${documents} />`;
}

function Frame({ tab, pill, children }) {
  const link = (name) =>
    html`<a href=${`#/${name}`} aria-current=${name === tab ? "page" : undefined}>${TABS[name]}</a>`;
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="bar"><div class="wide">
      <p class="brand">Financial <span class="wordy">Domain </span>Expert</p>
      ${tab && html`<nav aria-label="Parts of this page">${Object.keys(TABS).map(link)}</nav>`}
      ${pill}
    </div></header>
    ${tab ? children : html`<main id="main" class="wide" tabindex="-1">${children}</main>`}
    <p id="announcer" class="unseen" role="status"></p>`;
}

/** The fragment is the route, so the link moves the focus itself. */
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function Stranger({ auth, failure }) {
  if (auth.kind === "cognito") {
    return html`<section class="card narrow"><h1>Sign in</h1>
      <p>This page is for the people of this project.</p>
      ${failure && html`<${Problem} error=${{ code: "denied", message: failure, fix: AGAIN }} />`}
      <div class="actions">
        <button type="button" class="primary" onClick=${() => signIn(auth)}>Sign in</button>
      </div>
    </section>`;
  }
  return html`<section class="card narrow"><h1>Open the link from your terminal</h1>
    <p>Only the person who started this page can open it. <code>finexpert web</code> has printed a link that ends
      in <code>#token=…</code>: open that one.</p>
    <p class="quiet">Each start prints a new link.</p>
  </section>`;
}

/** The parts of the fragment: "#/runs/NAME" is ["runs", "NAME"]. */
function useRoute() {
  const [route, setRoute] = useState(routeOf(location.hash));
  // Before anything is shown: who follows a link at once must not be left where they are.
  useLayoutEffect(() => {
    const changed = () => setRoute(routeOf(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function routeOf(hash) {
  try {
    const parts = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
    return Object.hasOwn(TABS, parts[0]) || Object.hasOwn(BELOW, parts[0]) ? parts : ["start"];
  } catch {
    return ["start"]; // a broken escape in the address
  }
}

function titleOf([name]) {
  return TABS[name] ?? BELOW[name][1];
}

/** After a change of tab the focus is where the new content begins, and the title says which it is. */
function useMain(route) {
  const main = useRef(null), first = useRef(true), path = route.join("/");
  useEffect(() => {
    document.title = `${titleOf(route)} · Financial Domain Expert`;
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [path]);
  return main;
}

async function start() {
  const root = document.getElementById("app");
  let auth;
  try {
    ({ auth } = await (await fetch("/config.json")).json());
  } catch {
    root.textContent = "The server behind this page does not answer. Load the page again once it runs.";
    return;
  }
  const failure = await arrive(auth);
  // A new link pasted into this tab changes nothing but the fragment, which alone loads nothing.
  addEventListener("hashchange", () => location.hash.startsWith("#token=") && location.reload());
  root.textContent = "";
  render(html`<${App} auth=${auth} failure=${failure} />`, root);
}

start();

// The sampling settings of a question, folded away: what the models are asked with beside the prompt.
import { html } from "./lib.js";

const FIELDS = {
  max_new_tokens: { label: "Longest answer, in tokens", step: 1, help: "A token is about three quarters of a word." },
  temperature: { label: "Temperature", step: 0.05, help: "0 takes the likeliest word each time; higher is more surprising." },
  top_p: { label: "Top p", step: 0.05, help: "Only the likeliest words that together have this share.", sampled: true },
  seed: { label: "Seed", step: 1, help: "The same seed gives the same answer again.", sampled: true },
};

/** The values that a session's document gives as defaults. */
export function defaults(known) {
  return Object.fromEntries(Object.entries(known).map(([name, { default: value }]) => [name, value]));
}

export function Sampling({ known, values, change }) {
  const set = (name, value) => change({ ...values, [name]: value });
  const changed = Object.keys(known).filter((name) => values[name] !== known[name].default);
  return html`<details class="sampling">
    <summary>Sampling settings${changed.length > 0 && html` <span class="quiet">(${changed.length} changed)</span>`}</summary>
    <div class="fields">
      ${Object.keys(FIELDS).filter((name) => known[name]).map((name) => html`<${NumberField} key=${name} name=${name} bounds=${known[name]}
        value=${values[name]} unused=${FIELDS[name].sampled && values.temperature === 0} set=${set} />`)}
    </div>
    <div class="actions"><button type="button" disabled=${changed.length === 0} onClick=${() => change(defaults(known))}>Back to the defaults</button></div>
  </details>`;
}

function NumberField({ name, bounds, value, unused, set }) {
  const { label, step, help } = FIELDS[name];
  const input = (event) => event.target.validity.valid && event.target.value !== "" && set(name, Number(event.target.value));
  return html`<div class="field">
    <label for=${`p-${name}`}>${label}</label>
    <input id=${`p-${name}`} type="number" min=${bounds.min} max=${bounds.max} step=${step} value=${value} required
      disabled=${unused} aria-describedby=${`p-${name}-help`} onInput=${input} />
    <p id=${`p-${name}-help`} class="quiet small">${help} ${bounds.min} to ${bounds.max}.</p>
  </div>`;
}

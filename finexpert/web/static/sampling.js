// The sampling settings of a question, folded away: what the models are asked with beside the prompt.
import { html } from "./lib.js";

const FIELDS = {
  max_new_tokens: {
    label: "Longest answer, in tokens",
    step: 1,
    help: "A token is about three quarters of a word.",
  },
  temperature: {
    label: "Temperature",
    step: 0.05,
    help: "0 takes the likeliest word each time; higher is more surprising.",
  },
  top_p: {
    label: "Top p",
    step: 0.05,
    help: "Choose among the likeliest words that add up to this share.",
    sampled: true,
  },
  seed: { label: "Seed", step: 1, help: "The same seed gives the same answer again.", sampled: true },
};

/** The values that a session's document gives as defaults. */
export function defaults(known) {
  return Object.fromEntries(Object.entries(known).map(([name, { default: value }]) => [name, value]));
}

export function Sampling({ known, values, change }) {
  const changed = Object.keys(known).filter((name) => values[name] !== known[name].default).length;
  const field = (name) => html`<${NumberField} key=${name} name=${name} bounds=${known[name]} value=${values[name]}
    unused=${FIELDS[name].sampled && values.temperature === 0}
    set=${(value) => change({ ...values, [name]: value })} />`;
  return html`<details class="sampling">
    <summary>Sampling settings${changed > 0 && html` <span class="quiet">(${changed} changed)</span>`}</summary>
    <div class="fields">${Object.keys(FIELDS).map(field)}</div>
    <div class="actions">
      <button type="button" disabled=${changed === 0} onClick=${() => change(defaults(known))}>
        Back to the defaults</button>
    </div>
  </details>`;
}

/** A number within its bounds; what lies outside is marked and not taken. */
function NumberField({ name, bounds: { min, max }, value, unused, set }) {
  const { label, step, help } = FIELDS[name];
  const input = ({ target }) => target.validity.valid && set(Number(target.value));
  return html`<div class="field">
    <label for=${`p-${name}`}>${label}</label>
    <input id=${`p-${name}`} type="number" min=${min} max=${max} step=${step} value=${value} required
      disabled=${unused} aria-describedby=${`p-${name}-help`} onInput=${input} />
    <p id=${`p-${name}-help`} class="quiet small">${help} ${min} to ${max}.</p>
  </div>`;
}

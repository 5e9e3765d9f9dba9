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

/** The values that a session's document gives as defaults, as they stand in the fields. */
export function defaults(known) {
  return Object.fromEntries(Object.entries(known).map(([name, { default: value }]) => [name, String(value)]));
}

/** The first value that cannot be used, in a sentence; null where all can. Nothing is put in its place. */
export function refusal(known, values) {
  const wrong = Object.keys(FIELDS).find((name) => !fits(name, known[name], values[name]));
  if (!wrong) return null;
  const { min, max } = known[wrong];
  const kind = FIELDS[wrong].step === 1 ? "a whole number" : "a number";
  return `${FIELDS[wrong].label}: “${values[wrong]}” cannot be used. It must be ${kind} from ${min} to ${max}.`;
}

/** The values as numbers. */
export function numbers(values) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
}

function fits(name, { min, max }, value) {
  const number = Number(value);
  const whole = FIELDS[name].step !== 1 || Number.isInteger(number);
  return value.trim() !== "" && Number.isFinite(number) && whole && min <= number && number <= max;
}

export function Sampling({ known, values, change, context, open }) {
  const changed = Object.keys(known).filter((name) => Number(values[name]) !== known[name].default).length;
  const field = (name) => html`<${NumberField} key=${name} name=${name} bounds=${known[name]} value=${values[name]}
    unused=${FIELDS[name].sampled && Number(values.temperature) === 0}
    set=${(value) => change({ ...values, [name]: value })} />`;
  return html`<details class="sampling" open=${open}>
    <summary>Sampling settings${changed > 0 && html` <span class="quiet">(${changed} changed)</span>`}</summary>
    <p class="quiet small">Question and answer together may have ${context} tokens: that is what this model can read.</p>
    <div class="fields">${Object.keys(FIELDS).map(field)}</div>
    <div class="actions">
      <button type="button" disabled=${changed === 0} onClick=${() => change(defaults(known))}>
        Back to the defaults</button>
    </div>
  </details>`;
}

/** A number within its bounds; one outside stays as it was typed and is marked, and asking is refused. */
function NumberField({ name, bounds: { min, max }, value, unused, set }) {
  const { label, step, help } = FIELDS[name];
  const wrong = !fits(name, { min, max }, value);
  return html`<div class="field">
    <label for=${`p-${name}`}>${label}</label>
    <input id=${`p-${name}`} inputmode=${step === 1 ? "numeric" : "decimal"} value=${value} disabled=${unused}
      aria-invalid=${wrong} aria-describedby=${`p-${name}-help`} onInput=${({ target }) => set(target.value)} />
    <p id=${`p-${name}-help`} class="quiet small">${help} ${min} to ${max}.</p>
  </div>`;
}

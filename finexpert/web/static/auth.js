// Who is asking: locally a token from the link that `finexpert web` prints, deployed a Cognito sign-in
// (authorization code with PKCE, RFC 7636). What is kept lies in sessionStorage: it ends with the tab.

const TOKEN = "finexpert.token";
const PENDING = "finexpert.signing-in";

/** A fresh PKCE verifier: 43 characters, 256 bits. */
export function newVerifier() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The S256 challenge of a verifier: base64url(SHA-256(verifier)). */
export async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/** Cognito's address to send the browser to; `domain` is that of its sign-in pages, with https://. */
export function authorizeUrl({ domain, client_id }, redirectUri, { challenge, state }) {
  const query = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: redirectUri,
    scope: "openid",
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  return `${domain}/oauth2/authorize?${query}`;
}

/** The token to send, or null when there is none or it has run out. */
export function token() {
  const kept = JSON.parse(sessionStorage.getItem(TOKEN) ?? "null");
  return kept && (kept.until === null || kept.until > Date.now()) ? kept.token : null;
}

/** Forget the token: the server did not take it, or the reader signs out. */
export function forget() {
  sessionStorage.removeItem(TOKEN);
}

/**
 * Take over what the address brings: `#token=…` of the local link, or `?code=…` from Cognito. The address
 * is cleaned at once, so that neither stays in the history.
 *
 * @returns {Promise<string|null>} why signing in failed, or null
 */
export async function arrive(auth) {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (fragment.has("token")) {
    keep(fragment.get("token"), null);
    history.replaceState(null, "", `${location.pathname}#/start`);
  }
  const answer = new URLSearchParams(location.search);
  if (auth.kind !== "cognito" || !(answer.has("code") || answer.has("error"))) return null;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", `${location.pathname}${pending?.back || "#/start"}`);
  if (!pending || pending.state !== answer.get("state")) return "The answer belongs to another sign-in.";
  if (answer.has("error")) return answer.get("error_description") ?? answer.get("error");
  return redeem(auth, answer.get("code"), pending.verifier);
}

/** Send the browser to Cognito's sign-in. */
export async function signIn(auth) {
  const pending = { verifier: newVerifier(), state: newVerifier(), back: location.hash }; // a link to a thread
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const challenge = await challengeOf(pending.verifier);
  location.assign(authorizeUrl(auth, here(), { challenge, state: pending.state }));
}

/** End the session here and at Cognito. */
export function signOut(auth) {
  forget();
  const query = new URLSearchParams({ client_id: auth.client_id, logout_uri: here() });
  location.assign(`${auth.domain}/logout?${query}`);
}

async function redeem(auth, code, verifier) {
  const form = {
    grant_type: "authorization_code",
    client_id: auth.client_id,
    redirect_uri: here(),
    code,
    code_verifier: verifier,
  };
  try {
    const answer = await fetch(`${auth.domain}/oauth2/token`, {
      method: "POST",
      body: new URLSearchParams(form),
    });
    if (!answer.ok) return `The sign-in service refused the code (status ${answer.status}).`;
    const { access_token, expires_in } = await answer.json();
    keep(access_token, Date.now() + expires_in * 1000);
    return null;
  } catch {
    return "The sign-in service did not answer.";
  }
}

function keep(value, until) {
  sessionStorage.setItem(TOKEN, JSON.stringify({ token: value, until }));
}

function here() {
  return location.origin + location.pathname;
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

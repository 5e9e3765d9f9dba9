// Reads documents that change on the server again and again, as long as the page is visible.
import { useCallback, useEffect, useRef, useState } from "./lib.js";
import { call } from "./api.js";

const RETRY_SECONDS = 2;
const LONGEST_SECONDS = 60;
/** Errors that stay the same however often one asks. */
const FINAL = ["not_found", "not_here", "bad_input"];

/**
 * Read `path` now, and again after the pause that `pause` gives. Nothing is read while the page is hidden, so
 * that a deployed page in a forgotten tab costs nothing. After an error the last document stays, and the pauses grow.
 *
 * @param {string} path below /api
 * @param {(document: object) => number|null} pause seconds until the next look; null: it is final
 * @returns {{data: object|null, error: ApiError|null, refresh: () => Promise<void>}}
 */
export function usePolled(path, pause) {
  const [state, setState] = useState({ path, data: null, error: null });
  const wanted = useRef(pause);
  wanted.current = pause;
  const again = useRef(async () => {});

  useEffect(() => {
    let timer, left = false, ended = false, failures = 0, data = null;
    const look = async () => {
      const { found, error } = await call(path).then((found) => ({ found }), (error) => ({ error }));
      if (left) return;
      data = found ?? data;
      failures = error ? failures + 1 : 0;
      setState({ path, data, error: error ?? null });
      const seconds = error ? retryAfter(error, failures) : wanted.current(data);
      ended = seconds === null;
      clearTimeout(timer);
      if (!ended && !document.hidden) timer = setTimeout(look, seconds * 1000);
    };
    const seen = () => (document.hidden ? clearTimeout(timer) : ended || look());
    document.addEventListener("visibilitychange", seen);
    again.current = look;
    look();
    return () => {
      left = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [path]);

  const refresh = useCallback(() => again.current(), []);
  const current = state.path === path ? state : { data: null, error: null };
  return { data: current.data, error: current.error, refresh };
}

function retryAfter(error, failures) {
  return FINAL.includes(error.code) ? null : Math.min(LONGEST_SECONDS, RETRY_SECONDS * 2 ** (failures - 1));
}

/** The time in milliseconds, renewed every `seconds`: for what counts down on the screen. */
export function useNow(seconds) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}

// Documents that change on the server, read again and again while somebody looks at the page.
import { useCallback, useEffect, useRef, useState } from "./lib.js";
import { call } from "./api.js";

const LONGEST = 60;

/**
 * Read `path` now and then every so many seconds. Nothing is read while the page is hidden: a deployed page
 * that nobody looks at must not cost anything. After an error the last document stays, and the pauses grow.
 *
 * @param {string|null} path below /api; null reads nothing
 * @param {(document: object|null) => number|null} pause seconds until the next look; null: no other
 * @returns {{data: object|null, error: ApiError|null, refresh: () => Promise<void>}}
 */
export function usePolled(path, pause) {
  const [state, setState] = useState({ path, data: null, error: null });
  const wanted = useRef(pause);
  wanted.current = pause;
  const again = useRef(async () => {});

  useEffect(() => {
    if (!path) return undefined;
    let timer, over = false, failures = 0, data = null;
    const look = async () => {
      clearTimeout(timer);
      try {
        data = await call(path);
        failures = 0;
        if (!over) setState({ path, data, error: null });
      } catch (error) {
        failures += 1;
        if (!over) setState({ path, data, error });
        if (error.code === "not_found") return;
      }
      const seconds = wanted.current(data);
      if (over || document.hidden || seconds === null) return;
      clearTimeout(timer);
      timer = setTimeout(look, 1000 * (failures ? Math.min(LONGEST, Math.max(2, seconds) * 2 ** (failures - 1)) : seconds));
    };
    const seen = () => (document.hidden ? clearTimeout(timer) : look());
    document.addEventListener("visibilitychange", seen);
    again.current = look;
    look();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [path]);

  const refresh = useCallback(() => again.current(), []);
  const current = state.path === path ? state : { data: null, error: null };
  return { data: current.data, error: current.error, refresh };
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

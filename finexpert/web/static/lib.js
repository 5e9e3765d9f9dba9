// The one place that names the libraries: preact draws, htm lets templates be written without a build step.
import { h, render } from "preact";
import htm from "htm";

export { render };
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
export const html = htm.bind(h);

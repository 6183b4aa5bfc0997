// What stands behind "?" in the address: filters and choices, so that a page can be shared as it is.

import { useEffect, useRef, useState } from "preact/hooks";
import { MOVED } from "./route";

const VALUE_MAX = 200;

/** What the address says of a name; empty where it says nothing. */
export type Query = (name: string) => string;

/** The parts of the address, and a way to change them: an empty value takes one out. */
export function useQuery(): [Query, (parts: Record<string, string>) => void] {
  const [text, setText] = useState(location.search);
  const now = useRef(text);
  now.current = text;
  useEffect(() => {
    const moved = () => setText(location.search);
    addEventListener("popstate", moved);
    addEventListener(MOVED, moved);
    return () => {
      removeEventListener("popstate", moved);
      removeEventListener(MOVED, moved);
    };
  }, []);
  const read = new URLSearchParams(text);
  const change = (parts: Record<string, string>) => {
    now.current = changedQuery(now.current, parts);
    setText(now.current);
    try {
      history.replaceState(null, "", location.pathname + now.current);
    } catch {
      // A browser refuses when it is changed too often; the page itself is as it was asked to be.
    }
  };
  return [name => (read.get(name) ?? "").slice(0, VALUE_MAX), change];
}

/** A query with parts of it changed. */
export function changedQuery(text: string, parts: Record<string, string>): string {
  const next = new URLSearchParams(text);
  for (const [name, value] of Object.entries(parts)) {
    if (value) next.set(name, value.slice(0, VALUE_MAX));
    else next.delete(name);
  }
  const whole = next.toString();
  return whole && `?${whole}`;
}

// Which page is shown: the address in the browser says it, and links change it without loading.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface Place {
  /** The first part of the path: "" for the first page. */
  page: string;
  /** The address or signature that a page of one thing is about. */
  of: string;
}

const ONE = /^[1-9A-HJ-NP-Za-km-z]{32,88}$/;
/** Told to the window when a link of ours was followed. */
export const MOVED = "pw-moved";

export function placeOf(path: string): Place {
  const [page = "", of = "", ...more] = path.split("/").slice(1);
  const whole = more.length === 0 && (of === "" || ONE.test(of));
  return whole ? { page, of } : { page: "nowhere", of: "" };
}

/** Whether a text may be an address: only then a link leads anywhere. */
export const isAddress = (text: string): boolean => ONE.test(text);

export function go(to: string): void {
  if (to !== location.pathname + location.search) history.pushState(null, "", to);
  dispatchEvent(new Event(MOVED));
  scrollTo(0, 0);
}

export function usePlace(): Place {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const moved = () => setPath(location.pathname);
    addEventListener("popstate", moved);
    addEventListener(MOVED, moved);
    return () => {
      removeEventListener("popstate", moved);
      removeEventListener(MOVED, moved);
    };
  }, []);
  return placeOf(path);
}

type Linked = Omit<JSX.IntrinsicElements["a"], "href" | "onClick"> & { to: string; children: ComponentChildren };

/** A link to another page of ours. */
export function A({ to, children, ...more }: Linked) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return <a {...more} href={to} onClick={follow}>{children}</a>;
}

// What was chosen in a table, opened above it: it takes the focus, and Escape closes it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Panel({ title, close, children }: { title: ComponentChildren; close: () => void; children: ComponentChildren }) {
  const own = useRef<HTMLDivElement>(null);
  const from = useRef<Element | null>(null);
  useEffect(() => {
    from.current = document.activeElement;
    own.current?.focus();
  }, []);
  const shut = () => {
    const around = own.current?.closest<HTMLElement>("section");
    close();
    // Back to the button that opened it, or, where that is gone, to what it was in.
    if (from.current instanceof HTMLElement && from.current.isConnected) from.current.focus();
    else if (around) {
      around.tabIndex = -1;
      around.focus();
    }
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    shut();
  };
  return (
    <div class="panel" tabIndex={-1} ref={own} onKeyDown={pressed}>
      <div class="bar"><h3>{title}</h3><button type="button" class="plain small" onClick={shut}>Close</button></div>
      {children}
    </div>
  );
}

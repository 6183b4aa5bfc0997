// Small parts that several pages use.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { LABEL_MAX, plain, short, webLink } from "./text";

const COPIED_SHOWN_MS = 1500;

/** A button that copies a text whole, and says so. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => setSaid(""), COPIED_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("copied");
    } catch {
      // Without TLS only this machine may use the clipboard.
      setSaid("not allowed here");
    }
  };
  return (
    <span class="copying">
      <button type="button" class="copy" onClick={() => void copy()} aria-label={`copy ${what}`}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="M5 5V2.5h8.5V11H11M2.5 5H11v8.5H2.5z" fill="none" stroke="currentColor" stroke-width="1.4" />
        </svg>
      </button>
      <span class="said" role="status">{said}</span>
    </span>
  );
}

/** A mint: its ends, its whole as a title, and a button that copies it. */
export function MintOf({ mint }: { mint: string }) {
  const whole = plain(mint, LABEL_MAX);
  return (
    <span class="mint">
      <code title={whole}>{short(mint)}</code>
      <Copy text={whole} what="mint" />
    </span>
  );
}

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return <span class="command"><code>{text}</code><Copy text={text} what="command" /></span>;
}

/** A link to another site, or its text where a browser must not follow it. */
export function Away({ to, children }: { to: string; children: ComponentChildren }) {
  const address = webLink(to);
  if (address === null) return <span>{children}</span>;
  return <a href={address} target="_blank" rel="noopener noreferrer external">{children}</a>;
}

/** A text from the chain or from a person, kept from turning what stands beside it. */
export function Said({ text, max }: { text: string; max?: number }) {
  return <bdi>{plain(text, max)}</bdi>;
}

export interface Column { name: string; number?: boolean }

/** A table that scrolls by itself where it is wider than the page. */
export function Table({ label, columns, rows, none, keys }: {
  label: string; columns: Column[]; rows: ComponentChildren[][]; none: string;
  /** What each row is about, where rows change places: what stands in one stays with it. */
  keys?: string[];
}) {
  if (!rows.length) return <p class="none">{none}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${label}: the table`}>
      <table>
        <thead><tr>{columns.map(one => <th scope="col" class={one.number ? "n" : ""}>{one.name}</th>)}</tr></thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={keys?.[row]}>{cells.map((cell, at) => <td class={columns[at]?.number ? "n" : ""}>{cell}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

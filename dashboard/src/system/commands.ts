// Commands for a person to copy. What comes from outside goes into one only where a shell reads it as
// one word: a source may call itself what it likes.

import type { GapView } from "../api";

const WORD = /^[a-z0-9_][a-z0-9_-]{0,31}$/;
const PLAIN_URL = /^[A-Za-z0-9:/._~-]+$/;
const PLACEHOLDER = "URL";

/** `source:epoch:first-last`, by which a gap is filled; null where no command could name it. */
export function gapId(gap: GapView): string | null {
  const numbers = [gap.epoch, gap.first_missing_slot, gap.last_missing_slot];
  if (!WORD.test(gap.source) || !numbers.every(one => Number.isSafeInteger(one) && one >= 0)) return null;
  return `${gap.source}:${gap.epoch}:${gap.first_missing_slot}-${gap.last_missing_slot}`;
}

/** A node's address as one word of a shell; a placeholder for what is none. */
export function nodeWord(text: string): string {
  const address = text.trim();
  if (!/^https?:\/\/[^\s]+$/.test(address) || !URL.canParse(address) || /[\u0000-\u001f\u007f]/.test(address)) return PLACEHOLDER;
  return PLAIN_URL.test(address) ? address : `'${address.replace(/'/g, "'\\''")}'`;
}

export const fillFromNode = (pw: string, id: string, node: string): string => `${pw} backfill --gap ${id} --rpc ${nodeWord(node)}`;
export const fillFromCaptures = (pw: string, id: string): string => `${pw} backfill --gap ${id} --capture FILE`;

// The line of a token's last hour: where each minute's last price lies in a small picture.

import type { Candle } from "../api";

export const WIDTH = 96;
export const HEIGHT = 28;
const EDGE = 2;
export const MINUTE_MS = 60_000;

export interface Line {
  /** As an SVG polyline takes them. */
  points: string;
  direction: "up" | "down" | "flat";
  first: number;
  last: number;
  /** Minutes in which it was traded. */
  minutes: number;
}

/** The first open and the closes of the minutes that begin from `firstMs` up to `endMs`; null where
 *  there is none. Where nobody traded the line goes on straight to the next close, and after the
 *  last one level up to the end. */
export function lineOf(candles: Candle[], firstMs: number, endMs: number): Line | null {
  const within = candles
    .filter(one => Number.isFinite(one.open) && Number.isFinite(one.close) && one.begin_ms >= firstMs && one.begin_ms <= endMs)
    .sort((a, b) => a.begin_ms - b.begin_ms);
  const [begin] = within;
  const end = within.at(-1);
  if (begin === undefined || end === undefined) return null;
  // Two prices may lie further apart than a number can say: halves cannot.
  const halves = [begin.open / 2, ...within.map(one => one.close / 2)];
  const low = Math.min(...halves);
  const height = Math.max(...halves) - low;
  const span = Math.max(MINUTE_MS, endMs - firstMs);
  const x = (ms: number): number => EDGE + (WIDTH - 2 * EDGE) * Math.min(1, Math.max(0, (ms - firstMs) / span));
  const y = (half: number): number => (height > 0 ? HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * ((half - low) / height) : HEIGHT / 2);
  // A close is the price at the end of its minute.
  const times = [begin.begin_ms, ...within.map(one => one.begin_ms + MINUTE_MS)];
  const points = halves.map((half, at) => [x(times[at]!), y(half)] as const);
  points.push([WIDTH - EDGE, y(end.close / 2)]);
  return {
    points: points.map(([left, top]) => `${left.toFixed(1)},${top.toFixed(1)}`).join(" "),
    direction: end.close > begin.open ? "up" : end.close < begin.open ? "down" : "flat",
    first: begin.open, last: end.close, minutes: within.length,
  };
}

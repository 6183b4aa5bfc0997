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

/** The closes of the minutes that begin from `firstMs` up to `endMs`; null where there is none. A
 *  minute without a trade has the price of the one before, up to the end of the picture. */
export function lineOf(candles: Candle[], firstMs: number, endMs: number): Line | null {
  const within = candles
    .filter(one => Number.isFinite(one.close) && one.begin_ms >= firstMs && one.begin_ms <= endMs)
    .sort((a, b) => a.begin_ms - b.begin_ms);
  const [begin] = within;
  const end = within.at(-1);
  if (begin === undefined || end === undefined) return null;
  // Two prices may lie further apart than a number can say: halves cannot.
  const halves = within.map(one => one.close / 2);
  const low = Math.min(...halves);
  const height = Math.max(...halves) - low;
  const span = Math.max(MINUTE_MS, endMs - firstMs);
  const x = (ms: number): number => EDGE + (WIDTH - 2 * EDGE) * Math.min(1, Math.max(0, (ms - firstMs) / span));
  const y = (half: number): number => (height > 0 ? HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * ((half - low) / height) : HEIGHT / 2);
  const points = within.map((one, at) => [x(one.begin_ms), y(halves[at]!)] as const);
  points.push([WIDTH - EDGE, y(end.close / 2)]);
  return {
    points: points.map(([left, top]) => `${left.toFixed(1)},${top.toFixed(1)}`).join(" "),
    direction: end.close > begin.close ? "up" : end.close < begin.close ? "down" : "flat",
    first: begin.close, last: end.close, minutes: within.length,
  };
}

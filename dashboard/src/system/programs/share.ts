// A share of a whole in percent. What is there is never shown as nothing.

const TWO = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const LEAST = 0.0001;

/** 0..1 as percent; "–" where there is no whole. */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return "–";
  if (share > 0 && share < LEAST) return "<0.01 %";
  return `${TWO.format(100 * share)} %`;
}

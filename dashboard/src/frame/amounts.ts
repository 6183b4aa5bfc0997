// Prices and amounts as traders write them. Raw units come as text, since they may exceed what a
// number keeps exact; what is shown is rounded, what is added up is not.

import { amount, count } from "../format";
import { entry, short } from "../text";

export const SOL_MINT = "So11111111111111111111111111111111111111112";
export const LAMPORTS = 1e9;
const QUOTES: Record<string, { name: string; decimals: number }> = {
  [SOL_MINT]: { name: "SOL", decimals: 9 },
  EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v: { name: "USDC", decimals: 6 },
  Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB: { name: "USDT", decimals: 6 },
  USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB: { name: "USD1", decimals: 6 },
};
const DIGITS = "₀₁₂₃₄₅₆₇₈₉";
const ZEROS_MIN = 3;
const FOUR = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const LARGE = 100_000;

/** A quote's name, or the ends of its address. */
export const quoteName = (mint: string | null): string =>
  mint === null ? "" : entry(QUOTES, mint)?.name ?? short(mint);

/** Its decimals where it is one that everybody knows. */
export const quoteDecimals = (mint: string | null): number | null =>
  mint === null ? null : entry(QUOTES, mint)?.decimals ?? null;

/** 0.00000002824 is written 0.0₇2824: the small digit counts the zeros. */
export function price(value: number): string {
  if (!Number.isFinite(value)) return "unknown";
  const size = Math.abs(value);
  if (size >= LARGE) return COMPACT.format(value);
  if (size === 0 || size >= 0.001) return FOUR.format(value);
  const [digits = "0", power = "0"] = size.toExponential(3).split("e");
  const zeros = -Number(power) - 1;
  if (zeros < ZEROS_MIN) return FOUR.format(value);
  const small = [...String(zeros)].map(one => DIGITS[Number(one)]).join("");
  return `${value < 0 ? "−" : ""}0.0${small}${digits.replace(".", "").replace(/0+$/, "")}`;
}

/** The whole of a price, for a title. */
export const wholePrice = (value: number): string =>
  Math.abs(value) < 1e-6 && value !== 0 ? value.toFixed(18).replace(/0+$/, "") : String(value);

/** Raw units of a quote with its name; raw where its decimals are not known. */
export function quoted(raw: string | null, mint: string | null, decimals = quoteDecimals(mint)): string {
  if (raw === null) return "unknown";
  if (decimals === null) return `${signed(raw, 0)} raw ${quoteName(mint)}`.trim();
  return `${signed(raw, decimals)} ${quoteName(mint)}`.trim();
}

/** Raw units of a token, shortened: 1.25M. */
export function tokens(raw: string | null, decimals: number | null): string {
  if (raw === null) return "unknown";
  if (decimals === null) return `${signed(raw, 0)} raw`;
  const value = Number(raw) / 10 ** decimals;
  return Math.abs(value) >= LARGE ? COMPACT.format(value) : signed(raw, decimals);
}

/** The same with every digit, for a title. */
export function exact(raw: string | null, decimals: number | null): string {
  if (raw === null) return "unknown";
  const minus = raw.startsWith("-") ? "-" : "";
  const digits = raw.replace("-", "").padStart((decimals ?? 0) + 1, "0");
  const part = decimals ? digits.slice(-decimals).replace(/0+$/, "") : "";
  return minus + (decimals ? digits.slice(0, -decimals) : digits) + (part ? `.${part}` : "");
}

function signed(raw: string, decimals: number): string {
  return raw.startsWith("-") ? `−${amount(raw.slice(1), decimals)}` : amount(raw, decimals);
}

/** A part of a whole in percent, by raw units; nothing where the whole is nothing. */
export function share(part: string, whole: bigint): string {
  if (whole <= 0n) return "–";
  const percent = Number(BigInt(part) * 10_000n / whole) / 100;
  if (percent === 0 && BigInt(part) > 0n) return "<0.01 %";
  return `${percent >= 100 ? count(Math.round(percent)) : FOUR.format(percent)} %`;
}

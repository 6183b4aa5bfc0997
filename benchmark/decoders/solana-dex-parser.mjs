// solana-dex-parser (npm, MIT) as a decoder of benchmark/protocol.md, with its own defaults.
// Run it in a folder where it is installed (npm install solana-dex-parser@2.6.7).
//
// The library gives a route's hops, and what a router says of a hop beside what the pool says. Here
// the same hop counts once, and what a wallet's hops come to is its trade.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.cwd()}/`);
const { DexParser } = require("solana-dex-parser");

// The protocol has stdout to itself.
console.log = console.info = console.warn = console.error;

const QUOTES = [
  "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
  "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB",
  "So11111111111111111111111111111111111111112",
];

function changesByWallet(hops) {
  const seen = new Set();
  const wallets = new Map();
  for (const { user, inputToken, outputToken } of hops) {
    const hop = [user, inputToken.mint, inputToken.amountRaw, outputToken.mint, outputToken.amountRaw];
    if (seen.has(hop.join())) continue;
    seen.add(hop.join());
    if (!wallets.has(user)) wallets.set(user, new Map());
    const changes = wallets.get(user);
    const add = (mint, by) => changes.set(mint, (changes.get(mint) ?? 0n) + by);
    add(inputToken.mint, -BigInt(inputToken.amountRaw));
    add(outputToken.mint, BigInt(outputToken.amountRaw));
  }
  return wallets;
}

function tradesOf([trader, changes]) {
  const size = (change) => (change < 0n ? -change : change);
  const trades = [];
  for (const [mint, change] of changes) {
    if (change === 0n || QUOTES.includes(mint)) continue;
    const against = [...changes].filter(([, other]) => other !== 0n && other < 0n !== change < 0n);
    against.sort(([one], [two]) => QUOTES.includes(two) - QUOTES.includes(one));
    if (against.length === 0) continue;
    const [quote, paid] = against[0];
    trades.push({
      trader,
      side: change > 0n ? "buy" : "sell",
      mint,
      base_amount_raw: String(size(change)),
      quote_mint: quote,
      quote_amount_raw: String(size(paid)),
    });
  }
  return trades;
}

function answer({ signature, transaction }) {
  // A failed transaction did nothing; the library leaves it to its caller to look.
  if (transaction.meta.err !== null) return { signature, trades: [] };
  const result = new DexParser().parseAll(transaction);
  if (!result.state) return { signature, error: String(result.msg ?? "not parsed") };
  return { signature, trades: [...changesByWallet(result.trades)].flatMap(tradesOf) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let said;
  try {
    said = answer(asked);
  } catch (error) {
    said = { signature: asked.signature, error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

// What a token is right now, in figures; each says its unit, and why it is not known where it is not.

import type { ComponentChildren } from "preact";
import type { PoolsAnswer, Token } from "../api";
import { age, count, metricValue, sol, unknown } from "../format";
import { LAMPORTS, price, wholePrice } from "../frame/amounts";
import { solIn } from "./pools";

export function Figures({ token, pools, nowMs, isRecorded }: {
  token: Token | null; pools: PoolsAnswer | null; nowMs: number; isRecorded: boolean;
}) {
  const of = (name: string, show: (value: number) => ComponentChildren): ComponentChildren => {
    if (token === null) return "…";
    const value = token.metrics[name];
    return typeof value === "number" ? show(value) : <span class="small dim">{unknown(token.unknown[name])}</span>;
  };
  const liquidity = pools === null ? null : solIn(pools);
  return (
    <dl class="tiles figures">
      <Tile label="price">{of("price_sol", value => <span title={`${wholePrice(value)} SOL`}>{price(value)} SOL</span>)}</Tile>
      <Tile label="market cap">{of("market_cap_sol", sol)}</Tile>
      <Tile label="change, 5 min">{of("price_change_5m", value => <span class={value < 0 ? "sell" : "buy"}>{value > 0 && "+"}{metricValue("price_change_5m", value)}</span>)}</Tile>
      <Tile label="change, 1 h">{of("price_change_1h", value => <span class={value < 0 ? "sell" : "buy"}>{value > 0 && "+"}{metricValue("price_change_1h", value)}</span>)}</Tile>
      <Tile label="bought, 5 min">{of("buy_volume_sol_5m", sol)}</Tile>
      <Tile label="sold, 5 min">{of("sell_volume_sol_5m", sol)}</Tile>
      <Tile label="buyers / sellers">{of("unique_buyers_5m", count)} / {of("unique_sellers_5m", count)}</Tile>
      <Tile label="liquidity">{liquidity === null ? "…" : liquidity.lamports === null ? <span class="small dim">unknown: no venue stated it</span>
        : <span title={liquidity.silent > 0 ? `${liquidity.silent} more pools state nothing` : "as its pools stated last: see below when"}>{liquidity.silent > 0 && "≥ "}{sol(Number(liquidity.lamports) / LAMPORTS)}</span>}</Tile>
      {!isRecorded && <Tile label="last trade">{token === null || token.last_trade_ms === null ? "…" : `${age(nowMs - token.last_trade_ms)} ago`}</Tile>}
    </dl>
  );
}

function Tile({ label, children }: { label: string; children: ComponentChildren }) {
  return <div class="tile"><dt>{label}</dt><dd>{children}</dd></div>;
}

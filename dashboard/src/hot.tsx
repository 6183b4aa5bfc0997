// The tokens that are HOT, and one of them whose alert is not on the page.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Token } from "./api";
import { age, missingIn, sol, unknown } from "./format";
import { stay, useKeptFocus } from "./order";
import { MintOf, Said } from "./parts";
import { plain, short } from "./text";
import { Why } from "./why";

const SHOWN_MAX = 40;

export function Hot({ tokens, look, nowMs, recorded }: {
  tokens: Token[] | null; look: (token: Token) => void; nowMs: number; recorded: boolean;
}) {
  const list = useRef<HTMLUListElement>(null);
  const before = useRef<Token[]>([]);
  // They are asked for every other second: what one points at must not become another one.
  const isIn = useRef({ pointer: false, focus: false });
  useKeptFocus(list);
  const traded = [...(tokens ?? [])].sort((a, b) => (b.last_trade_ms ?? 0) - (a.last_trade_ms ?? 0));
  const stays = isIn.current.pointer || isIn.current.focus;
  const shown = (stays ? stay(before.current, traded, one => one.mint) : traded).slice(0, SHOWN_MAX);
  before.current = shown;
  const isHot = new Set(traded.map(one => one.mint));
  return (
    <aside aria-labelledby="hot-head">
      <div class="head"><h2 id="hot-head">Hot tokens</h2><span class="dim">{tokens?.length ?? ""}</span></div>
      {tokens === null && <p class="none">…</p>}
      {tokens?.length === 0 && <p class="none">None: no token has rung within the hour.</p>}
      <ul class="hot" ref={list}
        onPointerEnter={() => { isIn.current.pointer = true; }} onPointerLeave={() => { isIn.current.pointer = false; }}
        onFocusIn={() => { isIn.current.focus = true; }} onFocusOut={() => { isIn.current.focus = false; }}>
        {shown.map(one => {
          const cap = one.metrics["market_cap_sol"];
          const bought = one.metrics["buy_volume_sol_5m"];
          return (
            <li key={one.mint}>
              <button type="button" data-hot={one.mint} onClick={() => look(one)} title={plain(one.mint, 64)}>
                <span class="token">{one.symbol ? <Said text={one.symbol} /> : <em>name unknown</em>} <code>{short(one.mint)}</code></span>
                <span class="facts">
                  <span>cap {typeof cap === "number" ? sol(cap) : unknown(one.unknown["market_cap_sol"])}</span>
                  {typeof bought === "number" && <span>bought {sol(bought)} in 5 min</span>}
                  {!recorded && one.last_trade_ms !== null && <span>traded {age(nowMs - one.last_trade_ms)} ago</span>}
                  {!isHot.has(one.mint) && <span>no longer hot</span>}
                </span>
                {one.gapped && <span class="gapped">{missingIn(one.gapped)}</span>}
              </button>
            </li>
          );
        })}
      </ul>
    </aside>
  );
}

/** A token that was asked for: its rules right now, in place of an alert that is not held. */
export function Looked({ token, times, isRung, shut }: {
  token: Token; times: number; isRung: boolean; shut: () => void;
}) {
  const card = useRef<HTMLElement>(null);
  // The focus comes here, so that a screen reader says what this is and why.
  useLayoutEffect(() => card.current?.focus(), [times]);
  return (
    <section class="alert looked" ref={card} tabIndex={-1} aria-labelledby="looked-name" aria-describedby="looked-why">
      <div class="bar">
        <h3 id="looked-name" class="name">
          {token.symbol && <strong><Said text={token.symbol} /></strong>} {token.name && <Said text={token.name} />}
          {!token.symbol && !token.name && <em>name unknown</em>}
        </h3>
        <button type="button" class="plain" onClick={shut}>Close</button>
      </div>
      <p class="facts">
        <MintOf mint={token.mint} />
        {token.gapped && <span class="gapped">{missingIn(token.gapped)}</span>}
      </p>
      <p id="looked-why" class="detail">
        {isRung ? "It has rung again since: see its alert below." : "Its alert is older than what is shown here. These are its rules as they are now."}
      </p>
      <div class="opened"><Why key={token.mint} mint={token.mint} own="" /></div>
    </section>
  );
}

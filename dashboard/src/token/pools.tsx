// A token's pools as history saw them last.

import type { PoolsAnswer } from "../api";
import { quoteDecimals, quoted, quoteName, SOL_MINT, tokens } from "../frame/amounts";
import { Answer, Lacks, type Asked } from "../frame/asked";
import { At } from "../frame/times";
import { Copy, Said, Table } from "../parts";
import { LABEL_MAX, plain, short } from "../text";

type Pool = PoolsAnswer["pools"][number];

/** SOL in the open pools together, in lamports, null where none of them states what it holds; and how
 *  many of them have SOL and state nothing, so that there is more. */
export function solIn({ pools }: PoolsAnswer): { lamports: bigint | null; silent: number } {
  const held = pools.filter(one => one.to_pool === null && (one.mint_a === SOL_MINT || one.mint_b === SOL_MINT))
    .map(one => (one.mint_a === SOL_MINT ? one.reserve_a_raw : one.reserve_b_raw));
  const stated = held.filter(one => one !== null);
  return {
    lamports: stated.length ? stated.reduce((sum, one) => sum + BigInt(one), 0n) : null,
    silent: held.length - stated.length,
  };
}

export function Pools({ asked, mint, decimals }: { asked: Asked<PoolsAnswer>; mint: string; decimals: number | null }) {
  const held = (address: string, raw: string | null) =>
    raw === null ? "not stated"
      : address === mint ? `${tokens(raw, decimals)} tokens`
        : quoteDecimals(address) === null ? `${plain(raw)} raw ${quoteName(address)}` : quoted(raw, address);
  const state = (one: Pool) =>
    one.to_pool !== null ? <>migrated to <code title={plain(one.to_pool, LABEL_MAX)}>{short(one.to_pool)}</code></>
      : one.completed_ms !== null ? "curve complete" : "open";
  return (
    <Answer asked={asked}>
      {({ pools, history }) => (
        <>
          <Lacks head={history} />
          <Table label="Pools" none="No venue stated what a pool of this token holds." columns={[
            { name: "venue" }, { name: "holds" }, { name: "state" }, { name: "as of" }, { name: "pool" }]}
            rows={pools.map(one => [
              <Said text={one.venue} max={LABEL_MAX} />,
              <>{held(one.mint_a, one.reserve_a_raw)}<br />{held(one.mint_b, one.reserve_b_raw)}</>,
              state(one),
              <At ms={one.minute_ms} />,
              <span class="mint"><code title={plain(one.pool, LABEL_MAX)}>{short(one.pool)}</code><Copy text={plain(one.pool, LABEL_MAX)} what="pool" /></span>,
            ])} />
        </>
      )}
    </Answer>
  );
}

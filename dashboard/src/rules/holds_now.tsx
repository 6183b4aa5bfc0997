// For how many tokens a rule would hold at this moment, and which.

import { useMemo } from "preact/hooks";
import type { Token } from "../api";
import { count } from "../format";
import { TokenOf } from "../frame/cells";
import type { Draft } from "./core/draft";
import { countsOf, through } from "./core/spread";

const SHOWN_MAX = 6;

export function HoldsNow({ draft: { conditions, gates }, tokens }: { draft: Draft; tokens: Token[] }) {
  const { counts, found, passed } = useMemo(() => {
    const all = through(conditions, tokens);
    return { counts: countsOf(conditions, tokens), found: all, passed: through([...conditions, ...gates], tokens).length };
  }, [conditions, gates, tokens]);
  if (!tokens.length) return <p class="dim small">No token is HOT or WARM now, so nothing is known of how the metrics are spread.</p>;
  if (!conditions.length) return null;
  return (
    <div class="holds-now" role="status">
      <p>
        Now <strong>all conditions hold for {count(counts.holds)} of {count(tokens.length)}</strong> HOT and WARM tokens
        {counts.unknown > 0 && <>; for {count(counts.unknown)} it is unknown</>}
        {gates.length > 0 && <>; {count(passed)} of them pass the gates</>}.
      </p>
      {found.length > 0 && (
        <p class="links small">
          {found.slice(0, SHOWN_MAX).map(one => <TokenOf key={one.mint} mint={one.mint} symbol={one.symbol} name={one.name} />)}
          {found.length > SHOWN_MAX && <span class="dim">and {count(found.length - SHOWN_MAX)} more</span>}
        </p>
      )}
    </div>
  );
}

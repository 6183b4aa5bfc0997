// What a node says of a token that the stream does not: supply, authorities, extensions. Each is as
// of a slot, and says where it came from; what the stream knows stands beside it.

import type { FactsAnswer, MintFacts } from "../api";
import { count } from "../format";
import { exact, tokens } from "../frame/amounts";
import type { Asked } from "../frame/asked";
import { WalletOf } from "../frame/cells";
import { At } from "../frame/times";
import { Said } from "../parts";
import { LABEL_MAX, NAME_MAX, SENTENCE_MAX, words } from "../text";

const PROGRAMS: Record<MintFacts["kind"], string> = {
  spl_token: "SPL Token", token_2022: "Token-2022", not_a_mint: "no mint", absent: "no account",
};

export function NodeFacts({ asked }: { asked: Asked<FactsAnswer> }) {
  if (asked.value === null) return <p class="none" role="status">{asked.problem ? <Said text={asked.problem} max={SENTENCE_MAX} /> : "…"}</p>;
  const { node, missing, name, symbol } = asked.value;
  return (
    <>
      {missing && <p class="dim small"><Said text={missing} max={SENTENCE_MAX} /></p>}
      {node !== null && node.why && <p class="bad small"><Said text={node.why} max={SENTENCE_MAX} /></p>}
      {node !== null && <Facts node={node} differs={differs(name) || differs(symbol)} />}
    </>
  );
}

/** What an extension holds: numbers, as fees are, before addresses. */
function saidBy(says: MintFacts["extensions"][number]["says"]): string {
  const rank = (value: unknown) => (typeof value === "number" || typeof value === "boolean" ? 0 : 1);
  return Object.entries(says).sort(([, a], [, b]) => rank(a) - rank(b)).map(([key, value]) => `${words(key)} ${value ?? "nobody"}`).join(", ");
}

/** Whether the node has another name than the stream said when the token was made. */
const differs = (shown: FactsAnswer["name"]): boolean => shown?.from === "stream" && shown.rpc !== null && shown.rpc !== shown.value;

function Facts({ node, differs: isOther }: { node: MintFacts; differs: boolean }) {
  const isMint = node.kind === "spl_token" || node.kind === "token_2022";
  return (
    <>
      <dl class="metrics">
        <div><dt>kind</dt><dd>{PROGRAMS[node.kind]}</dd></div>
        {isMint && (
          <>
            <div><dt>supply</dt><dd title={exact(node.supply_raw, node.decimals)}>{tokens(node.supply_raw, node.decimals)} tokens</dd></div>
            <div><dt>may mint more</dt><dd>{node.mint_authority === null ? "nobody" : <WalletOf address={node.mint_authority} />}</dd></div>
            <div><dt>may freeze</dt><dd>{node.freeze_authority === null ? "nobody" : <WalletOf address={node.freeze_authority} />}</dd></div>
            {node.is_mutable !== null && <div><dt>name may change</dt><dd>{node.is_mutable ? "yes" : "no"}</dd></div>}
            {(node.name ?? node.symbol) !== null && (
              <div><dt>name there</dt><dd class={isOther ? "bad" : ""}><Said text={[node.symbol, node.name].filter(Boolean).join(" ")} max={2 * NAME_MAX} />{isOther && ": not that of the stream"}</dd></div>
            )}
          </>
        )}
      </dl>
      {node.extensions.length > 0 && (
        <ul class="fired" aria-label="Extensions">
          {node.extensions.map(one => (
            <li key={one.number}>
              <span class="dim">{one.name === null ? `extension ${one.number}` : words(one.name)}</span>{" "}
              <Said text={saidBy(one.says)} max={SENTENCE_MAX} />
            </li>
          ))}
          {node.extensions_cut && <li>and more</li>}
        </ul>
      )}
      <p class="dim small">
        Said by <Said text={node.host} max={LABEL_MAX} /> at slot {count(node.slot)}, asked <At ms={node.asked_ms} />. It may have changed since.
      </p>
    </>
  );
}

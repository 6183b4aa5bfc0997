// Who bought a token, who spent most first: what part of all buying that was, and what is left of it.

import type { BuyersAnswer } from "../api";
import { count } from "../format";
import { exact, quoted, share, tokens } from "../frame/amounts";
import { Answer, Lacks, type Asked } from "../frame/asked";
import { WalletOf } from "../frame/cells";
import { At } from "../frame/times";
import { Table } from "../parts";

export function Buyers({ asked, decimals }: { asked: Asked<BuyersAnswer>; decimals: number | null }) {
  return (
    <Answer asked={asked}>
      {({ buyers, quote_mint, history, next_before }) => (
        <>
          <Lacks head={history} />
          <Table label="Buyers" none="Nobody bought it for SOL, as far as history goes back." columns={[
            { name: "wallet" }, { name: "share", number: true }, { name: "spent", number: true }, { name: "still holds (tokens)", number: true },
            { name: "received", number: true }, { name: "buys / sells", number: true }, { name: "first seen" }]}
            rows={buyers.map(one => {
              const left = String(BigInt(one.bought_raw) - BigInt(one.sold_raw));
              return [
                <WalletOf address={one.trader} />,
                share(one.spent_raw, BigInt(one.all_spent_raw)),
                quoted(one.spent_raw, quote_mint),
                <span title={`${exact(left, decimals)} by its swaps for SOL: what was sent, or traded for another quote, is not in it`}>{tokens(left, decimals)}</span>,
                quoted(one.received_raw, quote_mint),
                `${count(one.buys)} / ${count(one.sells)}`,
                <At ms={one.first_ms} />,
              ];
            })} />
          <p class="dim small">
            By the swaps of this stream for SOL. Tokens that were sent from wallet to wallet, or traded for another quote, are not in
            it, so less than nothing may be left. {next_before !== null && "These are the first 20."}
          </p>
        </>
      )}
    </Answer>
  );
}

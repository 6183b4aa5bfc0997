// Cells that many tables share: a wallet, a token, a transaction, a price.

import { Copy, Said } from "../parts";
import { LABEL_MAX, NAME_MAX, plain, short } from "../text";
import { price, quoteName, wholePrice } from "./amounts";
import { entriesOf, useLists } from "./lists";
import { A, isAddress } from "./route";

/** A wallet by its ends, with its label, and a link to its page. */
export function WalletOf({ address }: { address: string }) {
  const labels = entriesOf(useLists(), address).map(one => one.label).filter(Boolean);
  const shown = <code title={plain(address, 100)}>{short(address)}</code>;
  return (
    <span class="wallet">
      {isAddress(address) ? <A to={`/wallet/${address}`}>{shown}</A> : shown}
      {labels.map(one => <span class="label" key={one}><Said text={one} max={LABEL_MAX} /></span>)}
    </span>
  );
}

/** A token by its symbol, where it is known, and its ends; with a link to its page. */
export function TokenOf({ mint, symbol, name }: { mint: string; symbol?: string | null; name?: string | null }) {
  const shown = (
    <>
      {symbol ? <strong><Said text={symbol} max={NAME_MAX} /></strong> : name ? <strong><Said text={name} max={NAME_MAX} /></strong> : null}{" "}
      <code title={plain(mint, 100)}>{short(mint)}</code>
    </>
  );
  return isAddress(mint) ? <A to={`/token/${mint}`} class="token-link">{shown}</A> : <span>{shown}</span>;
}

/** A transaction's signature, with a link to its page. */
export function TransactionOf({ signature }: { signature: string }) {
  const shown = <code title={plain(signature, 100)}>{short(signature)}</code>;
  return isAddress(signature) ? <A to={`/tx/${signature}`}>{shown}</A> : shown;
}

/** A price in a quote, with all of its digits as a title. */
export function PriceIn({ value, quote }: { value: number | null; quote: string | null }) {
  if (value === null) return <span class="dim">unknown</span>;
  return <span title={`${wholePrice(value)} ${quoteName(quote)}`}>{price(value)} {quoteName(quote)}</span>;
}

/** An address or a signature whole, with a button that copies it. */
export function Whole({ text, what }: { text: string; what: string }) {
  const whole = plain(text, 100);
  return <span class="whole"><code>{whole}</code><Copy text={whole} what={what} /></span>;
}

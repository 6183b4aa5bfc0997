// An address of a list: a link to its page, and a button that copies it.

import { A, isAddress } from "../frame/route";
import { Copy } from "../parts";
import { plain, short } from "../text";

const ADDRESS_MAX = 100;

export function AddressOf({ address, of }: { address: string; of: string }) {
  const whole = plain(address, ADDRESS_MAX);
  const shown = <code title={whole}>{short(address)}</code>;
  return (
    <span class="mint">
      {isAddress(address) ? <A to={`/${of === "token" ? "token" : "wallet"}/${address}`}>{shown}</A> : shown}
      <Copy text={whole} what="address" />
    </span>
  );
}
